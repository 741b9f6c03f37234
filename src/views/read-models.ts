import { authoredRanges } from '../../projections/authored-ranges.ts';
import { claims } from '../../projections/claims.ts';
import { commandEnds } from '../../projections/command-ends.ts';
import { grants } from '../../projections/grants.ts';
import { holdings } from '../../projections/holdings.ts';
import { idempotencyKeys } from '../../projections/idempotency-keys.ts';
import { interfaces } from '../../projections/interfaces.ts';
import { ipAllocations } from '../../projections/ip-allocations.ts';
import { ipClaims } from '../../projections/ip-claims.ts';
import { ipClasses } from '../../projections/ip-classes.ts';
import { ipPools } from '../../projections/ip-pools.ts';
import { locations } from '../../projections/locations.ts';
import { namespaces } from '../../projections/namespaces.ts';
import { networkContexts } from '../../projections/network-contexts.ts';
import { networks } from '../../projections/networks.ts';
import { presences } from '../../projections/presences.ts';
import { retentions } from '../../projections/retentions.ts';
import { waiting } from '../../projections/waiting.ts';
import type { EventType } from '../ledger/events.ts';
import type { Position } from '../store/store.ts';
import { AuthoredRanges } from './authored-ranges.ts';
import { Changes } from './changes.ts';
import {
  ALLOCATION,
  AllocationReads,
  INTERFACE,
  type ObjectReads,
} from './interface-allocations.ts';
import { ObjectTable, objectTables, objectWrites } from './object-table.ts';
import type { ObjectProjection, Placed, Present, TableProjection, Touch } from './projection.ts';
import { RowTable } from './row-table.ts';
import type { RowAccess, RowSink, RowStatement } from './rows.ts';
import type { KubeObject } from './views.ts';

/** Interfaces come before claims: a claim copies what its interface shows after the same event. */
const OBJECTS: readonly ObjectProjection[] = [
  namespaces,
  locations,
  ipClasses,
  ipPools,
  networks,
  networkContexts,
  ipAllocations,
  interfaces,
  claims,
  ipClaims,
];
/** Tables come after objects: they change what objects are looked up by. */
const TABLES: readonly TableProjection[] = [
  holdings,
  grants,
  waiting,
  retentions,
  presences,
  authoredRanges,
  idempotencyKeys,
  commandEnds,
];

/** SQL that creates every table. */
export const READ_MODEL_TABLES = [
  ...OBJECTS.map(objectTables),
  ...TABLES.map(({ tables }) => tables),
].join('\n');

/** Every statement that writes rows. Threads tell one another which one by its place. */
export const ROW_STATEMENTS: readonly RowStatement[] = [
  ...OBJECTS.flatMap((projection) => Object.values(objectWrites(projection)).map(plain)),
  ...TABLES.flatMap(({ statements, counts }) =>
    Object.entries(statements).map(([name, sql]): RowStatement => {
      if (counts === undefined || counts.beside.includes(name)) return plain(sql);
      return { sql, counts: counts.adds.includes(name) ? 'adds' : 'sees' };
    }),
  ),
];

function plain(sql: string): RowStatement {
  return { sql, counts: 'plain' };
}

/** Names and versions of all projections: rows that were written by others are of no use. */
export const READ_MODEL_VERSIONS = [...OBJECTS, ...TABLES].map(({ name, version }) => [
  name,
  version,
]);

type AnyTouch = Touch<EventType>;
type AnyHandler = NonNullable<TableProjection['on'][EventType]>;

/** All projections with their tables: gives each event to those that it concerns. */
export class ReadModels {
  readonly allocations: AllocationReads;
  /** By kind. */
  readonly objects: ReadonlyMap<string, ObjectTable>;
  readonly #touches = new Map<EventType, { table: ObjectTable; touch: AnyTouch }[]>();
  readonly #handlers = new Map<EventType, { table: RowTable; handler: AnyHandler }[]>();
  readonly #onLast: readonly { table: RowTable; onLast: NonNullable<TableProjection['onLast']> }[];
  readonly #settle: RowAccess['settle'];
  readonly #authoredRanges: AuthoredRanges;
  readonly #poolsOf: Present['poolsOf'];

