import type { StatementSync } from 'node:sqlite';
import type { Position } from '../store/store.ts';
import type { ObjectProjection } from './projection.ts';
import { RecentlyUsed } from './recently-used.ts';
import type { RowAccess, RowSink } from './rows.ts';
import { type End, Version } from './version.ts';
import type { ListQuery } from './views.ts';

const COLUMNS = `
  namespace     TEXT    NOT NULL, -- empty for cluster-scoped kinds
  name          TEXT    NOT NULL,
  revision      INTEGER NOT NULL,
  last_revision INTEGER NOT NULL,
  position      INTEGER NOT NULL,
  recorded_at   INTEGER NOT NULL, -- milliseconds since 1970, by the store`;

const NAMES = 'namespace, name, revision, last_revision, position, recorded_at';
const READ = 'namespace, name, revision, last_revision, position, recorded_at, object';

/**
 * SQL of the tables of one kind: the present objects, and the versions before. Their rows are in
 * the order in which they were written, whatever their names, so that new ones fill whole pages.
 */
export function objectTables({ name }: ObjectProjection): string {
  return `
CREATE TABLE ${name} (${COLUMNS}
  object        TEXT    NOT NULL, -- JSON
  PRIMARY KEY (namespace, name)
) STRICT;
CREATE TABLE ${name}_past (${COLUMNS}
  until_revision    INTEGER NOT NULL,
  until_position    INTEGER NOT NULL,
  until_recorded_at INTEGER NOT NULL,
  object            TEXT    NOT NULL,
  PRIMARY KEY (namespace, name, position)
) STRICT;
CREATE INDEX ${name}_past_until ON ${name}_past (until_position);
`;
}

/** The statements that write the rows of one kind. */
export function objectWrites({ name: table }: ObjectProjection) {
  return {
    put: `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET revision = excluded.revision,
        last_revision = excluded.last_revision, position = excluded.position,
        recorded_at = excluded.recorded_at, object = excluded.object`,
    keep: `INSERT INTO ${table}_past SELECT ${NAMES}, ?3, ?4, ?5, object
      FROM ${table} WHERE namespace = ?1 AND name = ?2`,
    remove: `DELETE FROM ${table} WHERE namespace = ? AND name = ?`,
  } as const;
}

function readsOf(table: string) {
  const present = `SELECT ${READ} FROM ${table} WHERE`;
  const past = `SELECT ${READ} FROM ${table}_past WHERE`;
  const within = 'namespace = ?1 AND name > ?2';
  const beyond = '(namespace, name) > (?1, ?2)';
  const order = 'ORDER BY namespace, name';
  // What has ended since is little where the position is a recent one: found by where it ended.
  const asOf = (rows: string) => `${present} ${rows} AND position <= ?3
    UNION ALL SELECT ${READ} FROM ${table}_past INDEXED BY ${table}_past_until
      WHERE ${rows} AND position <= ?3 AND until_position > ?3 ${order}`;
  return {
    load: `${present} namespace = ?1 AND name = ?2`,
    pastAtRevision: `${past} namespace = ?1 AND name = ?2
      AND last_revision <= ?3 AND until_revision > ?3 ORDER BY position DESC LIMIT 1`,
    pastAtPosition: `${past} namespace = ?1 AND name = ?2
      AND position <= ?3 AND until_position > ?3 ORDER BY position DESC LIMIT 1`,
    listAll: `${present} ${beyond} ${order}`,
    listNamespace: `${present} ${within} ${order}`,
    listAllAt: asOf(beyond),
    listNamespaceAt: asOf(within),
  } as const;
}

type Reads = Record<keyof ReturnType<typeof readsOf>, StatementSync>;
type Writes = Record<keyof ReturnType<typeof objectWrites>, number>;

/** A version that is not in the rows yet, or the end of an object. */
interface Unwritten {
  readonly batch: number;
  readonly version: Version | undefined;
  readonly lastRevision: number;
}

/** The rows of one kind, and in memory the present objects that were last used or written. */
export class ObjectTable {
  readonly projection: ObjectProjection;
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #settle: () => void;
  readonly #recent = new RecentlyUsed<Version>();
  /** What rows do not show yet, in the order of its batches. */
  readonly #unwritten = new Map<string, Unwritten>();

