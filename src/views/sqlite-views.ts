import type { StatementSync } from 'node:sqlite';
import type { Logger } from 'pino';
import type { EventMetadata, LedgerEvent } from '../ledger/events.ts';
import { projectOf } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import type { Position } from '../store/store.ts';
import { ChangeLog, type ChangeLogOptions, type KindChange } from './change-log.ts';
import { CommandEnds } from './command-ends.ts';
import { INTERFACE } from './interface-allocations.ts';
import { EventBook } from './kube-events/event-book.ts';
import { PositionWaiters } from './position-waiters.ts';
import type { Counts, Placed, Write } from './projection.ts';
import { ReadModels, ROW_STATEMENTS } from './read-models.ts';
import { RestingBlocks } from './resting-blocks.ts';
import { RowBatches } from './row-batches.ts';
import { RowCounts } from './row-counts.ts';
import { type Rows, RowsAtOnce, RowWriter } from './rows.ts';
import { RowsBehind } from './rows-behind.ts';
import type { Version } from './version.ts';
import {
  type AnsweredCommand,
  KUBE_EVENT_KINDS,
  type KubeEventKind,
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
  grant: 'SELECT * FROM grants WHERE grant_id = ?',
  unfinished: 'SELECT project FROM waiting GROUP BY project ORDER BY min(position), project',
  waitingFor: `SELECT project FROM waiting WHERE cause BETWEEN ? AND ? GROUP BY project
    ORDER BY min(position), project`,
  due: 'SELECT DISTINCT project FROM retentions WHERE due_at <= ? ORDER BY project',
  nextDue: 'SELECT min(due_at) AS due_at FROM retentions WHERE due_at > ?',
  at: 'SELECT DISTINCT project FROM presences WHERE location = ? ORDER BY project',
} as const;

/** Counts are computed at the read from what is there, and nothing is there of the past. */
const NO_COUNTS = { poolCounts: () => undefined, interfacesIn: () => undefined };

/** Where views are, and what is known of the world outside. */
export interface ViewsOptions extends ChangeLogOptions {
  readonly log: Pick<Logger, 'warn'>;
  /** How long `reached` waits. */
  readonly waitMsMax?: number | undefined;
}

/**
 * The read models. What an answer, a watch and the next event need of them is in memory as soon as
 * an event has been applied; its rows are in a SQLite file a little later, or in memory, too. A
 * read that needs rows has them written first.
 */
export class SqliteViews implements Views {
  /** Resolves with what keeps rows from being written for ever; else never. */
  protected readonly rowsFault: Promise<Error>;
  readonly #file: ViewsFile;
  readonly #rows: Rows;
  readonly #writer: RowWriter;
  readonly #batches: RowBatches;
  /** Answers to keyed commands that the rows may not show yet, each with its batch. */
  readonly #unwrittenAnswers = new Map<string, { batch: number; answer: AnsweredCommand }>();
  readonly #models: ReadModels;
  readonly #counts: RowCounts;
  readonly #resting: RestingBlocks;
  readonly #commandEnds: CommandEnds;
  readonly #statements: Record<keyof typeof STATEMENTS, StatementSync>;
  readonly #waiters: PositionWaiters;
  readonly #changeLog: ChangeLog;
  readonly kubeEvents: EventBook;
  readonly #clock: () => Date;
  #checkpoint: Checkpoint;
  #ended: string | undefined;

