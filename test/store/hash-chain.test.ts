import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyOf, sealCommand, sealEvent, verifyEvent } from '../../src/store/hash-chain.ts';
import type { RecordedEvent } from '../../src/store/store.ts';

const unsealed = {
  stream: 'addressSpace-project.alpha',
  revision: 3,
  previousHash: 'the hash before',
  id: 'id-3',
  type: 'AddressAllocated',
  data: { address: '10.0.0.1', b: 1, a: 2 },
  metadata: { commandId: 'c-1', actor: { role: 'compute' } },
};

function recorded(changes: Partial<RecordedEvent> = {}): RecordedEvent {
  const { stream, revision } = unsealed;
  const { id, type, data, metadata } = sealEvent(unsealed);
  const recordedAt = '2030-01-01T00:00:00.000Z';
  return { stream, revision, position: 4n, id, type, data, metadata, recordedAt, ...changes };
}

describe('sealing an event', () => {
  it('hashes exactly the text that is documented', () => {
    const sealed = sealEvent(unsealed);
    const text =
      '["addressSpace-project.alpha",3,"id-3","AddressAllocated",' +
      '{"address":"10.0.0.1","b":1,"a":2},' +
      '{"commandId":"c-1","actor":{"role":"compute"},"previousHash":"the hash before"}]';
    expect(sealed.body).toBe(text);
    expect(sealed.hash).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
    expect(sealed.metadata).toEqual({
      commandId: 'c-1',
      actor: { role: 'compute' },
      previousHash: 'the hash before',
      hash: sealed.hash,
    });
  });

  it('leaves a hash and a recorded time in the metadata out', () => {
    const metadata = { ...unsealed.metadata, hash: 'old', recordedAt: 'old', previousHash: 'old' };
    expect(sealEvent({ ...unsealed, metadata }).metadata).toEqual(sealEvent(unsealed).metadata);
  });
});

describe('verifying an event', () => {
  it('finds nothing wrong with what was sealed', () => {
    expect(verifyEvent(recorded(), 'the hash before')).toBeUndefined();
    const { metadata } = recorded();
    const timed = recorded({ metadata: { ...metadata, recordedAt: 'some time' } });
    expect(verifyEvent(timed, 'the hash before')).toBeUndefined();
  });

  it('is not disturbed by the position and the time that the store gave', () => {
    const moved = recorded({ position: 9n, recordedAt: '2031-01-01T00:00:00.000Z' });
    expect(verifyEvent(moved, 'the hash before')).toBeUndefined();
  });

  it.each<Partial<RecordedEvent>>([
    { stream: 'addressSpace-project.beta' },
    { revision: 4 },
    { id: 'id-4' },
    { type: 'AddressReleased' },
    { data: { address: '10.0.0.2', b: 1, a: 2 } },
    { data: { address: '10.0.0.1', a: 2, b: 1 } },
    { data: { address: '10.0.0.1', b: 1 } },
  ])('finds %o', (changes) => {
    expect(verifyEvent(recorded(changes), 'the hash before')).toBe(
      'its content does not match its hash',
    );
  });

  it('finds changed metadata and another predecessor', () => {
    const { metadata } = recorded();
    const changed = recorded({ metadata: { ...metadata, commandId: 'c-2' } });
    expect(verifyEvent(changed, 'the hash before')).toBe('its content does not match its hash');
    expect(verifyEvent(recorded(), 'another')).toMatch(
      /previousHash is "the hash before".*another/,
    );
  });
});

it('copies an event of another log as it was sealed, with the time at which that recorded it', () => {
  const event = JSON.parse(JSON.stringify({ ...recorded(), position: 4 }));
  expect(copyOf(event)).toEqual({ ...sealEvent(unsealed), recordedAt: event.recordedAt });
  const moved = { ...event, metadata: { ...event.metadata, recordedAt: 'some time' } };
  expect(copyOf(moved)).toEqual(copyOf(event));
});

describe('sealing a command', () => {
  const texts = fc.string({ unit: 'grapheme' });
  const data = fc.array(fc.dictionary(texts, fc.jsonValue()), { minLength: 1, maxLength: 5 });
  const metadata = fc.record(
    { actor: fc.record({ subject: texts }), reason: texts, key: fc.jsonValue() },
    { requiredKeys: ['actor'] },
  );

  it('gives what sealing its events one by one gives', () => {
    fc.assert(
      fc.property(data, metadata, texts, texts, (all, rest, stream, commandId) => {
        const events = all.map((one, n) => ({ id: `id "${n}"`, type: 'Noted', data: one }));
        const place = { stream, revision: 7, previousHash: 'before' };
        const sealed = sealCommand({ ...place, commandId, events, metadata: rest });
        let { previousHash } = place;
        const singly = events.map((event, index) => {
          const own = { commandId, index, count: events.length, ...rest };
          const at = { stream, revision: 7 + index, previousHash };
          const one = sealEvent({ ...at, ...event, metadata: own });
          previousHash = one.hash;
          return one;
        });
        expect(sealed).toEqual(singly);
        expect(JSON.stringify(sealed)).toBe(JSON.stringify(singly));
      }),
    );
  });

  it('stores what a reader of the log will find where data is no plain JSON', () => {
    const events = [{ id: 'id-0', type: 'Noted', data: { absent: undefined, at: new Date(0) } }];
    const place = { stream: 's', revision: 0, previousHash: '' };
    const [sealed] = sealCommand({ ...place, commandId: 'c', events, metadata: {} });
    expect(sealed?.data).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  it('refuses metadata that is no plain JSON', () => {
    const place = { stream: 's', revision: 0, previousHash: '', commandId: 'c', events: [] };
    expect(() => sealCommand({ ...place, metadata: { at: new Date(0) } })).toThrow('metadata');
  });
});
