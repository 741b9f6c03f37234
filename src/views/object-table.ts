import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position } from '../store/store.ts';
import type { ObjectProjection } from './projection.ts';
import { RecentlyUsed } from './recently-used.ts';
import type { KubeObject, ListQuery } from './views.ts';

/** An object as one command left it. */
export interface Version {
  readonly namespace: string;
  readonly name: string;
  /** Revision of its stream that its writer knows it by. */
  readonly revision: number;
  /** Revision, position and recorded time of the last event that touched it. */
  readonly lastRevision: number;
  readonly position: Position;
  readonly recordedAtMs: number;
  readonly object: KubeObject;
}

/**
 * A version that has been written and not been asked for yet. Most are never: a text is much less
 * work for the garbage collector than the objects that it stands for.
 */
interface Written extends Omit<Version, 'object'> {
  readonly text: string;
}

/** Where a version ends: at the last event of the command that changed or deleted the object. */
export type End = Pick<Version, 'lastRevision' | 'position' | 'recordedAtMs'>;

const COLUMNS = `
  namespace     TEXT    NOT NULL, -- empty for cluster-scoped kinds
  name          TEXT    NOT NULL,
  uid           TEXT    NOT NULL,
  revision      INTEGER NOT NULL,
  last_revision INTEGER NOT NULL,
  position      INTEGER NOT NULL,
  recorded_at   INTEGER NOT NULL, -- milliseconds since 1970, by the store`;

const NAMES = 'namespace, name, uid, revision, last_revision, position, recorded_at';
const READ = 'namespace, name, revision, last_revision, position, recorded_at, object';

/** SQL of the tables of one kind: the present objects, and the versions before. */
export function objectTables({ name }: ObjectProjection): string {
  return `
CREATE TABLE ${name} (${COLUMNS}
  object        TEXT    NOT NULL, -- JSON
  PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE ${name}_past (${COLUMNS}
  until_revision    INTEGER NOT NULL,
  until_position    INTEGER NOT NULL,
  until_recorded_at INTEGER NOT NULL,
  object            TEXT    NOT NULL,
  PRIMARY KEY (namespace, name, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX ${name}_past_until ON ${name}_past (until_position);
`;
}

function statementsOf(table: string) {
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
    put: `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET uid = excluded.uid, revision = excluded.revision,
        last_revision = excluded.last_revision, position = excluded.position,
        recorded_at = excluded.recorded_at, object = excluded.object`,
    keep: `INSERT INTO ${table}_past SELECT ${NAMES}, ?3, ?4, ?5, object
      FROM ${table} WHERE namespace = ?1 AND name = ?2`,
    remove: `DELETE FROM ${table} WHERE namespace = ? AND name = ?`,
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

type Statements = Record<keyof ReturnType<typeof statementsOf>, StatementSync>;

/** The rows of one kind, and in memory the present objects that were last used. */
export class ObjectTable {
  readonly projection: ObjectProjection;
  readonly #statements: Statements;
  readonly #recent = new RecentlyUsed<Version | Written>();

  constructor(database: DatabaseSync, projection: ObjectProjection) {
    this.projection = projection;
    this.#statements = Object.fromEntries(
      Object.entries(statementsOf(projection.name)).map(([name, sql]) => {
        const statement = database.prepare(sql);
        // Positions may be larger than a number holds exactly.
        statement.setReadBigInts(true);
        return [name, statement];
      }),
    ) as Statements;
  }

  /** The present version of an object. */
  load(namespace: string, name: string): Version | undefined {
    const key = `${namespace}/${name}`;
    const recent = this.#recent.get(key);
    if (recent !== undefined && 'object' in recent) return recent;
    const version = recent === undefined ? this.#read(namespace, name) : parsed(recent);
    if (version !== undefined) this.#recent.set(key, version);
    return version;
  }

  /** Writes the version that follows on another, or on none. */
  put(before: Version | undefined, after: Version): void {
    const { object, ...version } = after;
    const { namespace, name, revision, lastRevision, position, recordedAtMs } = version;
    if (before !== undefined) this.#end(before, after);
    const place = [revision, lastRevision, position, recordedAtMs] as const;
    const text = JSON.stringify(object);
    this.#statements.put.run(namespace, name, object.metadata.uid, ...place, text);
    this.#recent.set(`${namespace}/${name}`, { ...version, text });
  }

  /** Writes that an object is no more. */
  remove(before: Version, end: End): void {
    const { namespace, name } = before;
    this.#end(before, end);
    this.#statements.remove.run(namespace, name);
    this.#recent.delete(`${namespace}/${name}`);
  }

  /** The version that was the present one at a revision of the object's stream. */
  atRevision(namespace: string, name: string, revision: number): Version | undefined {
    const present = this.load(namespace, name);
    if (present !== undefined && present.lastRevision <= revision) return present;
    const row = this.#statements.pastAtRevision.get(namespace, name, revision);
    return row === undefined ? undefined : versionOf(row);
  }

  /** The version that was the present one at a position of the log. */
  atPosition(namespace: string, name: string, position: Position): Version | undefined {
    const present = this.load(namespace, name);
    if (present !== undefined && present.position <= position) return present;
    const row = this.#statements.pastAtPosition.get(namespace, name, position);
    return row === undefined ? undefined : versionOf(row);
  }

  /** Versions in the order of namespace and name: the present ones, or those of a position. */
  *list({
    namespace,
    after,
    at,
  }: Omit<ListQuery, 'limit' | 'matches' | 'asOf'>): Generator<Version> {
    const { listAll, listNamespace, listAllAt, listNamespaceAt } = this.#statements;
    const from = [namespace ?? after?.namespace ?? '', after?.name ?? ''] as const;
    const rows =
      at === undefined
        ? (namespace === undefined ? listAll : listNamespace).iterate(...from)
        : (namespace === undefined ? listAllAt : listNamespaceAt).iterate(...from, at);
    for (const row of rows) yield versionOf(row);
  }

  /** Forgets what is kept in memory, because the rows are not what was written last. */
  forget(): void {
    this.#recent.clear();
  }

  #read(namespace: string, name: string): Version | undefined {
    const row = this.#statements.load.get(namespace, name);
    return row === undefined ? undefined : versionOf(row);
  }

  #end({ namespace, name }: Version, { lastRevision, position, recordedAtMs }: End): void {
    this.#statements.keep.run(namespace, name, lastRevision, position, recordedAtMs);
  }
}

function parsed({ text, ...version }: Written): Version {
  return { ...version, object: JSON.parse(text) };
}

function versionOf(row: Record<string, unknown>): Version {
  return {
    namespace: row.namespace as string,
    name: row.name as string,
    revision: Number(row.revision),
    lastRevision: Number(row.last_revision),
    position: row.position as bigint,
    recordedAtMs: Number(row.recorded_at),
    object: JSON.parse(row.object as string),
  };
}
