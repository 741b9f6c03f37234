import { limits } from '../limits.ts';
import type { RecordedEvent } from '../store/store.ts';
import { problemOfForm } from './event-form.ts';
import { NaiveReading } from './naive-reading.ts';
import { Violation } from './violation.ts';

/** Something in a log that breaks a rule. */
export interface Finding {
  readonly rule: Violation['rule'];
  /** The event; none for what is found at the end of a log only. */
  readonly event: Pick<RecordedEvent, 'stream' | 'revision' | 'position' | 'type'> | undefined;
  readonly expected: string;
  readonly found: string;
}

/** The first of what was found, and how much there was beside that. */
export class Some<T> {
  readonly first: T[] = [];
  leftOut = 0;

  add(one: T): void {
    if (this.first.length < limits.verifyFindingsMax) this.first.push(one);
    else this.leftOut += 1;
  }
}

/** Reads a log once more, naively, and collects what breaks a rule. */
export class LogAudit {
  readonly reading = new NaiveReading();
  readonly findings = new Some<Finding>();
  #last: RecordedEvent | undefined;

  /** Takes the next event of the log, which is proved already. */
  take(event: RecordedEvent): void {
    this.#last = event;
    const form = problemOfForm(event);
    if (form !== undefined) this.#add(event, form);
    for (const violation of this.reading.read(event)) this.#add(event, violation);
  }

  /** What holds at the end of a log, and of each append. */
  end(): void {
    const { ledger } = this.reading;
    for (const step of [() => this.reading.checkWhole(), () => ledger.checkRanges()]) {
      try {
        step();
      } catch (fault) {
        if (!(fault instanceof Violation)) throw fault;
        this.#add(undefined, fault);
      }
    }
  }

  /** Position and hash of the last event that was taken. */
  get reached(): { readonly position: bigint; readonly hash: string } {
    return { position: this.#last?.position ?? 0n, hash: this.#last?.metadata.hash ?? '' };
  }

  #add(event: RecordedEvent | undefined, { rule, expected, found }: Violation): void {
    if (event === undefined) {
      this.findings.add({ rule, event, expected, found });
      return;
    }
    const { stream, revision, position, type } = event;
    this.findings.add({ rule, event: { stream, revision, position, type }, expected, found });
  }
}
