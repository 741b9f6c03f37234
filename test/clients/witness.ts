import type { KubernetesObject } from '@kubernetes/client-node';

/** An object as the API always gives it. */
export type Held = KubernetesObject & {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
};

/**
 * Writes down what an informer tells, and what no informer may ever tell: an object that goes back
 * in time, is added twice, is changed or deleted without being there.
 */
export class Witness {
  readonly faults: string[] = [];
  /** The uids of what was there and went. */
  readonly gone: string[] = [];
  /** How many changes were told. */
  told = 0;
  readonly #objects = new Map<string, Held>();
  /** The newest version that was told of each name, deletions included. */
  readonly #versions = new Map<string, bigint>();

  added(object: Held): void {
    const key = keyOf(object);
    if (this.#objects.has(key)) this.faults.push(`${key} was added twice`);
    this.#take(key, object);
  }

  updated(object: Held): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before === undefined) this.faults.push(`${key} was changed and had not been added`);
    // Found by a list: it went, and another of its name came.
    else if (before.metadata.uid !== object.metadata.uid) this.gone.push(before.metadata.uid);
    this.#take(key, object);
  }

  deleted(object: Held): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.told += 1;
    if (before === undefined) {
      this.faults.push(`${key} was deleted and had not been there`);
      return;
    }
    // A list only shows that it is gone: then it is told as it was before.
    const version = BigInt(object.metadata.resourceVersion);
    if (version < BigInt(before.metadata.resourceVersion)) {
      this.faults.push(`${key} was deleted at ${version}, before it was seen`);
    }
    this.gone.push(before.metadata.uid);
    this.#objects.delete(key);
    this.#versions.set(key, version);
  }

  /** What is there by all that was told, in the order of names. */
  get objects(): Held[] {
    return [...this.#objects]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([, object]) => object);
  }

  #take(key: string, object: Held): void {
    this.told += 1;
    const version = BigInt(object.metadata.resourceVersion);
    const last = this.#versions.get(key);
    if (last !== undefined && version <= last) {
      this.faults.push(`${key} went back in time, from ${last} to ${version}`);
    }
    this.#versions.set(key, version);
    this.#objects.set(key, object);
  }
}

/** Unique among the objects of a kind. */
export function keyOf({ metadata: { namespace = '', name } }: Held): string {
  return `${namespace}/${name}`;
}
