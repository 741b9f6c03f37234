import {
  allocationCountOf,
  allocationNameOf,
  allocationsOfInterface,
} from '../../projections/ip-allocations.ts';
import { interfaceOfName } from '../../projections/shape/allocation-names.ts';
import type { Prefix } from '../addressing/prefix.ts';
import type { Position } from '../store/store.ts';
import type { KindChange } from './change-log.ts';
import type { ObjectTable } from './object-table.ts';
import type { Present } from './projection.ts';
import { Version } from './version.ts';
import type { KubeObject, ListQuery } from './views.ts';

export const ALLOCATION = 'IPAllocation';
export const INTERFACE = 'NetworkInterface';

/** What objects of a kind are read from: their rows, or rows of something else. */
export type ObjectReads = Pick<ObjectTable, 'load' | 'atRevision' | 'atPosition' | 'list'>;

/** What the records of an interface's addresses are made of beside the interface. */
export interface AllocationSource {
  /** What existed at a position; undefined is now. */
  presentAt(position: Position | undefined): Pick<Present, 'object'>;
  /** The authored pool that a block was of at a position. */
  authoredPoolOf(block: Prefix, at: Position): string | undefined;
}

/**
 * IPAllocations: those that are stored, and those of interfaces, which are made of the interfaces
 * at the read, since a claim would else cost a row more for each of its addresses. Within a
 * namespace the stored ones come first, then those of each interface.
 */
export class AllocationReads implements ObjectReads {
  readonly #stored: ObjectTable;
  readonly #interfaces: ObjectTable;
  readonly #source: AllocationSource;

  constructor(stored: ObjectTable, interfaces: ObjectTable, source: AllocationSource) {
    this.#stored = stored;
    this.#interfaces = interfaces;
    this.#source = source;
  }

  load(namespace: string, name: string): Version | undefined {
    return this.#find(namespace, name, undefined, (table, one) => table.load(namespace, one));
  }

  atRevision(namespace: string, name: string, revision: number): Version | undefined {
    return this.#find(namespace, name, undefined, (table, one) =>
      table.atRevision(namespace, one, revision),
    );
  }

  atPosition(namespace: string, name: string, position: Position): Version | undefined {
    return this.#find(namespace, name, position, (table, one) =>
      table.atPosition(namespace, one, position),
    );
  }

  *list({ namespace, after, at }: Pick<ListQuery, 'namespace' | 'after' | 'at'>) {
    const isNic = after !== undefined && interfaceOfName(after.name) !== undefined;
    if (isNic) yield* this.#restOf(after.namespace, after.name, at);
    const stored = this.#stored.list({ namespace, at, after: isNic ? pastStored(after) : after });
    const nicAfter = isNic ? this.#nicOf(after.namespace, after.name, at) : beforeNics(after);
    const nics = this.#interfaces.list({ namespace, at, after: nicAfter });
    let nic = nics.next();
    for (const version of stored) {
      for (; !nic.done && nic.value.namespace < version.namespace; nic = nics.next()) {
        yield* this.#recordsOf(nic.value, at);
      }
      yield version;
    }
    for (; !nic.done; nic = nics.next()) yield* this.#recordsOf(nic.value, at);
  }

  /** Adds what a change of an interface is to the records of its addresses. */
  addChangesOf(change: KindChange, all: KindChange[]): void {
    const count = allocationCountOf((change.after ?? change.before) as KubeObject);
    for (let index = 0; index < count; index += 1) {
      all.push(new AllocationChange(change, index, index === count - 1, this.#source));
    }
  }

  #find(
    namespace: string,
    name: string,
    at: Position | undefined,
    read: (table: ObjectTable, name: string) => Version | undefined,
  ): Version | undefined {
    if (interfaceOfName(name) === undefined) return read(this.#stored, name);
    const nic = this.#nicOf(namespace, name, at);
    const version = read(this.#interfaces, nic?.name ?? '');
    if (version === undefined) return undefined;
    return this.#recordsOf(version, at).find((record) => record.name === name);
  }

  /** The interface of a record's name: of a name that was cut, one that begins as it does. */
  #nicOf(namespace: string, name: string, at: Position | undefined) {
    const begins = interfaceOfName(name)?.begins ?? '';
    if (!name.includes('~')) return { namespace, name: begins };
    for (const version of this.#interfaces.list({
      namespace,
      at,
      after: { namespace, name: begins },
    })) {
      if (!version.name.startsWith(begins)) break;
      if (this.#recordsOf(version, at).some((record) => record.name === name)) return version;
    }
    return { namespace, name: begins };
  }

  /** The records of one interface that come after this one. */
  #restOf(namespace: string, name: string, at: Position | undefined): Version[] {
    const nic = this.#nicOf(namespace, name, at);
    const version =
      at === undefined
        ? this.#interfaces.load(namespace, nic.name)
        : this.#interfaces.atPosition(namespace, nic.name, at);
    const records = version === undefined ? [] : this.#recordsOf(version, at);
    return records.slice(records.findIndex((record) => record.name === name) + 1);
  }

  #recordsOf(version: Version, at: Position | undefined): Version[] {
    return recordsOf(version.object, this.#source, version.position, at).map((object) => {
      const { namespace, revision, lastRevision, position, recordedAtMs } = version;
      const place = { namespace, revision, lastRevision, position, recordedAtMs };
      return new Version({ ...place, name: object.metadata.name }, object);
    });
  }
}

/** A change of an interface, as one of the record of one of its addresses. */
class AllocationChange implements KindChange {
  readonly kind = ALLOCATION;
  readonly #change: KindChange;
  readonly #index: number;
  readonly #isLast: boolean;
  readonly #source: AllocationSource;

  constructor(change: KindChange, index: number, isLast: boolean, source: AllocationSource) {
    this.#change = change;
    this.#index = index;
    this.#isLast = isLast;
    this.#source = source;
  }

  get position(): Position {
    return this.#change.position;
  }

  get recordedAtMs(): number {
    return this.#change.recordedAtMs;
  }

  get goOnFrom(): Position | undefined {
    return this.#isLast ? undefined : this.position - 1n;
  }

  get namespace(): string {
    return this.#change.namespace;
  }

  get name(): string {
    const { before, after } = this.#change;
    return allocationNameOf((after ?? before) as KubeObject, this.#index);
  }

  get before(): KubeObject | undefined {
    return this.#recordOf(this.#change.before);
  }

  get after(): KubeObject | undefined {
    return this.#recordOf(this.#change.after);
  }

  #recordOf(nic: KubeObject | undefined): KubeObject | undefined {
    return nic && recordsOf(nic, this.#source, this.position, undefined)[this.#index];
  }
}

/**
 * The records of an interface as a position left it. One event changes all of them: who has
 * received all but the last one must not go on after it, so that their versions are those of the
 * event before.
 */
function recordsOf(
  nic: KubeObject,
  source: AllocationSource,
  position: Position,
  at: Position | undefined,
) {
  const records = allocationsOfInterface(nic, {
    present: source.presentAt(at),
    authoredPoolOf: (block) => source.authoredPoolOf(block, position),
  });
  return records.map((record, index): KubeObject => {
    if (index === records.length - 1) return record;
    const resourceVersion = String(BigInt(record.metadata.resourceVersion || '1') - 1n);
    return { ...record, metadata: { ...record.metadata, resourceVersion } };
  });
}

function pastStored({ namespace }: { readonly namespace: string }) {
  return { namespace, name: '\uffff' };
}

function beforeNics(after: ListQuery['after']) {
  return after && { namespace: after.namespace, name: '' };
}
