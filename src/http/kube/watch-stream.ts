import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WatchBounds } from '../deps.ts';

export interface StreamOptions extends WatchBounds {
  readonly lastsMs: number;
  /** Makes a bookmark of now; undefined when the client has not asked for any. */
  readonly bookmark: (() => Buffer) | undefined;
  /** Runs once when the connection is over. */
  readonly onClose: () => void;
  /** Runs when the client reads too little or too late, and is cut off. */
  readonly onCut: () => void;
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };
const EMPTY_LINE = Buffer.from('\n');

/**
 * The answer to one watch: lines for as long as it lasts. What was before is written as fast as it
 * is read; what happens meanwhile is held back, and from then on written once a turn.
 */
export class WatchStream {
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  readonly #timers: NodeJS.Timeout[];
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isLive = false;
  #isOver = false;
  #isFlushDue = false;
  #goOn: () => void = () => {};

  /** Sends the head of the answer at once: also a watch without events has begun. */
  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
    response.writeHead(200, HEADERS);
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    this.#timers = [
      setInterval(() => this.#beat(), options.heartbeatMs),
      setInterval(() => this.#mark(), options.bookmarkMs),
      setTimeout(() => this.end(), options.lastsMs),
    ];
    response.on('drain', () => this.#goOn());
    response.on('error', () => response.destroy());
    response.on('close', () => {
      this.#stop();
      for (const timer of this.#timers) clearTimeout(timer);
      this.#goOn();
      options.onClose();
    });
  }

  /** Writes what was before, then goes live. */
  async begin(before: Iterable<Buffer>): Promise<void> {
    let chunk: Buffer[] = [];
    let bytes = 0;
    for (const line of before) {
      if (this.#isOver) return;
      chunk.push(line);
      bytes += line.length;
      if (bytes < this.#options.chunkBytesMax) continue;
      await this.#writeAndWait(Buffer.concat(chunk));
      chunk = [];
      bytes = 0;
    }
    if (this.#isOver) return;
    this.#isLive = true;
    this.#held = [...chunk, ...this.#held];
    this.#flush();
  }

  /** Sends a line in its turn. A client that leaves too much unread is cut off. */
  send(line: Buffer): void {
    if (this.#isOver) return;
    this.#held.push(line);
    this.#heldBytes += line.length;
    if (this.#heldBytes + this.#response.writableLength > this.#options.bufferedBytesMax) {
      this.#cutOff();
    } else if (this.#isLive && !this.#isFlushDue) {
      this.#isFlushDue = true;
      setImmediate(() => this.#flush());
    }
  }

  /** Ends the answer in order, with a last line where there is one. */
  end(last?: Buffer): void {
    if (this.#isOver) return;
    const { bookmark, endMsMax } = this.#options;
    if (this.#isLive) this.#flush();
    if (last !== undefined) this.#write(last);
    // A bookmark says that everything before it has been sent.
    else if (this.#isLive && bookmark !== undefined) this.#write(bookmark());
    this.#stop();
    this.#response.end();
    this.#timers.push(setTimeout(() => this.#response.destroy(), endMsMax));
  }

  /** Cuts the connection: the client goes on from where it has come to. */
  cut(): void {
    this.#stop();
    this.#response.destroy();
  }

  #cutOff(): void {
    if (this.#isOver) return;
    this.cut();
    this.#options.onCut();
  }

  #stop(): void {
    this.#isOver = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#isOver || this.#held.length === 0) return;
    const [only] = this.#held as [Buffer];
    const lines = this.#held.length === 1 ? only : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#write(lines);
  }

  #write(lines: Buffer): boolean {
    return this.#response.write(lines);
  }

  /** Writes what was before no faster than it is read, and lets others have their turn. */
  async #writeAndWait(lines: Buffer): Promise<void> {
    if (this.#write(lines)) {
      await nextTurn();
      return;
    }
    const stuck = setTimeout(() => this.#cutOff(), this.#options.stuckMsMax);
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
    });
    clearTimeout(stuck);
  }

  /** An empty line means nothing to a client, and keeps it and what is between from giving up. */
  #beat(): void {
    if (!this.#isOver) this.#response.write(EMPTY_LINE);
  }

  #mark(): void {
    const { bookmark } = this.#options;
    if (bookmark === undefined || !this.#isLive || this.#isOver) return;
    this.#flush();
    this.#write(bookmark());
  }
}