  constructor({ database, settle }: Omit<RowAccess, 'placeOf'>) {
    this.#settle = settle;
    const places = new Map(ROW_STATEMENTS.map(({ sql }, place) => [sql, place]));
    const access = { database, settle, placeOf: (sql: string) => places.get(sql) as number };
    const objects = OBJECTS.map((projection) => new ObjectTable(projection, access));
    this.objects = new Map(objects.map((table) => [table.projection.kind, table]));
    const tables = TABLES.map((projection) => new RowTable(projection, access));
    this.#onLast = tables.flatMap((table) => {
      const { onLast } = table.projection;
      return onLast === undefined ? [] : [{ table, onLast }];
    });
    for (const table of objects) {
      for (const [type, touch] of Object.entries(table.projection.on)) {
        add(this.#touches, type as EventType, { table, touch: touch as unknown as AnyTouch });
      }
    }
    for (const table of tables) {
      for (const [type, handler] of Object.entries(table.projection.on)) {
        add(this.#handlers, type as EventType, { table, handler: handler as AnyHandler });
      }
    }
    this.#authoredRanges = new AuthoredRanges({ database, settle });
    this.allocations = new AllocationReads(this.table(ALLOCATION), this.table(INTERFACE), {
      presentAt: (position) => (position === undefined ? this.present : this.presentAt(position)),
      authoredPoolOf: (block, at) => this.#authoredRanges.poolOf(block, at),
    });
    const pools = database.prepare('SELECT DISTINCT pool FROM pool_ranges WHERE project = ?');
    this.#poolsOf = (project) => {
      settle(true);
      return pools.all(project).map(({ pool }) => pool as string);
    };
  }

  /** What exists now. */
  readonly present: Present = {
    object: (kind, namespace, name) => this.table(kind).load(namespace, name)?.object,
    isNew: () => false,
    poolsOf: (project) => this.#poolsOf(project),
    namesFrom: (kind, namespace, beginning) => this.#namesFrom(kind, namespace, beginning),
  };

  /** What objects of a kind are read from. */
  reads(kind: string): ObjectReads {
    return kind === ALLOCATION ? this.allocations : this.table(kind);
  }

  /** What existed at a position. */
  presentAt(position: Position): Present {
    return {
      ...this.present,
      object: (kind, namespace, name) =>
        this.table(kind).atPosition(namespace, name, position)?.object,
    };
  }

  table(kind: string): ObjectTable {
    const table = this.objects.get(kind);
    if (table === undefined) throw new Error(`${kind} is no kind of the views`);
    return table;
  }

  /**
   * Lets a command's events happen: rows are written, and what becomes of objects is given, to be
   * written or to be looked at only.
   */
  run(command: readonly Placed[], rows: RowSink): Changes {
    const changes = new Changes(this.present);
    for (const event of command) {
      for (const { table, touch } of this.#touches.get(event.type) ?? []) {
        changes.touch(table, touch, event);
      }
      for (const { table, handler } of this.#handlers.get(event.type) ?? []) {
        const writes = handler(event as never, changes);
        if (table.projection === authoredRanges && writes.length > 0) this.#authoredRanges.change();
        table.write(writes, rows);
      }
    }
    for (const { table, onLast } of this.#onLast) {
      table.write(onLast(command.at(-1) as Placed), rows);
    }
    return changes;
  }

  #namesFrom(kind: string, namespace: string, beginning: string): readonly string[] {
    const names: string[] = [];
    this.#settle(true);
    for (const { name } of this.table(kind).list({
      namespace,
      after: { namespace, name: beginning },
    })) {
      if (!name.startsWith(beginning)) break;
      names.push(name);
    }
    return names;
  }

  /** Whether something is filled into objects of a kind at the read. */
  hasCounts(kind: string): boolean {
    return this.table(kind).projection.atRead !== undefined;
  }

  /** An object with what is filled in at the read. */
  atRead(
    kind: string,
    object: KubeObject,
    counts: Parameters<NonNullable<ObjectProjection['atRead']>>[2],
    present = this.present,
  ): KubeObject {
    const { atRead } = this.table(kind).projection;
    return atRead === undefined ? object : atRead(object, present, counts);
  }

  /** The batches up to this number have been written: what rows show is not kept for them. */
  written(upTo: number): void {
    for (const table of this.objects.values()) table.written(upTo);
  }
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
