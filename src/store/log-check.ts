import { createHash } from 'node:crypto';
import { verifyEvent } from './hash-chain.ts';
import { CorruptEvent, type Position, type RecordedEvent } from './store.ts';

/** What a log was found to be. */
export interface LogFindings {
  readonly events: number;
  readonly streams: number;
  /** When the first and the last event were recorded; undefined where there is none. */
  readonly firstAt: string | undefined;
  readonly lastAt: string | undefined;
  /**
   * Equal for logs with the same events, recorded at the same times in the same order, wherever
   * they are: SHA-256 over a line `[stream,revision,hash,recordedAt]` for each.
   */
  readonly digest: string;
}

/**
 * Proves a log that is shown to it from its first event on: that each event is as it was written,
 * that it follows the one before it in its stream, and that positions and times go forwards.
 */
export class LogCheck {
  readonly #streams = new Map<string, { revision: number; hash: string }>();
  readonly #digest = createHash('sha256');
  #events = 0;
  #firstAt: string | undefined;
  #lastAt = '';
  #position: Position = 0n;

  /** Takes the next event of the log. Throws CorruptEvent when it is not what has to follow. */
  take(event: RecordedEvent): void {
    const { stream, revision, position, metadata, recordedAt } = event;
    const before = this.#streams.get(stream);
    const problem = this.#problemOf(event, before?.revision ?? -1, before?.hash ?? '');
    if (problem !== undefined) throw new CorruptEvent(stream, revision, position, problem);
    this.#streams.set(stream, { revision, hash: metadata.hash });
    this.#digest.update(`${JSON.stringify([stream, revision, metadata.hash, recordedAt])}\n`);
    this.#events += 1;
    this.#firstAt ??= recordedAt;
    this.#lastAt = recordedAt;
    this.#position = position;
  }

  /** What has been taken so far. */
  get findings(): LogFindings {
    return {
      events: this.#events,
      streams: this.#streams.size,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt || undefined,
      digest: this.#digest.copy().digest('hex'),
    };
  }

  #problemOf(event: RecordedEvent, lastRevision: number, lastHash: string): string | undefined {
    const { revision, position, recordedAt } = event;
    if (revision !== lastRevision + 1) {
      return `the event before it in its stream has revision ${lastRevision}`;
    }
    if (position <= this.#position) return `the position before it is ${this.#position}`;
    if (recordedAt < this.#lastAt) {
      return `it was recorded at ${recordedAt}, and the event before it at ${this.#lastAt}`;
    }
    return verifyEvent(event, lastHash);
  }
}
