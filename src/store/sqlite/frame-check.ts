import { verifyEvent } from '../hash-chain.ts';
import { CorruptEvent, type RecordedEvent } from '../store.ts';
import { chainFrame, decodeEvents, FIRST_CHAIN, type Frame, lastHash } from './frames.ts';
import type { StreamHead } from './log-file.ts';
import { epochOf, epochStart } from './positions.ts';

/**
 * Checks a frame against the one before it in the log and the end of its stream before it (both
 * undefined where there is none), and gives its events. Throws CorruptEvent for the first one that
 * is not as it was written, or whose place is not.
 */
export function checkFrame(
  frame: Frame,
  before: Frame | undefined,
  streamBefore: StreamHead | undefined,
): RecordedEvent[] {
  const problem = placeProblem(frame, before, streamBefore);
  if (problem !== undefined) {
    throw new CorruptEvent(frame.stream, frame.revision, BigInt(frame.position), problem);
  }
  let previousHash = streamBefore?.hash ?? '';
  const events = decodeEvents(frame);
  for (const event of events) {
    const fault = verifyEvent(event, previousHash);
    if (fault !== undefined) {
      throw new CorruptEvent(event.stream, event.revision, event.position, fault);
    }
    previousHash = event.metadata.hash;
  }
  return events;
}

function placeProblem(
  frame: Frame,
  before: Frame | undefined,
  streamBefore: StreamHead | undefined,
): string | undefined {
  const last = before === undefined ? 0 : before.position + before.count - 1;
  const startsEpoch = frame.position === epochStart(epochOf(frame.position)) + 1;
  if (frame.position !== last + 1 && !startsEpoch) return `the position before it is ${last}`;
  const lastRevision = streamBefore?.revision ?? -1;
  if (frame.revision !== lastRevision + 1) return `the revision before it is ${lastRevision}`;
  if (before !== undefined && frame.recordedAt < before.recordedAt) {
    return 'it was recorded earlier than the event before it';
  }
  const chain = chainFrame(before?.chain ?? FIRST_CHAIN, frame, lastHash(frame.events));
  if (Buffer.compare(chain, frame.chain) !== 0) {
    return 'its place in the log does not match its chain';
  }
  return undefined;
}
