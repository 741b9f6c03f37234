import { limits } from '../limits.ts';
import { type EventToAppend, NO_STREAM } from './store.ts';

const STREAM_NAME = /^[\x21-\x7e]+$/;

/**
 * Checks what every engine demands of an append, and gives the bytes of its events. A violation is
 * a fault of the program, hence a RangeError: nothing that a client sends may lead here.
 */
export function checkAppend(
  stream: string,
  expected: number,
  events: readonly EventToAppend[],
): number {
  if (!STREAM_NAME.test(stream) || stream.length > limits.streamNameCharsMax) {
    throw new RangeError(`"${stream}" is no stream name: printable ASCII without spaces`);
  }
  if (!Number.isSafeInteger(expected) || expected < NO_STREAM) {
    throw new RangeError(`${expected} is no expected revision`);
  }
  if (events.length === 0 || events.length > limits.appendEventsMax) {
    throw new RangeError(`an append has 1 to ${limits.appendEventsMax} events: ${events.length}`);
  }
  const bytes = sealedBytes(stream, expected, events);
  if (bytes > limits.appendBytesMax) {
    throw new RangeError(`an append has at most ${limits.appendBytesMax} bytes: ${bytes}`);
  }
  return bytes;
}

/** Bytes of events that are sealed for these revisions of this stream, each after the other. */
function sealedBytes(stream: string, expected: number, events: readonly EventToAppend[]): number {
  const start = `[${JSON.stringify(stream)},`;
  let bytes = 0;
  let revision = expected;
  let previous: EventToAppend | undefined;
  for (const event of events) {
    revision += 1;
    if (!event.body.startsWith(`${start}${revision},`)) {
      throw new RangeError(`event ${event.id} is not sealed for ${stream} at ${revision}`);
    }
    if (previous !== undefined && event.metadata.previousHash !== previous.hash) {
      throw new RangeError(`event ${event.id} is not chained to the one before it`);
    }
    bytes += Buffer.byteLength(event.body);
    previous = event;
  }
  return bytes;
}
