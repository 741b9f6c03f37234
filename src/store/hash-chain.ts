import { hash } from 'node:crypto';
import { freezePlainJson } from './plain-json.ts';
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
 * Serialises an event once and gives it its hash. Its data and metadata are frozen, so that a
 * writer that keeps them cannot change what others read. Where they are not plain JSON, the sealed
 * event has what a reader of the log will find, so that live and replayed events never differ.
 */
export function sealEvent(event: UnsealedEvent): EventToAppend {
  const { stream, revision, previousHash, id, type, data } = event;
  const covered = { ...coveredMetadata(event.metadata), previousHash };
  const body = JSON.stringify([stream, revision, id, type, data, covered]);
  const seal = hash('sha256', body, 'hex');
  const plain = freezePlainJson(data) && freezePlainJson(covered);
  const [sealedData, sealedMetadata] = plain ? [data, covered] : parsedParts(body);
  const metadata: EventMetadata = Object.freeze({ ...sealedMetadata, previousHash, hash: seal });
  return { id, type, data: sealedData, metadata, body, hash: seal };
}

/** An event of another log as one to append: all that its hash covers, and its recorded time. */
export function copyOf(recorded: RecordedEvent): EventToAppend {
  const { stream, revision, id, type, data, recordedAt } = recorded;
  const { previousHash, hash: seal } = recorded.metadata;
  const covered = coveredMetadata(recorded.metadata);
  const body = JSON.stringify([stream, revision, id, type, data, covered]);
  const metadata: EventMetadata = { ...covered, previousHash, hash: seal };
  freezePlainJson(data);
  freezePlainJson(metadata);
  return { id, type, data, metadata, body, hash: seal, recordedAt };
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
  freezePlainJson(data);
  freezePlainJson(metadata);
  return [data, metadata];
}
