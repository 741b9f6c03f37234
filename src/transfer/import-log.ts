import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { copyOf } from '../store/hash-chain.ts';
import type { ImportTarget } from '../store/import-target.ts';
import { LogCheck, type LogFindings } from '../store/log-check.ts';
import {
  type EventToAppend,
  type RecordedEvent,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../store/store.ts';
import type { PortableLog } from './portable-log.ts';
import type { Progress } from './progress.ts';

/** What an import did. */
export interface Imported {
  /** Events that the log had already. */
  readonly present: number;
  readonly added: number;
  /** What the log is now. */
  readonly findings: LogFindings;
}

/** The log has something else than the file, or is being written by somebody else. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
}

/**
 * Brings a log to what a file has: what it has already is compared event by event, and the rest is
 * appended in the file's order, so that an import which was interrupted goes on and one that was
 * finished changes nothing. In the end the log is read and proved to be the file's.
 */
export async function importLog(
  file: PortableLog,
  { store, begin, finish }: ImportTarget,
  categories: readonly string[],
  progress: Progress,
): Promise<Imported> {
  const there = store.readAll(0n, categories)[Symbol.asyncIterator]();
  const copies = new Copies(store);
  let present = 0;
  let added = 0;
  let next = await there.next();
  for await (const event of file.events(categories)) {
    if (!next.done) {
      requireSame(next.value, event, present);
      present += 1;
      next = await there.next();
    } else {
      if (added === 0) await begin();
      await copies.add(event);
      added += 1;
    }
    progress.reached(event.position, file.head);
  }
  if (!next.done) {
    const { stream, revision, recordedAt } = next.value;
    throw new ImportRefused(
      `the log has all ${present} events of the file and more: the next one is revision ` +
        `${revision} of ${stream}, recorded at ${recordedAt}; nothing was changed`,
    );
  }
  await copies.flush();
  const { findings } = file;
  if (added > 0) await requireCopy(store, categories, findings);
  await finish();
  return { present, added, findings };
}

/** Refuses a log that is not the beginning of the file's. */
function requireSame(there: RecordedEvent, event: RecordedEvent, before: number): void {
  const placeOf = ({ stream, revision, metadata, recordedAt }: RecordedEvent) =>
    `revision ${revision} of ${stream}, recorded at ${recordedAt}, hash ${metadata.hash}`;
  if (placeOf(there) === placeOf(event)) return;
  throw new ImportRefused(
    `the log has something else than the file, and nothing was changed: its event ` +
      `${before + 1} is ${placeOf(there)}; the file has ${placeOf(event)}`,
  );
}

/** Reads the log again, as whoever serves it will, and compares it with what was in the file. */
async function requireCopy(
  store: ImportTarget['store'],
  categories: readonly string[],
  wanted: LogFindings,
): Promise<void> {
  const check = new LogCheck();
  for await (const event of store.readAll(0n, categories)) check.take(event);
  const { digest, events } = check.findings;
  if (digest === wanted.digest) return;
  throw new ImportRefused(
    `the log is not what was copied into it: it has ${events} events where the file has ` +
      `${wanted.events}; somebody else may be writing to it`,
  );
}

/** Appends copies in their order, those of one stream that follow each other together. */
class Copies {
  readonly #store: ImportTarget['store'];
  #waiting: EventToAppend[] = [];
  #stream = '';
  #expected = -1;
  #bytes = 0;

  constructor(store: ImportTarget['store']) {
    this.#store = store;
  }

  async add(event: RecordedEvent): Promise<void> {
    const copy = copyOf(event);
    const bytes = Buffer.byteLength(copy.body);
    const isFull =
      this.#waiting.length === limits.transferAppendEventsMax ||
      this.#bytes + bytes > limits.appendBytesMax;
    if (event.stream !== this.#stream || isFull) await this.flush();
    if (this.#waiting.length === 0) {
      this.#stream = event.stream;
      this.#expected = event.revision - 1;
    }
    this.#waiting.push(copy);
    this.#bytes += bytes;
  }

  /** One append after another: several at once might be stored in another order. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#store.append(this.#stream, this.#expected, this.#waiting);
        break;
      } catch (fault) {
        if (fault instanceof WrongExpectedRevision) {
          throw new ImportRefused(`somebody else writes to the log: ${fault.message}`);
        }
        const isLast = attempt === limits.appendAttemptsMax;
        if (isLast || !(fault instanceof StoreUnavailable)) throw fault;
        // The identical append: it may have happened, and then nothing happens twice.
        await pause(limits.appendRetryDelayMsMax);
      }
    }
    this.#waiting = [];
    this.#bytes = 0;
  }
}
