import { hash } from 'node:crypto';

/** The namespace of every identifier that netalloc derives. Part of the log: never changed. */
const NAMESPACE = Buffer.from('6f1d3a0c58f24bd09e5f7a4b8f0e2c91', 'hex');

/** Begins with the namespace and has room for most names, whose bytes are written after it. */
const INPUT = Buffer.alloc(1024);
NAMESPACE.copy(INPUT);
const BYTES_PER_CHAR_MAX = 3;

/**
 * A UUID version 5 (RFC 9562, section 5.5) of a name: the same name gives the same identifier for
 * ever, which makes a repeated command recognisable.
 */
export function uuidOf(...name: readonly (string | number)[]): string {
  const digest = hash('sha1', inputOf(name.join('\n')), 'hex');
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  const third = `5${digest.slice(13, 16)}`;
  const fourth = `${variant}${digest.slice(18, 20)}`;
  // Joined, not added up: a text of added parts is serialised the slow way, with all around it.
  return [digest.slice(0, 8), digest.slice(8, 12), third, fourth, digest.slice(20, 32)].join('-');
}

function inputOf(name: string): Buffer {
  const bytesMax = NAMESPACE.length + name.length * BYTES_PER_CHAR_MAX;
  if (bytesMax > INPUT.length) return Buffer.concat([NAMESPACE, Buffer.from(name)]);
  return INPUT.subarray(0, NAMESPACE.length + INPUT.write(name, NAMESPACE.length));
}

/**
 * The id of the event at this index of the events that a command led to. Two attempts at a command
 * may decide differently, and a store takes events of known ids for those that it has: so the
 * attempt is a part of the id.
 */
export function eventId(commandId: string, index: number, ...attempt: readonly string[]): string {
  return uuidOf(commandId, index, ...attempt);
}
