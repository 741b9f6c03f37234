import type { StoredMetadata } from '../../ledger/events.ts';
import { isObject } from '../json-body.ts';
import { type StatusCause, StatusError } from '../status.ts';
import type { Exchange } from './exchange.ts';
import { printedPath } from './ownership/field-path.ts';
import { changesBetween, duplicateItems, ownedFields } from './ownership/fields.ts';
import { isReset, type Managed, managedBefore, writeManagedFields } from './ownership/managers.ts';
import {
  afterUpdate,
  applied,
  type Conflict,
  ownedBefore,
  settled,
  type Write,
} from './ownership/owners.ts';
import type { Shape } from './ownership/shape.ts';

/**
 * The owners of an object's fields as one request changes them. They are kept from the first write
 * on that names a field manager or applies: most objects are written by one program that never
 * does, and would carry a list of their own fields for nothing.
 */
type ManagedFields = NonNullable<StoredMetadata['managedFields']>;

/** The manager that kubectl applies by, and where it notes what it has applied itself. */
const KUBECTL = 'kubectl';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export class ObjectOwners {
  readonly #exchange: Exchange;
  readonly #present: unknown;
  readonly #shape: Shape;
  readonly #place: { readonly apiVersion: string; readonly subresource?: string };

  /** `present` is what the object has as `managedFields`. */
  constructor(
    exchange: Exchange,
    present: unknown,
    shape: Shape,
    place: { readonly apiVersion: string; readonly subresource?: string },
  ) {
    this.#exchange = exchange;
    this.#present = present;
    this.#place = place;
    this.#shape = shape;
  }

  /** The owners after an update; `sent` is what its body has as `managedFields`. */
  afterUpdate(before: unknown, after: unknown, sent?: unknown): ManagedFields {
    if (isReset(sent)) return [];
    const known = managedBefore(this.#present, sent);
    if (known.length === 0 && !this.#exchange.writer.isNamed) return [];
    const write = this.#by('Update');
    const managed = known.length > 0 ? known : ownedBefore(before, write);
    const next = afterUpdate(managed, before, after, write);
    return next === managed && known.length === 0 ? [] : writeManagedFields(next);
  }

  /** What a configuration makes of a value, and who owns what then. Conflicts are refused. */
  apply(live: unknown, configuration: unknown, force: boolean): AppliedValue {
    const write = this.#by('Apply');
    const { shape } = write;
    requireDistinctItems(configuration, shape);
    const known = managedBefore(this.#present, undefined);
    const managed = known.length > 0 ? known : ownedBefore(live, write);
    let result = applied(managed, live, configuration, force, write);
    if ('conflicts' in result && this.#isOwnUpgrade(live, result.conflicts)) {
      result = applied(managed, live, configuration, true, write);
    }
    if ('conflicts' in result) throw applyConflict(result.conflicts);
    const { value, managed: next } = result;
    const managedFields = (after: unknown) => {
      const owners = settled(next, { before: managed, live, after }, write);
      return owners === managed && known.length === 0 ? [] : writeManagedFields(owners);
    };
    return { value, managedFields };
  }

  #by(operation: Managed['operation']): Write {
    const { writer, deps } = this.#exchange;
    const time = `${deps.clock().toISOString().slice(0, 19)}Z`;
    const self = { manager: writer.manager, operation, ...this.#place };
    return { self, time, shape: this.#shape };
  }

  /** What kubectl has applied by itself is its own, once it lets the server apply. */
  #isOwnUpgrade(live: unknown, conflicts: readonly Conflict[]): boolean {
    if (this.#exchange.writer.manager !== KUBECTL) return false;
    const noted = lastApplied(live);
    if (noted === undefined) return false;
    const shape = this.#shape;
    const { set, removed } = changesBetween(noted, live, shape);
    const own = ownedFields(noted, shape).difference(set).difference(removed);
    return conflicts.every(({ field }) => own.has(field));
  }
}

export interface AppliedValue {
  readonly value: unknown;
  /** The owners, once it is known what of the value is taken. */
  managedFields(after: unknown): ManagedFields;
}

/** What the annotation says that kubectl has applied. */
function lastApplied(live: unknown): unknown {
  const metadata = isObject(live) ? live.metadata : undefined;
  const annotations = isObject(metadata) ? metadata.annotations : undefined;
  const text = isObject(annotations) ? annotations[LAST_APPLIED] : undefined;
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function requireDistinctItems(configuration: unknown, shape: Shape): void {
  const [path] = duplicateItems(configuration, shape);
  if (path === undefined) return;
  const message = `the configuration has ${printedPath(path)} twice`;
  const cause = { reason: 'FieldValueDuplicate', message, field: printedPath(path).slice(1) };
  throw new StatusError('Invalid', message, { causes: [cause] });
}

/** Conflicts as upstream words them. */
function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const named = conflicts.map(({ with: manager, field }) => ({
    manager: printedManager(manager),
    field: printedPath(field),
  }));
  const causes = named.map(({ manager, field }): StatusCause => {
    return { reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field };
  });
  const [only] = named;
  const found =
    named.length === 1 && only !== undefined
      ? `1 conflict: conflict with ${only.manager}: ${only.field}`
      : `${named.length} conflicts: ${listed(named)}`;
  return new StatusError('Conflict', `Apply failed with ${found}`, { causes });
}

function listed(conflicts: readonly { readonly manager: string; readonly field: string }[]) {
  const byManager = Map.groupBy(conflicts, ({ manager }) => manager);
  return [...byManager.keys()]
    .sort()
    .flatMap((manager) => [
      `conflicts with ${manager}:`,
      ...(byManager.get(manager) ?? []).map(({ field }) => `- ${field}`),
    ])
    .join('\n');
}

function printedManager({ manager, operation, apiVersion, subresource, time }: Managed): string {
  const quoted = JSON.stringify(manager);
  const named =
    subresource === undefined
      ? quoted
      : `${quoted} with subresource ${JSON.stringify(subresource)}`;
  if (operation === 'Apply') return named;
  return `${named} using ${apiVersion}${time === undefined ? '' : ` at ${time}`}`;
}
