import { type EventMetadata, type EventType, isEventType } from '../../ledger/events.ts';
import { projectOf } from '../../ledger/streams.ts';
import type { RecordedEvent } from '../../store/store.ts';

/** What the types of events begin with outside. Outsiders rely on it. */
const TYPE_PREFIX = 'com.datumapis.netalloc.';

/**
 * An event of the log as a CloudEvent 1.0 in its JSON format. What CloudEvents has no word for are
 * extension attributes, whose names have lower-case letters and digits only; a position is a text,
 * since it may be larger than a number holds exactly.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export function cloudEvent(event: RecordedEvent): object {
  const { id, stream, revision, position, type, data, recordedAt } = event;
  const metadata = event.metadata as unknown as EventMetadata;
  const { issuer, subject, role } = metadata.actor;
  return {
    specversion: '1.0',
    id,
    source: `/ledger/v1/streams/${encodeURIComponent(stream)}`,
    type: TYPE_PREFIX + type,
    subject: subjectOf(event),
    time: recordedAt,
    datacontenttype: 'application/json',
    position: String(position),
    stream,
    revision,
    commandid: metadata.commandId,
    commandindex: metadata.index,
    commandcount: metadata.count,
    correlationid: metadata.$correlationId,
    causationid: metadata.$causationId,
    actorissuer: issuer,
    actorsubject: subject,
    actorrole: role,
    ...(metadata.reason === undefined ? {} : { reason: metadata.reason }),
    schemaversion: metadata.schemaVersion,
    hash: event.metadata.hash,
    previoushash: event.metadata.previousHash,
    data,
  };
}

/** The event type that a text names, with or without the prefix; undefined for none. */
export function namedType(text: string): EventType | undefined {
  const name = text.startsWith(TYPE_PREFIX) ? text.slice(TYPE_PREFIX.length) : text;
  return isEventType(name) ? name : undefined;
}

/**
 * What an event is about: `project/name`, or the name alone outside of projects. An event that has
 * no name of its own is about an interface, a location, a pool, or its whole address space.
 */
function subjectOf({ stream, data }: RecordedEvent): string {
  const project = projectOf(stream);
  const { name, interface: nic, location, pool } = data as Record<string, unknown>;
  const named = [name, nameOf(nic), nameOf(location), pool, nameOf(pool)];
  const own = named.find((one) => typeof one === 'string');
  // A project's own object has its name.
  const parts = own === project ? [own] : [project, own];
  return parts.filter((part) => part !== undefined).join('/') || stream;
}

function nameOf(ref: unknown): unknown {
  return (ref as { name?: unknown } | undefined)?.name;
}