  constructor(file: ViewsFile, options: ViewsOptions) {
    const { database, path } = file;
    const { clock, log, waitMsMax = limits.viewWaitMsMax } = options;
    this.#file = file;
    this.#checkpoint = file.checkpoint();
    this.#writer = new RowWriter(database, ROW_STATEMENTS);
    this.#rows = path === undefined ? new RowsAtOnce(this.#writer) : new RowsBehind(path, log);
    this.rowsFault = this.#rows.fault;
    this.#batches = new RowBatches(this.#rows, this.#checkpoint);
    const settle = (patient = false) => this.#batches.settle(patient);
    this.#models = new ReadModels({ database, settle });
    this.#counts = new RowCounts({ database, settle }, clock);
    this.#resting = new RestingBlocks({ database, settle });
    this.#commandEnds = new CommandEnds({ database, settle });
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => {
        const statement = database.prepare(sql);
        statement.setReadBigInts(true);
        return [name, statement];
      }),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
    this.#waiters = new PositionWaiters(waitMsMax);
    this.#changeLog = new ChangeLog([...this.#models.objects.keys()], options);
    const position = () => this.position;
    this.kubeEvents = new EventBook({ clock, lost: options.lost, position });
    this.#clock = clock;
  }

  get position(): Position {
    return this.#checkpoint.position;
  }

  reached(position: Position): Promise<void> {
    if (position <= this.position) return Promise.resolve();
    if (this.#ended !== undefined) return Promise.reject(new ViewsBehind(this.#ended));
    return this.#waiters.wait(position);
  }

  /** Resolves when the file is not too far behind; undefined when that is so now. */
  protected room(): Promise<void> | undefined {
    return this.#rows.room();
  }

  /** Applies whole commands, and lets those go on who waited for them. */
  protected apply(commands: readonly (readonly Placed[])[]): void {
    const made: KindChange[] | undefined = this.#changeLog.hasBegun ? [] : undefined;
    this.#forgetWritten();
    let end = this.#checkpoint;
    for (const command of commands) {
      this.#models.run(command, this.#batches).write(this.#batches, made);
      for (const event of command) this.kubeEvents.take(event);
      const { stream, revision, position, metadata } = command.at(-1) as Placed;
      end = { position, hash: metadata.hash ?? '' };
      if (metadata.idempotency !== undefined) {
        const { requestHash, code } = metadata.idempotency;
        const answer = { stream, requestHash, code, revision, position };
        this.#unwrittenAnswers.set(metadata.commandId, { batch: this.#batches.batch, answer });
      }
      this.#batches.endCommand(end);
    }
    this.#batches.handOver();
    this.#checkpoint = end;
    if (made !== undefined) {
      this.#changeLog.publish(this.#changesAtRead(made), end.position);
    }
    this.kubeEvents.publish(end.position);
    this.#waiters.advance(end.position);
  }

  /** What the file has need not be kept in memory. */
  #forgetWritten(): void {
    const { written } = this.#rows;
    this.#models.written(written);
    for (const [commandId, { batch }] of this.#unwrittenAnswers) {
      if (batch > written) return;
      this.#unwrittenAnswers.delete(commandId);
    }
  }

  /** From now on changes are news: the views have caught up. */
  beginChanges(): void {
    this.#changeLog.begin(this.position);
    this.kubeEvents.begin(this.position);
  }

  changes(kind: string): ObjectChanges {
    return isEventKind(kind) ? this.kubeEvents.changes(kind) : this.#changeLog.of(kind);
  }

  get(kind: string, namespace: string, name: string): ViewedObject | undefined {
    if (isEventKind(kind)) return this.kubeEvents.get(kind, namespace, name);
    return this.#viewed(kind, this.#models.reads(kind).load(namespace, name));
  }

  getAtRevision(
    kind: string,
    namespace: string,
    name: string,
    revision: number,
  ): ViewedObject | undefined {
    return this.#viewed(kind, this.#models.reads(kind).atRevision(namespace, name, revision));
  }

  getAt(
    kind: string,
    namespace: string,
    name: string,
    position: Position,
  ): ViewedObject | undefined {
    if (isEventKind(kind)) return this.kubeEvents.getAt(kind, namespace, name, position);
    const version = this.#models.reads(kind).atPosition(namespace, name, position);
    return this.#viewed(kind, version, position);
  }

  positionAt(instantMs: number): Position {
    return this.#commandEnds.recordedBy(instantMs);
  }

  recordedAtMs(position: Position): number | undefined {
    return this.#commandEnds.recordedAtMs(position);
  }

  commandEnd(position: Position): Position {
    return this.#commandEnds.endOf(position);
  }

  list(kind: string, asked: ListQuery): ObjectPage {
    if (isEventKind(kind)) return this.kubeEvents.list(kind, asked);
    const { limit, matches, asOf, restingAtMs, ...place } = asked;
    const items: ViewedObject[] = [];
    const query = { ...place, at: asOf ?? place.at };
    const versions =
      restingAtMs === undefined
        ? this.#models.reads(kind).list(query)
        : this.#resting.list(query, restingAtMs);
    for (const version of versions) {
      // Objects that do not match leave no trace, not even that a page has a next one.
      if (matches !== undefined && !matches(version.object)) continue;
      if (items.length === limit) {
        const { namespace, name } = items.at(-1) as ViewedObject;
        return { items, next: { namespace, name } };
      }
      items.push(this.#viewed(kind, version, asOf) as ViewedObject);
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
    this.#batches.settle();
    const run = (statement: number, [, ...values]: Write) => this.#writer.run(statement, values);
    const rows = { batch: 0, run };
    return this.#writer.tryOut(() => {
      const changes = this.#models.run(command, rows);
      return [...changes.previewed()].map(({ kind, version }) => {
        const object = this.#models.atRead(kind, version.object, this.#counts, changes);
        return viewedOf(kind, version, object);
      });
    });
  }

  answered(commandId: string): AnsweredCommand | undefined {
    const unwritten = this.#unwrittenAnswers.get(commandId);
    if (unwritten !== undefined) return unwritten.answer;
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

  standingAt(location: string): number {
    return this.#counts.standingAt(location);
  }

  usesOfClass(name: string): number {
    return this.#counts.usesOfClass(name);
  }

  openGrants(): readonly OpenGrant[] {
    return this.#all('grants').map((row) => openGrantOf(row as Record<string, string>));
  }

  openGrant(grantId: string): OpenGrant | undefined {
    const [row] = this.#all('grant', grantId);
    return row && openGrantOf(row as Record<string, string>);
  }

  unfinishedProjects(): readonly string[] {
    return this.#all('unfinished').map(({ project }) => project as string);
  }

  projectsDueBy(instantMs: number): readonly string[] {
    return this.#all('due', instantMs).map(({ project }) => project as string);
  }

  nextDueAfter(instantMs: number): number | undefined {
    const [row] = this.#all('nextDue', instantMs);
    return row?.due_at == null ? undefined : Number(row.due_at);
  }

  projectsWaitingFor(cause: string): readonly string[] {
    const first = cause.replace(/\*$/, '');
    const last = first === cause ? cause : `${first}\u{10ffff}`;
    return this.#all('waitingFor', first, last).map(({ project }) => project as string);
  }

  projectsAtDeletedLocations(): ReturnType<Views['projectsAtDeletedLocations']> {
    const going = [...this.#models.table('Location').list({})].filter(
      ({ object }) => object.metadata.deletionTimestamp !== undefined,
    );
    return going.flatMap(({ name, object }) => {
      const location = { name, uid: object.metadata.uid };
      const projects = this.#all('at', name);
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
    await this.#rows.close();
    this.#file.close();
  }

  #all(statement: keyof typeof STATEMENTS, ...values: (string | number)[]) {
    this.#batches.settle();
    return this.#statements[statement].all(...values);
  }

  /** Changes as they are sent: with the counts of now, and with what is made of them. */
  #changesAtRead(made: readonly KindChange[]): readonly KindChange[] {
    const all: KindChange[] = [];
    for (const change of made) {
      all.push(this.#models.hasCounts(change.kind) ? this.#counted(change) : change);
      if (change.kind === INTERFACE) this.#models.allocations.addChangesOf(change, all);
    }
    return all;
  }

  #counted(change: KindChange): KindChange {
    const { kind, namespace, name, position, recordedAtMs, goOnFrom } = change;
    const counts = this.#countsNow();
    const filled = (object: KubeObject | undefined) =>
      object && this.#models.atRead(kind, object, counts);
    const place = { kind, namespace, name, position, recordedAtMs, goOnFrom };
    return { ...place, before: filled(change.before), after: filled(change.after) };
  }

  /** Counts, where they can be had: a change is told without them rather than not at all. */
  #countsNow(): Counts {
    try {
      this.#batches.settle();
      return this.#counts;
    } catch (fault) {
      if (fault instanceof ViewsBehind) return NO_COUNTS;
      throw fault;
    }
  }

  #viewed(kind: string, version: Version | undefined, asOf?: Position): ViewedObject | undefined {
    if (version === undefined) return undefined;
    if (!this.#models.hasCounts(kind)) return new StoredObject(kind, version);
    const [counts, present] =
      asOf === undefined ? [this.#counts] : [NO_COUNTS, this.#models.presentAt(asOf)];
    return viewedOf(kind, version, this.#models.atRead(kind, version.object, counts, present));
  }
}

function isEventKind(kind: string): kind is KubeEventKind {
  return KUBE_EVENT_KINDS.some((one) => one === kind);
}

/** An object as it is stored: its value is made of its text when it is asked for. */
class StoredObject implements ViewedObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly position: Position;
  readonly #version: Version;

  constructor(kind: string, version: Version) {
    this.kind = kind;
    this.namespace = version.namespace;
    this.name = version.name;
    this.revision = version.revision;
    this.position = version.position;
    this.#version = version;
  }

  get object(): KubeObject {
    return this.#version.object;
  }

  get text(): string {
    return this.#version.text;
  }
}

function viewedOf(
  kind: string,
  { namespace, name, revision, position }: Version,
  object: KubeObject,
): ViewedObject {
  const text = JSON.stringify(object);
  return { kind, namespace, name, revision, position, object, text };
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
    case 'AddressGranted':
      return { type: 'AddressGranted', pool, project, grantId };
    case 'AddressCommitted':
      return { type: 'AddressCommitted', pool, project, grantId };
    case 'AddressEnded':
      return { type: 'AddressEnded', pool, project, grantId, availableAt };
    case 'LocationGranted':
      return { type: 'LocationGranted', location, project, grantId };
    case 'LocationEnded':
      return { type: 'LocationEnded', location, project, grantId };
  }
}
