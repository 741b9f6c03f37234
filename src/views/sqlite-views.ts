import type { StatementSync } from 'node:sqlite';
import type { EventMetadata, LedgerEvent } from '../ledger/events.ts';
import { projectOf } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import type { Position } from '../store/store.ts';
import { ChangeLog, type ChangeLogOptions, type KindChange } from './change-log.ts';
import { CommandEnds } from './command-ends.ts';
import type { Version } from './object-table.ts';
import { PositionWaiters } from './position-waiters.ts';
import type { Placed } from './projection.ts';
import { ReadModels } from './read-models.ts';
import { RowCounts } from './row-counts.ts';
import {
  type AnsweredCommand,
  type KubeObject,
  type ListQuery,
  type ObjectChanges,
  type ObjectPage,
  type OpenGrant,
  type PoolCounts,
  type ViewedObject,
  type Views,
  ViewsBehind,
} from './views.ts';
import type { Checkpoint, ViewsFile } from './views-file.ts';

const STATEMENTS = {
  answered: `SELECT stream, request_hash, code, revision, position FROM idempotency_keys
    WHERE command_id = ?`,
  grants: 'SELECT * FROM grants ORDER BY position, grant_id',
  unfinished: 'SELECT project FROM waiting GROUP BY project ORDER BY min(position), project',
  waitingFor: `SELECT project FROM waiting WHERE cause = ? GROUP BY project
    ORDER BY min(position), project`,
  at: 'SELECT DISTINCT project FROM presences WHERE location = ? ORDER BY project',
} as const;

/** Counts are computed at the read from what is there, and nothing is there of the past. */
const NO_COUNTS = { poolCounts: () => undefined, interfacesIn: () => undefined };

/** The read models in one SQLite file, or in memory. */
export class SqliteViews implements Views {
  readonly #file: ViewsFile;
  readonly #models: ReadModels;
  readonly #counts: RowCounts;
  readonly #commandEnds: CommandEnds;
  readonly #statements: Record<keyof typeof STATEMENTS, StatementSync>;
  readonly #waiters: PositionWaiters;
  readonly #changeLog: ChangeLog;
  readonly #clock: () => Date;
  #checkpoint: Checkpoint;
  #ended: string | undefined;