  constructor(projection: ObjectProjection, { database, settle, placeOf }: RowAccess) {
    this.projection = projection;
    this.#settle = settle;
    this.#reads = Object.fromEntries(
      Object.entries(readsOf(projection.name)).map(([name, sql]) => {
        const statement = database.prepare(sql);
        // Positions may be larger than a number holds exactly.
        statement.setReadBigInts(true);
        return [name, statement];
      }),
    ) as Reads;
    this.#writes = Object.fromEntries(
      Object.entries(objectWrites(projection)).map(([name, sql]) => [name, placeOf(sql)]),
    ) as Writes;
  }

  /** The present version of an object. */
  load(namespace: string, name: string): Version | undefined {
    const key = `${namespace}/${name}`;
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const unwritten = this.#unwritten.get(key);
    const version = unwritten === undefined ? this.#read(namespace, name) : unwritten.version;
    if (version !== undefined) this.#recent.set(key, version);
    return version;
  }

  /** Writes the version that follows on another, or on none. */
  put(before: Version | undefined, after: Version, rows: RowSink): void {
    const { namespace, name, revision, lastRevision, position, recordedAtMs } = after;
    if (before !== undefined) this.#end(before, after, rows);
    rows.run(this.#writes.put, [
      'put',
      namespace,
      name,
      revision,
      lastRevision,
      position,
      recordedAtMs,
      after.text,
    ]);
    this.#know(after, after, rows.batch);
  }

  /** Writes that an object is no more. */
  remove(before: Version, end: End, rows: RowSink): void {
    const { namespace, name } = before;
    this.#end(before, end, rows);
    rows.run(this.#writes.remove, ['remove', namespace, name]);
    this.#know({ namespace, name, ...end }, undefined, rows.batch);
  }

  /** The version that was the present one at a revision of the object's stream. */
  atRevision(namespace: string, name: string, revision: number): Version | undefined {
    const present = this.load(namespace, name);
    if (present !== undefined && present.lastRevision <= revision) return present;
    const unwritten = this.#unwritten.get(`${namespace}/${name}`);
    if (unwritten !== undefined) {
      if (unwritten.lastRevision <= revision) return undefined;
      this.#settle();
    }
    const row = this.#reads.pastAtRevision.get(namespace, name, revision);
    return row === undefined ? undefined : versionOf(row);
  }

  /** The version that was the present one at a position of the log. */
  atPosition(namespace: string, name: string, position: Position): Version | undefined {
    const present = this.load(namespace, name);
    if (present !== undefined && present.position <= position) return present;
    if (this.#unwritten.has(`${namespace}/${name}`)) this.#settle();
    const row = this.#reads.pastAtPosition.get(namespace, name, position);
    return row === undefined ? undefined : versionOf(row);
  }

  /** Versions in the order of namespace and name: the present ones, or those of a position. */
  *list({
    namespace,
    after,
    at,
  }: Omit<ListQuery, 'limit' | 'matches' | 'asOf'>): Generator<Version> {
    this.#settle();
    const { listAll, listNamespace, listAllAt, listNamespaceAt } = this.#reads;
    const from = [namespace ?? after?.namespace ?? '', after?.name ?? ''] as const;
    const rows =
      at === undefined
        ? (namespace === undefined ? listAll : listNamespace).iterate(...from)
        : (namespace === undefined ? listAllAt : listNamespaceAt).iterate(...from, at);
    for (const row of rows) yield versionOf(row);
  }

  /** The batches up to this number have been written: the rows show them. */
  written(upTo: number): void {
    for (const [key, { batch }] of this.#unwritten) {
      if (batch > upTo) return;
      this.#unwritten.delete(key);
    }
  }

  #know(
    { namespace, name, lastRevision }: Pick<Version, 'namespace' | 'name' | 'lastRevision'>,
    version: Version | undefined,
    batch: number,
  ): void {
    const key = `${namespace}/${name}`;
    if (version === undefined) this.#recent.delete(key);
    else this.#recent.set(key, version);
    // Once more at the end, so that the map stays in the order of batches.
    this.#unwritten.delete(key);
    this.#unwritten.set(key, { batch, version, lastRevision });
  }

  #read(namespace: string, name: string): Version | undefined {
    const row = this.#reads.load.get(namespace, name);
    return row === undefined ? undefined : versionOf(row);
  }

  #end(
    { namespace, name }: Version,
    { lastRevision, position, recordedAtMs }: End,
    rows: RowSink,
  ): void {
    const until = [lastRevision, position, recordedAtMs] as const;
    rows.run(this.#writes.keep, ['keep', namespace, name, ...until]);
  }
}

function versionOf(row: Record<string, unknown>): Version {
  const place = {
    namespace: row.namespace as string,
    name: row.name as string,
    revision: Number(row.revision),
    lastRevision: Number(row.last_revision),
    position: row.position as bigint,
    recordedAtMs: Number(row.recorded_at),
  };
  return new Version(place, row.object as string);
}
