import type { LogFindings } from '../store/log-check.ts';
import { CorruptEvent, type Position, type RecordedEvent } from '../store/store.ts';
import { InvalidLogFile } from '../transfer/lines.ts';
import { compareViews } from './compare-views.ts';
import { type Finding, LogAudit, Some } from './log-audit.ts';
import { NotCompared, ViewsSnapshot } from './views-snapshot.ts';
import type { Difference } from './views-table.ts';

/** A log as it is read: proved event after proved event, and on where it has become longer. */
export interface ProvedLog {
  readonly findings: LogFindings;
  read(take: (event: RecordedEvent) => void): Promise<void>;
}

/** Where the views are, and what their tables have to be; or why there are none to compare. */
export type ViewsGiven =
  | { readonly path: string; readonly schema: string }
  | { readonly absent: string };

/** Whether the views were compared, and how far they had come. */
export type ViewsVerdict =
  | {
      readonly compared: true;
      readonly position: Position;
      readonly rows: number;
      readonly differences: Some<Difference>;
    }
  | { readonly compared: false; readonly reason: string };

/** What a verification has found. */
export interface Verdict {
  readonly log: LogFindings;
  /** Where the log is not as it was written; nothing after it was looked at. */
  readonly damage: CorruptEvent | InvalidLogFile | undefined;
  readonly findings: Some<Finding>;
  readonly views: ViewsVerdict;
}

/**
 * Reads a log from its first event to its end: that it is as it was written, that each event keeps
 * the rules, and that the views show what the log says.
 */
export async function verifyLog(log: ProvedLog, given: ViewsGiven): Promise<Verdict> {
  const audit = new LogAudit();
  const views = new ViewsBeside(given, audit);
  const take = (event: RecordedEvent) => {
    views.before(event.position);
    audit.take(event);
  };
  let damage: Verdict['damage'];
  try {
    await log.read(take);
    // They may have come further than the log had when its reading began.
    if (views.isAhead()) await log.read(take);
    audit.end();
  } catch (fault) {
    if (!(fault instanceof CorruptEvent || fault instanceof InvalidLogFile)) throw fault;
    damage = fault;
  } finally {
    views.end(damage !== undefined);
  }
  return { log: log.findings, damage, findings: audit.findings, views: views.verdict };
}

/**
 * The views of a log that is being read. They show the log up to some position, so the reading is
 * compared when it is there. A service goes on writing to them: where they are is looked at first
 * without holding them, and only when the reading has come near they are kept as they are then, so
 * that their file does not grow for as long as the log takes.
 */
class ViewsBeside {
  readonly #given: ViewsGiven;
  readonly #audit: LogAudit;
  /** Where they were when they were looked at first. */
  #seen: Position = 0n;
  #snapshot: ViewsSnapshot | undefined;
  #verdict: ViewsVerdict | undefined;

  constructor(given: ViewsGiven, audit: LogAudit) {
    this.#given = given;
    this.#audit = audit;
    const snapshot = this.#open();
    this.#seen = snapshot?.position ?? 0n;
    snapshot?.close();
  }

  /** The event of this position is read next. */
  before(position: Position): void {
    if (this.#verdict !== undefined || position <= this.#seen) return;
    this.#snapshot ??= this.#open();
    if (this.#snapshot === undefined || position <= this.#snapshot.position) return;
    this.#compare(this.#snapshot);
  }

  /** The log has been read to its end; whether the views have come further. */
  isAhead(): boolean {
    if (this.#verdict !== undefined) return false;
    this.#snapshot ??= this.#open();
    return (this.#snapshot?.position ?? 0n) > this.#audit.reached.position;
  }

  /** No more events are read. */
  end(isDamaged: boolean): void {
    const reason = 'the log is damaged before the position that they show';
    if (isDamaged) this.#verdict ??= { compared: false, reason };
    const snapshot = this.#snapshot;
    if (this.#verdict === undefined && snapshot !== undefined) this.#compare(snapshot);
    if (snapshot?.database.isOpen) snapshot.close();
  }

  get verdict(): ViewsVerdict {
    return this.#verdict ?? { compared: false, reason: 'the log was not read to its end' };
  }

  #open(): ViewsSnapshot | undefined {
    const given = this.#given;
    if ('absent' in given) {
      this.#verdict = { compared: false, reason: given.absent };
      return undefined;
    }
    try {
      return ViewsSnapshot.open(given.path, given.schema);
    } catch (fault) {
      if (!(fault instanceof NotCompared)) throw fault;
      this.#verdict = { compared: false, reason: fault.message };
      return undefined;
    }
  }

  #compare({ database, position, hash }: ViewsSnapshot): void {
    const { reached, reading } = this.#audit;
    if (reached.position !== position || reached.hash !== hash) {
      const reason = `they show an event at position ${position} that is not in this log`;
      this.#verdict = { compared: false, reason };
    } else {
      const differences = new Some<Difference>();
      const comparison = compareViews(database, reading);
      let next = comparison.next();
      for (; !next.done; next = comparison.next()) differences.add(next.value);
      this.#verdict = { compared: true, position, rows: next.value, differences };
    }
    database.close();
  }
}