  constructor(
    file: ViewsFile,
    changes: ChangeLogOptions,
    waitMsMax: number = limits.viewWaitMsMax,
  ) {
    const { database } = file;
    const { clock } = changes;
    this.#file = file;
    this.#models = new ReadModels(database);
    this.#counts = new RowCounts(database, clock);
    this.#commandEnds = new CommandEnds(database);
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => {
        const statement = database.prepare(sql);
        statement.setReadBigInts(true);
        return [name, statement];
      }),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
    this.#waiters = new PositionWaiters(waitMsMax);
    this.#changeLog = new ChangeLog([...this.#models.objects.keys()], changes);
    this.#clock = clock;
    this.#checkpoint = file.checkpoint();
  }

  get position(): Position {
    return this.#checkpoint.position;
  }

  reached(position: Position): Promise<void> {
    if (position <= this.position) return Promise.resolve();
    if (this.#ended !== undefined) return Promise.reject(new ViewsBehind(this.#ended));
    return this.#waiters.wait(position);
  }

  /** Applies whole commands, all or none, and lets those go on who waited for them. */
  apply(commands: readonly (readonly Placed[])[], to: Checkpoint): void {
    const made: KindChange[] | undefined = this.#changeLog.hasBegun ? [] : undefined;
    try {
      this.#file.advance(this.#checkpoint, to, () => {
        for (const command of commands) this.#models.run(command).write(made);
      });
    } catch (fault) {
      this.#models.forget();
      throw fault;
    }
    this.#checkpoint = to;
    if (made !== undefined) {
      const asRead = made.map((change) => this.#changeAtRead(change));
      this.#changeLog.publish(asRead, to.position);
    }
    this.#waiters.advance(to.position);
  }

  /** From now on changes are news: the views have caught up. */
  beginChanges(): void {
    this.#changeLog.begin(this.position);
  }

  changes(kind: string): ObjectChanges {
    return this.#changeLog.of(kind);
  }

  get(kind: string, namespace: string, name: string): ViewedObject | undefined {
    return this.#viewed(kind, this.#models.table(kind).load(namespace, name));
  }

  getAtRevision(
    kind: string,
    namespace: string,
    name: string,
    revision: number,
  ): ViewedObject | undefined {
    return this.#viewed(kind, this.#models.table(kind).atRevision(namespace, name, revision));
  }

  getAt(
    kind: string,
    namespace: string,
    name: string,
    position: Position,
  ): ViewedObject | undefined {
    const version = this.#models.table(kind).atPosition(namespace, name, position);
    return this.#viewed(kind, version, position);
  }

  positionAt(instantMs: number): Position {
    return this.#commandEnds.recordedBy(instantMs);
  }

  commandEnd(position: Position): Position {
    return this.#commandEnds.endOf(position);
  }

  list(kind: string, { limit, matches, asOf, ...place }: ListQuery): ObjectPage {
    const items: ViewedObject[] = [];
    for (const version of this.#models.table(kind).list({ ...place, at: asOf ?? place.at })) {
      if (items.length === limit) {
        const { namespace, name } = items.at(-1) as ViewedObject;
        return { items, next: { namespace, name } };
      }
      if (matches === undefined || matches(version.object)) {
        items.push(this.#viewed(kind, version, asOf) as ViewedObject);
      }
    }
    return { items, next: undefined };
  }

  preview(
    stream: string,
    firstRevision: number,
    events: readonly LedgerEvent[],
  ): readonly ViewedObject[] {
    const recordedAtMs = this.#clock().getTime();
    const command = events.map(
      ({ type, data }, index): Placed => ({
        ...{ type, data: data as Placed['data'], stream, project: projectOf(stream) ?? '' },
        revision: firstRevision + index,
        position: this.position + BigInt(index + 1),
        recordedAtMs,
        metadata: { index, count: events.length } as EventMetadata,
      }),
    );
    return this.#file.tryOut(() => {
      const changes = this.#models.run(command);
      return [...changes.previewed()].map(({ kind, ...version }) => {
        const object = this.#models.atRead(kind, version.object, this.#counts, changes);
        return viewedOf(kind, version, object);
      });
    });
  }

  answered(commandId: string): AnsweredCommand | undefined {
    const row = this.#statements.answered.get(commandId);
    if (row === undefined) return undefined;
    return {
      stream: row.stream as string,
      requestHash: row.request_hash as string,
      code: Number(row.code),
      revision: Number(row.revision),
      position: row.position as bigint,
    };
  }

  poolCounts(pool: string): PoolCounts | undefined {
    return this.#counts.poolCounts(pool);
  }

  interfacesAt(location: string): number {
    return this.#counts.interfacesAt(location);
  }

  openGrants(): readonly OpenGrant[] {
    return this.#statements.grants.all().map((row) => openGrantOf(row as Record<string, string>));
  }

  unfinishedProjects(): readonly string[] {
    return this.#statements.unfinished.all().map(({ project }) => project as string);
  }

  projectsWaitingFor(cause: string): readonly string[] {
    return this.#statements.waitingFor.all(cause).map(({ project }) => project as string);
  }

  projectsAtDeletedLocations(): ReturnType<Views['projectsAtDeletedLocations']> {
    const going = [...this.#models.table('Location').list({})].filter(
      ({ object }) => object.metadata.deletionTimestamp !== undefined,
    );
    return going.flatMap(({ name, object }) => {
      const location = { name, uid: object.metadata.uid };
      const projects = this.#statements.at.all(name);
      return projects.map(({ project }) => ({ project: project as string, location }));
    });
  }

  /** Nothing more will be applied: those who wait are told why. */
  end(reason: string): void {
    this.#ended ??= reason;
    this.#waiters.refuse(reason);
  }

  async close(): Promise<void> {
    this.end('the views are closed');
    this.#file.close();
  }

  /** A change as it is sent: with the counts of now, which are no changes of their own. */
  #changeAtRead(change: KindChange): KindChange {
    const { kind, before, after } = change;
    if (this.#models.table(kind).projection.atRead === undefined) return change;
    const filled = (object: KubeObject | undefined) =>
      object && this.#models.atRead(kind, object, this.#counts);
    return { ...change, before: filled(before), after: filled(after) };
  }

  #viewed(kind: string, version: Version | undefined, asOf?: Position): ViewedObject | undefined {
    if (version === undefined) return undefined;
    if (asOf !== undefined) {
      const present = this.#models.presentAt(asOf);
      const object = this.#models.atRead(kind, version.object, NO_COUNTS, present);
      return viewedOf(kind, version, object);
    }
    return viewedOf(kind, version, this.#models.atRead(kind, version.object, this.#counts));
  }
}

function viewedOf(
  kind: string,
  { namespace, name, revision, position }: Version,
  object: ViewedObject['object'],
): ViewedObject {
  return { kind, namespace, name, revision, position, object };
}

function openGrantOf(row: Record<string, string>): OpenGrant {
  const { grant_id: grantId = '', project = '', pool = '', available_at: availableAt = '' } = row;
  const { location_name: name = '', location_uid: uid = '' } = row;
  const location = { name, uid };
  switch (row.type as OpenGrant['type']) {
    case 'RangeGranted':
      return { type: 'RangeGranted', pool, project, grantId };
    case 'RangeEnded':
      return { type: 'RangeEnded', pool, grantId, availableAt };
    case 'LocationGranted':
      return { type: 'LocationGranted', location, project, grantId };
    case 'LocationEnded':
      return { type: 'LocationEnded', location, project, grantId };
  }
}
