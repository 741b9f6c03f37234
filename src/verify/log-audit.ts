import { limits } from '../limits.ts';
import type { RecordedEvent } from '../store/store.ts';
import { problemOfForm } from './event-form.ts';
import { NaiveReading } from './naive-reading.ts';
import { Violation } from './violation.ts';

/** Where something was found: an event, a row of the views, or nowhere in particular. */
export type Place =
  | {
      readonly stream: string;
      readonly revision: number;
      readonly position: bigint;
      readonly type: string;
    }
  | { readonly table: string; readonly row: string }
  | undefined;

/** Something that is not as it has to be. */
export interface Finding {
  readonly rule: Violation['rule'];
  readonly at: Place;
  readonly expected: string;
  readonly found: string;
}

/** Reads a log once more, naively, and collects what breaks a rule: the first of it, and how much. */
export class LogAudit {
  readonly reading = new NaiveReading();
  readonly findings: Finding[] = [];
  /** How many more there were than are kept. */
  leftOut = 0;
  #last: RecordedEvent | undefined;

  /** Takes the next event of the log, which is proved already. */
  take(event: RecordedEvent): void {
    this.#last = event;
    const form = problemOfForm(event);
    if (form !== undefined) this.add(placeOf(event), form);
    for (const violation of this.reading.read(event)) this.add(placeOf(event), violation);
  }

  /** What holds at the end of a log, and of each append. */
  end(): void {
    const { ledger } = this.reading;
    for (const step of [() => this.reading.checkWhole(), () => ledger.checkRanges()]) {
      try {
        step();
      } catch (fault) {
        if (!(fault instanceof Violation)) throw fault;
        this.add(undefined, fault);
      }
    }
  }

  add(at: Place, { rule, expected, found }: Omit<Finding, 'at'>): void {
    if (this.findings.length < limits.verifyFindingsMax) {
      this.findings.push({ rule, at, expected, found });
    } else {
      this.leftOut += 1;
    }
  }

  /** Position and hash of the last event that was taken. */
  get reached(): { readonly position: bigint; readonly hash: string } {
    return { position: this.#last?.position ?? 0n, hash: this.#last?.metadata.hash ?? '' };
  }
}

function placeOf({ stream, revision, position, type }: RecordedEvent): Place {
  return { stream, revision, position, type };
}
