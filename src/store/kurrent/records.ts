import { hash } from 'node:crypto';
import { type EventData, jsonEvent, type RecordedEvent as Record } from '@eventstore/db-client';
import { verifyEvent } from '../hash-chain.ts';
import {
  CorruptEvent,
  type EventMetadata,
  type EventToAppend,
  type RecordedEvent,
} from '../store.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * An event as the client takes it. Sealed events are plain JSON, so the client, which leaves a call
 * pending for ever when it cannot serialise it, always can; an id that is no UUID would crash it.
 */
export function toClientEvent(event: EventToAppend): EventData {
  const { id, type, data, metadata, recordedAt } = event;
  const isUuid = UUID.test(id);
  // The server's own time is of the copying, so that of a copy travels with it.
  const beside = {
    ...(isUuid ? {} : { eventId: id }),
    ...(recordedAt === undefined ? {} : { recordedAt }),
  };
  return jsonEvent({
    id: isUuid ? id : uuidOf(id),
    type,
    data: data as { [name: string]: unknown },
    metadata: { ...metadata, ...beside },
  });
}

/** The same UUID for the same text, in the layout for ones of one's own making. */
function uuidOf(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return [...parts, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

/** An event of the log as the port gives it; one that netalloc cannot have written is refused. */
export function fromRecord(record: Record, prefix: string): RecordedEvent {
  const { streamId, id, type, data, isJson, created, position } = record;
  const stream = streamId.slice(prefix.length);
  const place = { stream, revision: Number(record.revision), position: position?.commit ?? 0n };
  const { recordedAt, eventId, ...metadata } = Object(record.metadata) as Partial<EventMetadata>;
  if (!isJson || typeof data !== 'object' || !isMetadata(metadata)) {
    const problem = 'it was not written by netalloc';
    throw new CorruptEvent(place.stream, place.revision, place.position, problem);
  }
  // What was copied from another log keeps the time at which that one recorded it.
  const copied = typeof recordedAt === 'string' ? Date.parse(recordedAt) : Number.NaN;
  const at = Number.isNaN(copied) ? created : new Date(copied);
  return {
    ...place,
    id: typeof eventId === 'string' ? eventId : id,
    type,
    data,
    metadata,
    recordedAt: at.toISOString(),
  };
}

/** Refuses an event whose content does not match its hash. */
export function requireProof(event: RecordedEvent): void {
  const problem = verifyEvent(event, event.metadata.previousHash);
  if (problem === undefined) return;
  throw new CorruptEvent(event.stream, event.revision, event.position, problem);
}

function isMetadata(metadata: Partial<EventMetadata>): metadata is EventMetadata {
  return typeof metadata.previousHash === 'string' && typeof metadata.hash === 'string';
}
