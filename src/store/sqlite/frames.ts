import { hash } from 'node:crypto';
import {
  CorruptEvent,
  type EventMetadata,
  type EventToAppend,
  type RecordedEvent,
} from '../store.ts';

/** What one append is in the table: all its events in one row. */
export interface Frame {
  /** Of its first event. */
  readonly position: number;
  readonly stream: string;
  /** Of its first event. */
  readonly revision: number;
  readonly count: number;
  /** Milliseconds since 1970, UTC. */
  readonly recordedAt: number;
  readonly events: string;
  readonly chain: Uint8Array;
}

// The text of a frame is JSON with one event a line. JSON.stringify never writes a line break, so
// each event's body is found again, and proved by its hash, without being serialised anew.
export const LINE_BREAK = ',\n';
const HASH_CHARS = 64;
/** `,"<hash>"]`, with which each event ends. */
const EVENT_END_CHARS = HASH_CHARS + 4;

/** The text of a frame from bodies and hashes that exist; nothing is serialised a second time. */
export function encodeEvents(events: readonly EventToAppend[]): string {
  let text = '';
  for (const event of events) {
    text += `${text === '' ? '[[' : `${LINE_BREAK}[`}${event.body},"${event.hash}"]`;
  }
  return `${text}]`;
}

/** The events of a frame, each proved by its hash; throws CorruptEvent at the first that fails. */
export function decodeEvents(frame: Frame): RecordedEvent[] {
  const { stream, revision, count, events } = frame;
  const recordedAt = new Date(frame.recordedAt).toISOString();
  const lines = events.slice(1, -1).split(LINE_BREAK);
  if (lines.length !== count) {
    const problem = `its frame has ${lines.length} events where ${count} are recorded`;
    throw new CorruptEvent(stream, revision, BigInt(frame.position), problem);
  }
  return lines.map((line, index) => {
    const position = BigInt(frame.position + index);
    const corrupt = (problem: string) =>
      new CorruptEvent(stream, revision + index, position, problem);
    const body = line.slice(1, -EVENT_END_CHARS);
    const seal = line.slice(-HASH_CHARS - 2, -2);
    if (hash('sha256', body, 'hex') !== seal) {
      throw corrupt('its content does not match its hash');
    }
    const [ofStream, ofRevision, id, type, data, metadata] = JSON.parse(body);
    if (ofStream !== stream || ofRevision !== revision + index) {
      throw corrupt(`it belongs to stream ${ofStream} at revision ${ofRevision}`);
    }
    metadata.hash = seal;
    return { stream, revision: revision + index, position, id, type, data, metadata, recordedAt };
  });
}

/** The events of a frame as they are written, not proved; throws CorruptEvent for what is none. */
export function parseEvents(frame: Frame): RecordedEvent[] {
  const { stream, revision, count } = frame;
  const recordedAt = new Date(frame.recordedAt).toISOString();
  const corrupt = (index: number, problem: string) =>
    new CorruptEvent(stream, revision + index, BigInt(frame.position + index), problem);
  let written: [[string, number, string, string, object, EventMetadata], string][];
  try {
    written = JSON.parse(frame.events);
  } catch {
    throw corrupt(0, 'its frame is not readable');
  }
  if (written.length !== count) {
    throw corrupt(0, `its frame has ${written.length} events where ${count} are recorded`);
  }
  return written.map(([[ofStream, ofRevision, id, type, data, metadata], hash], index) => {
    if (ofStream !== stream || ofRevision !== revision + index) {
      throw corrupt(index, `it belongs to stream ${ofStream} at revision ${ofRevision}`);
    }
    (metadata as { hash: string }).hash = hash;
    const position = BigInt(frame.position + index);
    return { stream, revision: revision + index, position, id, type, data, metadata, recordedAt };
  });
}

/** The hash of a frame's last event, without decoding it. */
export function lastHash(events: string): string {
  return events.slice(-HASH_CHARS - 3, -3);
}

/**
 * Chains a frame to the one before it in the log. The last event's hash stands for the frame's
 * events, so the chain protects what those hashes do not cover: the order of the streams in the
 * log, positions and recorded times.
 */
export function chainFrame(
  previousChain: Uint8Array,
  frame: Pick<Frame, 'position' | 'recordedAt' | 'stream'>,
  hashOfLastEvent: string,
): Uint8Array {
  const { position, recordedAt, stream } = frame;
  const previous = Buffer.from(previousChain).toString('hex');
  const place = JSON.stringify([previous, position, recordedAt, stream, hashOfLastEvent]);
  return hash('sha256', place, 'buffer');
}

/** What the first frame of a log is chained to. */
export const FIRST_CHAIN = new Uint8Array();
