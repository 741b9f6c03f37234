import { hash } from 'node:crypto';
import { isPlainJson } from './plain-json.ts';
import type { EventMetadata, EventToAppend, RecordedEvent } from './store.ts';

/** An event with its place, before it is given its hash. */
export interface UnsealedEvent {
  readonly stream: string;
  readonly revision: number;
  /** Hash of the event before it in the stream; empty for the first. */
  readonly previousHash: string;
  readonly id: string;
  readonly type: string;
  readonly data: object;
  readonly metadata: object;
}

/**
 * Serialises an event once and gives it its hash. Where its data and metadata are not plain JSON,
 * the sealed event has what a reader of the log will find, so that live and replayed events never
 * differ.
 */
export function sealEvent(event: UnsealedEvent): EventToAppend {
  const { stream, revision, previousHash, id, type, data } = event;
  const covered = { ...coveredMetadata(event.metadata), previousHash };
  const body = JSON.stringify([stream, revision, id, type, data, covered]);
  const seal = hash('sha256', body, 'hex');
  const plain = isPlainJson(data) && isPlainJson(covered);
  const [sealedData, sealedMetadata] = plain ? [data, covered] : parsedParts(body);
  const metadata: EventMetadata = { ...sealedMetadata, previousHash, hash: seal };
  return { id, type, data: sealedData, metadata, body, hash: seal };
}

/** An event of another log as one to append: all that its hash covers, and its recorded time. */
export function copyOf(recorded: RecordedEvent): EventToAppend {
  const { stream, revision, id, type, data, recordedAt } = recorded;
  const { previousHash, hash: seal } = recorded.metadata;
  const covered = coveredMetadata(recorded.metadata);
  const body = JSON.stringify([stream, revision, id, type, data, covered]);
  const metadata: EventMetadata = { ...covered, previousHash, hash: seal };
  return { id, type, data, metadata, body, hash: seal, recordedAt };
}

/** The events of one command, with their place, before they are given their hashes. */
export interface UnsealedCommand extends Pick<UnsealedEvent, 'stream' | 'previousHash'> {
  readonly commandId: string;
  /** Of the first event. */
  readonly revision: number;
  readonly events: readonly Pick<UnsealedEvent, 'id' | 'type' | 'data'>[];
  /** What their metadata has beside the command's id and which of how many events each is. */
  readonly metadata: object;
}

/**
 * Seals the events of a command. Each is as `sealEvent` seals it, but what all of them have in
 * common becomes text once.
 */
export function sealCommand(command: UnsealedCommand): EventToAppend[] {
  const { stream, revision, commandId, events, metadata } = command;
  const start = `[${JSON.stringify(stream)},`;
  const shared = { count: events.length, ...metadata };
  const [before, after] = [`{"commandId":${JSON.stringify(commandId)},"index":`, textIn(shared)];
  if (!isPlainJson(shared)) throw new TypeError('the metadata of a command is no plain JSON');
  let { previousHash } = command;
  return events.map(({ id, type, data }, index) => {
    const text = JSON.stringify(data);
    const head = `${start}${revision + index},${JSON.stringify(id)},${JSON.stringify(type)},${text}`;
    const body = `${head},${before}${index},${after},"previousHash":"${previousHash}"}]`;
    const seal = hash('sha256', body, 'hex');
    const own: EventMetadata = { commandId, index, ...shared, previousHash, hash: seal };
    previousHash = seal;
    const sealed = isPlainJson(data) ? data : parsedParts(body)[0];
    return { id, type, data: sealed, metadata: own, body, hash: seal };
  });
}

/** The text of an object's fields, without its braces. */
function textIn(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

/**
 * Says what is wrong with an event, given the hash of the one before it in its stream (empty for
 * the first), or nothing when it proves itself.
 */
export function verifyEvent(recorded: RecordedEvent, previousHash: string): string | undefined {
  const { stream, revision, id, type, data, metadata } = recorded;
  if (metadata.previousHash !== previousHash) {
    return (
      `its previousHash is "${metadata.previousHash}", ` +
      `but the event before it has the hash "${previousHash}"`
    );
  }
  const covered = coveredMetadata(metadata);
  const body = JSON.stringify([stream, revision, id, type, data, covered]);
  if (hash('sha256', body, 'hex') !== metadata.hash) return 'its content does not match its hash';
  return undefined;
}

/** The metadata without what the hash cannot cover: itself, and what the store adds later. */
function coveredMetadata(metadata: object): object {
  if (!('hash' in metadata) && !('recordedAt' in metadata)) return metadata;
  const { hash: _hash, recordedAt: _recordedAt, ...covered } = metadata as Record<string, unknown>;
  return covered;
}

function parsedParts(body: string): [object, object] {
  const [, , , , data, metadata] = JSON.parse(body);
  return [data, metadata];
}
