import { z } from 'zod';
import { limits } from '../limits.ts';
import { isOfCategories } from '../store/category.ts';
import { LogCheck, type LogFindings } from '../store/log-check.ts';
import {
  CorruptEvent,
  type EventMetadata,
  type Position,
  type RecordedEvent,
  type Store,
} from '../store/store.ts';
import { InvalidLogFile, linesOf } from './lines.ts';
import type { Progress } from './progress.ts';

// A log as a file that any engine can take in: JSON lines in UTF-8. The first line says what the
// file is and where the log ended, then there is one line for each event in the order of the log,
// and the last one counts and proves them, so that a file that is cut short is never taken for
// a whole one. It is a storage format: what changes gets another version.
//
//   {"format":"netalloc-log","version":1,"head":"<position>"}
//   {"position","recordedAt","stream","revision","id","type","data","metadata"}, ...
//   {"events":<count>,"digest":"<as LogFindings has it>"}

const FORMAT = 'netalloc-log';
const VERSION = 1;

const position = z.string().regex(/^(?:0|[1-9]\d{0,18})$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const plainObject = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);
const headLine = z.strictObject({ format: z.literal(FORMAT), version: z.int(), head: position });
const eventLine = z.strictObject({
  position,
  recordedAt: z.iso.datetime({ precision: 3 }),
  stream: z.string(),
  revision: z.int().nonnegative(),
  id: z.string().min(1),
  type: z.string().min(1),
  data: plainObject,
  metadata: plainObject,
});
const endLine = z.strictObject({ events: z.int().nonnegative(), digest: sha256 });
const chained = z.looseObject({ previousHash: z.union([sha256, z.literal('')]), hash: sha256 });

/** A log as the text of a file, piece by piece, up to its end at the beginning, and proved. */
export async function* portableLog(
  store: Store,
  categories: readonly string[],
  progress: Progress,
): AsyncGenerator<string, LogFindings> {
  const head = await store.head();
  const check = new LogCheck();
  let text = lineOf({ format: FORMAT, version: VERSION, head: String(head) });
  for await (const event of store.readAll(0n, categories)) {
    if (event.position > head) break;
    check.take(event);
    text += lineOf(portable(event));
    if (text.length >= limits.transferChunkChars) {
      yield text;
      text = '';
    }
    progress.reached(event.position, head);
  }
  const { events, digest } = check.findings;
  yield text + lineOf({ events, digest });
  return check.findings;
}

function portable({ position, recordedAt, stream, revision, ...rest }: RecordedEvent): object {
  const { id, type, data, metadata } = rest;
  return { position: String(position), recordedAt, stream, revision, id, type, data, metadata };
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** Reads a file of this format; what is not as it was written is refused, naming the line. */
export class PortableLog {
  /** Where the log ended that it was made of. */
  readonly head: Position;
  readonly #lines: AsyncGenerator<string>;
  readonly #check = new LogCheck();
  #line = 1;

  private constructor(head: Position, lines: AsyncGenerator<string>) {
    this.head = head;
    this.#lines = lines;
  }

  /** Reads the first line. */
  static async open(chunks: AsyncIterable<Uint8Array>): Promise<PortableLog> {
    const lines = linesOf(chunks);
    const first = await lines.next();
    const parsed = headLine.safeParse(first.done ? undefined : parsedLine(1, first.value));
    if (!parsed.success) throw new InvalidLogFile(1, `does not begin a ${FORMAT} file`);
    const { version, head } = parsed.data;
    if (version !== VERSION) {
      throw new InvalidLogFile(1, `is of version ${version}; this netalloc knows ${VERSION}`);
    }
    return new PortableLog(BigInt(head), lines);
  }

  /** What the events were found to be that have been read so far. */
  get findings(): LogFindings {
    return this.#check.findings;
  }

  /** The events, each proved. Throws InvalidLogFile also where the file is not whole. */
  async *events(categories: readonly string[]): AsyncGenerator<RecordedEvent> {
    for await (const text of this.#lines) {
      this.#line += 1;
      const line = parsedLine(this.#line, text);
      const end = endLine.safeParse(line);
      if (end.success) {
        await this.#requireEnd(end.data);
        return;
      }
      yield this.#eventOf(line, categories);
    }
    throw new InvalidLogFile(this.#line, 'is the last one, but the file is not whole');
  }

  #eventOf(line: unknown, categories: readonly string[]): RecordedEvent {
    const parsed = eventLine.safeParse(line);
    if (!parsed.success) throw new InvalidLogFile(this.#line, problemOf(parsed.error));
    const { position: at, stream, ...rest } = parsed.data;
    const { metadata } = rest;
    const links = chained.safeParse(metadata);
    if (!links.success) throw new InvalidLogFile(this.#line, problemOf(links.error));
    if (!isOfCategories(stream, categories)) {
      throw new InvalidLogFile(
        this.#line,
        `has an event of ${stream}, which is no stream of a log`,
      );
    }
    // As they were read: a copy of the schema's would have its keys in another order.
    const event = {
      ...rest,
      stream,
      position: BigInt(at),
      metadata: metadata as EventMetadata,
    };
    try {
      this.#check.take(event);
    } catch (fault) {
      if (!(fault instanceof CorruptEvent)) throw fault;
      throw new InvalidLogFile(this.#line, `has a ${fault.message}`);
    }
    return event;
  }

  async #requireEnd({ events, digest }: z.infer<typeof endLine>): Promise<void> {
    const found = this.findings;
    if (found.events !== events || found.digest !== digest) {
      const problem = `counts ${events} events, but not the ${found.events} that are before it`;
      throw new InvalidLogFile(this.#line, problem);
    }
    const more = await this.#lines.next();
    if (!more.done) throw new InvalidLogFile(this.#line + 1, 'comes after the end of the log');
  }
}

function parsedLine(line: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidLogFile(line, 'is no JSON, or is cut short');
  }
}

function problemOf(error: z.ZodError): string {
  const { path, message } = error.issues[0] as z.core.$ZodIssue;
  return path.length === 0
    ? `is no event: ${message}`
    : `has no event: ${path.join('.')}: ${message}`;
}
