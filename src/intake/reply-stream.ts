import { uuidOf } from '../ledger/identifiers.ts';
import { limits } from '../limits.ts';
import { sealEvent } from '../store/hash-chain.ts';
import {
  type EventToAppend,
  type RecordedEvent,
  type Store,
  WrongExpectedRevision,
} from '../store/store.ts';
import { type ClaimReply, REPLY_TYPE, replyStream } from './claim-messages.ts';

/**
 * The replies to a source's commands. How many there are tells every ledger which command is next:
 * they are the checkpoint, and what has a reply is never decided again.
 */
export class ReplyStream {
  readonly #store: Pick<Store, 'append' | 'readStream'>;
  readonly #newId: () => string;
  readonly #stream: string;
  #last: Pick<RecordedEvent, 'revision' | 'metadata'> | undefined;

  constructor(
    { store, newId }: { store: Pick<Store, 'append' | 'readStream'>; newId: () => string },
    source: string,
  ) {
    this.#store = store;
    this.#newId = newId;
    this.#stream = replyStream(source);
  }

  /** The command that has no reply yet. */
  get next(): number {
    return (this.#last?.revision ?? -1) + 1;
  }

  /** Looks for replies of others; whether there were any. */
  async catchUp(): Promise<boolean> {
    const { next } = this;
    this.#last = (await lastAfter(this.#store, this.#stream, next - 1)) ?? this.#last;
    return this.next > next;
  }

  /** Answers the next commands in order. False when another ledger was first with one of them. */
  async append(
    replies: readonly ClaimReply[],
    patiently: <T>(work: () => Promise<T>) => Promise<T>,
  ): Promise<boolean> {
    const sealed = this.#seal(replies);
    for (const events of portionsOf(sealed)) {
      const expected = this.next - 1;
      try {
        await patiently(() => this.#store.append(this.#stream, expected, events));
      } catch (fault) {
        if (!(fault instanceof WrongExpectedRevision)) throw fault;
        await patiently(() => this.catchUp());
        return false;
      }
      const { metadata } = events.at(-1) as EventToAppend;
      this.#last = { revision: expected + events.length, metadata };
    }
    return true;
  }

  /** Two ledgers may answer in other words, so that their replies have other ids as well. */
  #seal(replies: readonly ClaimReply[]): EventToAppend[] {
    const attempt = this.#newId();
    let previousHash = this.#last?.metadata.hash ?? '';
    return replies.map((data) => {
      const revision = data.command;
      const id = uuidOf(this.#stream, revision, attempt);
      const metadata = { $causationId: data.id };
      const place = { stream: this.#stream, revision, previousHash };
      const sealed = sealEvent({ ...place, id, type: REPLY_TYPE, data, metadata });
      previousHash = sealed.hash;
      return sealed;
    });
  }
}

/** Cuts events into appends. */
function* portionsOf(events: readonly EventToAppend[]): Generator<EventToAppend[]> {
  let portion: EventToAppend[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(event.body);
    const isFull = portion.length === limits.appendEventsMax;
    if (portion.length > 0 && (isFull || bytes + size > limits.appendBytesMax)) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(event);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}

/**
 * The last event of a stream after a revision. It is looked for in strides that double while there
 * is something, so that a long stream is not read whole.
 */
async function lastAfter(
  store: Pick<Store, 'readStream'>,
  stream: string,
  revision: number,
): Promise<RecordedEvent | undefined> {
  let last: RecordedEvent | undefined;
  for (let stride = 1; ; ) {
    const page = await firstPage(store, stream, (last?.revision ?? revision) + stride);
    if (page.length > 0) {
      last = page.at(-1);
      stride *= 2;
    } else if (stride === 1) {
      return last;
    } else {
      stride = 1;
    }
  }
}

async function firstPage(
  store: Pick<Store, 'readStream'>,
  stream: string,
  revision: number,
): Promise<readonly RecordedEvent[]> {
  for await (const page of store.readStream(stream, revision)) return page;
  return [];
}
