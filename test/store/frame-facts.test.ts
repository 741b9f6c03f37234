import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factOf } from '../../src/store/facts.ts';
import { sealEvent } from '../../src/store/hash-chain.ts';
import { parseFacts } from '../../src/store/sqlite/frame-facts.ts';
import {
  encodeEvents,
  FIRST_CHAIN,
  type Frame,
  parseEvents,
} from '../../src/store/sqlite/frames.ts';

const STREAM = 'a-1';

interface Content {
  readonly data: object;
  readonly metadata: object;
}

/** A frame of events with these contents, the first of which is not the first of its stream. */
function frameOf(contents: readonly Content[], previous = 'f'.repeat(64)): Frame {
  let previousHash = previous;
  const events = contents.map(({ data, metadata }, index) => {
    const place = { stream: STREAM, revision: 7 + index, previousHash, id: `${index}`, type: 'T' };
    const event = sealEvent({ ...place, data, metadata });
    previousHash = event.hash;
    return event;
  });
  return {
    ...{ position: 9, stream: STREAM, revision: 7, count: events.length, recordedAt: 0 },
    ...{ events: encodeEvents(events), chain: FIRST_CHAIN },
  };
}

// Whatever looks like the beginning of metadata, or like the end of an event, or breaks a line.
const tricky = fc.oneof(
  fc.constant({ commandId: 'x' }),
  fc.constant({ commandId: { commandId: 'x' }, previousHash: 'y' }),
  fc.constantFrom(',{"commandId":', ',{"commandId":"x"}', '],\n[', '\n', '"}]', '\u2028', 'é😀'),
  fc.jsonValue({ maxDepth: 3 }),
);
const anything = fc.oneof(tricky, fc.array(tricky), fc.array(fc.array(tricky)));
const content = fc.record({
  data: fc.oneof(
    fc.record({ at: anything, spec: anything }),
    fc.constant({ commandId: 'x' }),
    fc.constant({}),
  ),
  metadata: fc.oneof(
    fc.record({ commandId: fc.uuid(), actor: anything }),
    fc.record({ commandId: fc.uuid(), index: fc.nat(20), actor: fc.constant({ role: 'r' }) }),
    fc.record({ previousHash: fc.string(), commandId: fc.uuid(), key: anything }),
    fc.record({ actor: anything }),
    fc.constant({}),
  ),
});

describe('the facts of a frame', () => {
  it('are those of its events, whatever their data and metadata are', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 6 }), fc.boolean(), (all, isNew) => {
        const frame = frameOf(all, isNew ? '' : undefined);
        expect(parseFacts(frame)).toEqual(parseEvents(frame).map(factOf));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are refused as its events are, wherever its text is cut or changed', () => {
    const metadata = { commandId: 'c', index: 0, count: 2, actor: { role: 'operator' } };
    const frame = frameOf([
      { data: { at: 'x', list: [1, { commandId: 'y' }] }, metadata },
      { data: { at: 'z' }, metadata },
    ]);
    for (const change of [
      { stream: 'a-2' },
      { revision: 8 },
      { count: 3 },
      { count: 1 },
      { events: '' },
      { events: '[]' },
      { events: frame.events.slice(0, -1) },
      { events: frame.events.slice(0, 200) },
      { events: frame.events.replace('"at":"x"', '"at":x') },
      { events: frame.events.replace('"T",', '') },
    ]) {
      const changed = { ...frame, ...change };
      const fault = faultOf(() => parseEvents(changed));
      expect(fault).toBeDefined();
      expect(faultOf(() => parseFacts(changed))).toEqual(fault);
    }
  });
});

function faultOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (fault) {
    return fault;
  }
}
