import type { Position } from '../store/store.ts';
import type { KindChange } from './change-log.ts';
import type { Placed } from './projection.ts';
import type { KubeObject } from './views.ts';

/** Where a version ends: at the last event of the command that changed or deleted the object. */
export interface End {
  readonly lastRevision: number;
  readonly position: Position;
  readonly recordedAtMs: number;
}

/** The end that an event makes of what it has touched. */
export function endAt({ revision, position, recordedAtMs }: Placed): End {
  return { lastRevision: revision, position, recordedAtMs };
}

/** Which object a version is of, and where in the log it is. */
export interface VersionPlace extends End {
  readonly namespace: string;
  readonly name: string;
  /** Revision of its stream that its writer knows it by. */
  readonly revision: number;
}

/**
 * An object as one command left it: a value, or its JSON text, or both. Each is made once, when it
 * is asked for. Most are never asked for again, and a text is much less work for the garbage
 * collector than the objects that it stands for.
 */
export class Version implements VersionPlace {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** Revision, position and recorded time of the last event that touched it. */
  readonly lastRevision: number;
  readonly position: Position;
  readonly recordedAtMs: number;
  #object: KubeObject | undefined;
  #text: string | undefined;

  constructor(place: VersionPlace, content: KubeObject | string) {
    this.namespace = place.namespace;
    this.name = place.name;
    this.revision = place.revision;
    this.lastRevision = place.lastRevision;
    this.position = place.position;
    this.recordedAtMs = place.recordedAtMs;
    if (typeof content === 'string') this.#text = content;
    else this.#object = content;
  }

  get object(): KubeObject {
    this.#object ??= JSON.parse(this.#text as string) as KubeObject;
    return this.#object;
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.#object);
    return this.#text;
  }

  /** Keeps the text only. */
  compact(): void {
    this.#text ??= JSON.stringify(this.#object);
    this.#object = undefined;
  }
}

/** What one command has made of one object, told by the versions before and after it. */
export class VersionChange implements KindChange {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly position: Position;
  readonly recordedAtMs: number;
  /** Of all but the last that one event makes: a client that goes on from there misses none. */
  readonly goOnFrom: Position | undefined;
  readonly #before: Version | undefined;
  readonly #after: Version | undefined;

  constructor(
    {
      kind,
      namespace,
      name,
      goOnFrom,
    }: Pick<KindChange, 'kind' | 'namespace' | 'name' | 'goOnFrom'>,
    { position, recordedAtMs }: Pick<Placed, 'position' | 'recordedAtMs'>,
    before: Version | undefined,
    after: Version | undefined,
  ) {
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.position = position;
    this.recordedAtMs = recordedAtMs;
    this.goOnFrom = goOnFrom;
    this.#before = before;
    this.#after = after;
  }

  get before(): KubeObject | undefined {
    return this.#before?.object;
  }

  get after(): KubeObject | undefined {
    return this.#after?.object;
  }

  get afterText(): string | undefined {
    return this.#after?.text;
  }

  compact(): void {
    this.#before?.compact();
    this.#after?.compact();
  }
}
