import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { NO_STREAM, StoreUnavailable, WrongExpectedRevision } from '../../src/store/store.ts';
import type { CurrentEngine } from './contract.ts';
import { collect, ids, refusal, seal, Writer } from './writing.ts';

/** Expected revisions, idempotency, all or nothing, and what is refused. */
export function describeAppending(engine: CurrentEngine): void {
  describeExpectedRevisions(engine);
  describeIdempotency(engine);
  describeManyAppends(engine);
  describeRefusals(engine);
  describeClosing(engine);
}

function describeExpectedRevisions(engine: CurrentEngine): void {
  describe('expected revisions', () => {
    it('begins a stream that does not exist', async () => {
      const { store } = engine();
      const appended = await store.append('a-1', NO_STREAM, seal('a-1', NO_STREAM, ['x', 'y']));
      expect(appended.revision).toBe(1);
      expect(await store.head()).toBe(appended.position);
      const [x, y] = await collect(store.readStream('a-1', 0));
      expect([x?.id, y?.id]).toEqual(['x', 'y']);
      expect(appended.position).toBe(y?.position);
      expect(appended.position).toBeGreaterThan(x?.position ?? 0n);
    });

    it('goes on at the revision that is expected', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      const first = await writer.append('x');
      const second = await writer.append('y', 'z');
      expect(second.revision).toBe(2);
      const [, y] = await collect(store.readStream('a-1', 0));
      expect(y?.position).toBeGreaterThan(first.position);
    });

    it.each([
      { there: 1, expected: -1, actual: 0 },
      { there: 3, expected: 0, actual: 2 },
      { there: 3, expected: 1, actual: 2 },
      { there: 3, expected: 3, actual: 2 },
      { there: 3, expected: 9, actual: 2 },
      { there: 0, expected: 0, actual: -1 },
      { there: 0, expected: 5, actual: -1 },
    ])('refuses $expected where the stream is at $actual', async ({ there, expected, actual }) => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      for (let count = 0; count < there; count += 1) await writer.append(`there-${count}`);
      const before = await store.head();
      const fault = await refusal(store.append('a-1', expected, seal('a-1', expected, ['x'])));
      expect(fault).toBeInstanceOf(WrongExpectedRevision);
      expect(fault).toMatchObject({ stream: 'a-1', expected, actual });
      expect((fault as Error).message).toMatch(
        new RegExp(`a-1.*expected revision ${expected}, actual revision ${actual}`),
      );
      expect(await store.head()).toBe(before);
    });

    it('lets one of fifty parallel first appends win', async () => {
      const { store } = engine();
      const answers = await Promise.allSettled(
        Array.from({ length: 50 }, (_, index) =>
          store.append('a-1', NO_STREAM, seal('a-1', NO_STREAM, [`first-${index}`])),
        ),
      );
      const refused = answers.filter((answer) => answer.status === 'rejected');
      expect(refused).toHaveLength(49);
      for (const { reason } of refused) expect(reason).toBeInstanceOf(WrongExpectedRevision);
      expect(await collect(store.readStream('a-1', 0))).toHaveLength(1);
    });

    it('lets appends of one turn to one stream see each other', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      const answers = await Promise.all([writer.append('x'), writer.append('y', 'z')]);
      expect(answers.map(({ revision }) => revision)).toEqual([0, 2]);
      expect(await ids(store.readAll(0n))).toEqual(['x', 'y', 'z']);
    });

    it('refuses one append of a turn alone', async () => {
      const { store } = engine();
      const answers = await Promise.allSettled([
        new Writer(store, 'a-1').append('x'),
        store.append('a-2', 7, seal('a-2', 7, ['wrong'])),
        new Writer(store, 'a-3').append('y'),
      ]);
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await ids(store.readAll(0n))).toSorted()).toEqual(['x', 'y']);
    });
  });
}

function describeIdempotency(engine: CurrentEngine): void {
  describe('the identical append again', () => {
    it('gives the original numbers, also when the stream has gone on', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      await writer.append('before');
      const events = writer.seal('x', 'y', 'z');
      const original = await store.append('a-1', 0, events);
      engine().now = new Date(engine().now.getTime() + 5_000);
      expect(await store.append('a-1', 0, events)).toEqual(original);
      await store.append('a-1', 3, seal('a-1', 3, ['after'], events[2]?.hash));
      expect(await store.append('a-1', 0, events)).toEqual(original);
      expect(await ids(store.readAll(0n))).toEqual(['before', 'x', 'y', 'z', 'after']);
    });

    it('gives the original numbers after the store was opened again', async ({ skip }) => {
      const { store, reopen } = engine();
      if (reopen === undefined) return skip();
      const events = seal('a-1', NO_STREAM, ['x', 'y']);
      const original = await store.append('a-1', NO_STREAM, events);
      const reopened = await reopen();
      expect(await reopened.append('a-1', NO_STREAM, events)).toEqual(original);
      expect(await ids(reopened.readAll(0n))).toEqual(['x', 'y']);
    });

    it('is recognised in the same turn', async () => {
      const { store } = engine();
      const events = seal('a-1', NO_STREAM, ['x', 'y']);
      const [original, again] = await Promise.all([
        store.append('a-1', NO_STREAM, events),
        store.append('a-1', NO_STREAM, events),
      ]);
      expect(again).toEqual(original);
      expect(await ids(store.readAll(0n))).toEqual(['x', 'y']);
    });

    it('is recognised where its events came with several appends, or with more', async () => {
      const { store } = engine();
      const [x, y, z] = seal('a-1', NO_STREAM, ['x', 'y', 'z']);
      if (!x || !y || !z) throw new Error('there are three');
      await store.append('a-1', NO_STREAM, [x]);
      const { position } = await store.append('a-1', 0, [y, z]);
      const [, second] = await collect(store.readStream('a-1', 0));
      const again = await store.append('a-1', NO_STREAM, [x, y]);
      expect(again).toEqual({ revision: 1, position: second?.position });
      expect(await store.append('a-1', 1, [z])).toEqual({ revision: 2, position });
    });

    it.each([
      { title: 'another event among them', again: ['x', 'other'] },
      { title: 'another event first', again: ['other', 'y'] },
      { title: 'more than there is', again: ['x', 'y', 'z'] },
      { title: 'another order', again: ['y', 'x'] },
      { title: 'nothing in common', again: ['other'] },
    ])('is a conflict with $title', async ({ again }) => {
      const { store } = engine();
      await new Writer(store, 'a-1').append('x', 'y');
      const fault = await refusal(store.append('a-1', NO_STREAM, seal('a-1', NO_STREAM, again)));
      expect(fault).toBeInstanceOf(WrongExpectedRevision);
      expect(fault).toMatchObject({ expected: NO_STREAM, actual: 1 });
      expect(await ids(store.readAll(0n))).toEqual(['x', 'y']);
    });

    it('is stored again where the expected revision is the next one', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      await writer.append('x');
      await writer.append('x');
      expect(await ids(store.readStream('a-1', 0))).toEqual(['x', 'x']);
    });
  });
}

function describeManyAppends(engine: CurrentEngine): void {
  describe('many appends', () => {
    it('keeps each stream whole and the events of an append together', async () => {
      const { store } = engine();
      const writers = Array.from({ length: 100 }, (_, index) => new Writer(store, `a-${index}`));
      await Promise.all(
        writers.flatMap((writer) =>
          Array.from({ length: 20 }, (_, round) =>
            writer.append(`${writer.stream}/${round}/0`, `${writer.stream}/${round}/1`),
          ),
        ),
      );
      const all = await collect(store.readAll(0n));
      expect(all).toHaveLength(4_000);
      for (let index = 0; index < all.length; index += 2) {
        const [first, second] = [all[index], all[index + 1]];
        expect(second?.id).toBe(first?.id.replace(/0$/, '1'));
      }
      for (const { stream } of writers) {
        const revisions = all.filter((event) => event.stream === stream);
        expect(revisions.map(({ revision }) => revision)).toEqual([...Array(40).keys()]);
      }
    });

    it('stores a multi-event append wholly or not at all', async () => {
      const { store } = engine();
      await new Writer(store, 'a-1').append('x');
      await refusal(store.append('a-1', NO_STREAM, seal('a-1', NO_STREAM, ['y', 'z'])));
      expect(await ids(store.readAll(0n))).toEqual(['x']);
    });

    it('refuses what the queue has no room for, and keeps what it has accepted', async () => {
      const { store } = engine();
      const appends = Array.from({ length: limits.storeQueueAppendsMax + 10 }, (_, index) =>
        new Writer(store, `a-${index}`).append('x'),
      );
      const answers = await Promise.allSettled(appends);
      const refused = answers.filter((answer) => answer.status === 'rejected');
      expect(refused).toHaveLength(10);
      for (const { reason } of refused) expect(reason).toBeInstanceOf(StoreUnavailable);
      expect(await collect(store.readAll(0n))).toHaveLength(limits.storeQueueAppendsMax);
    });
  });
}

function describeRefusals(engine: CurrentEngine): void {
  const large = { id: 'x', data: { text: 'x'.repeat(limits.appendBytesMax) } };
  const many = Array.from({ length: limits.appendEventsMax + 1 }, (_, index) => `x-${index}`);
  const unchained = [...seal('a-1', -1, ['x']), ...seal('a-1', 0, ['y'], 'not the hash of x')];

  describe('an append that no program may make', () => {
    it.each([
      { title: 'no events', stream: 'a-1', expected: -1, events: [] },
      { title: 'too many events', stream: 'a-1', expected: -1, events: seal('a-1', -1, many) },
      { title: 'too many bytes', stream: 'a-1', expected: -1, events: seal('a-1', -1, [large]) },
      { title: 'no stream', stream: '', expected: -1, events: seal('', -1, ['x']) },
      { title: 'an odd name', stream: 'a 1', expected: -1, events: seal('a 1', -1, ['x']) },
      { title: 'a long name', stream: 'a'.repeat(513), expected: -1, events: seal('a', -1, ['x']) },
      { title: 'no revision', stream: 'a-1', expected: -2, events: seal('a-1', -2, ['x']) },
      { title: 'half a revision', stream: 'a-1', expected: 0.5, events: seal('a-1', 0.5, ['x']) },
      { title: 'another seal', stream: 'a-1', expected: -1, events: seal('a-1', 0, ['x']) },
      { title: "another's seal", stream: 'a-1', expected: -1, events: seal('a-2', -1, ['x']) },
      { title: 'a broken chain', stream: 'a-1', expected: -1, events: unchained },
    ])('is refused for $title', async ({ stream, expected, events }) => {
      const { store } = engine();
      expect(await refusal(store.append(stream, expected, events))).toBeInstanceOf(RangeError);
      expect(await store.head()).toBe(0n);
    });

    it('takes an append of exactly the size that is allowed', async () => {
      const { store } = engine();
      const spare = seal('a-1', -1, [{ id: 'x', data: { text: '' } }])[0]?.body.length ?? 0;
      const data = { text: 'x'.repeat(limits.appendBytesMax - spare) };
      await store.append('a-1', -1, seal('a-1', -1, [{ id: 'x', data }]));
      const [event] = await collect(store.readAll(0n));
      expect(event?.data).toEqual(data);
    });
  });
}

function describeClosing(engine: CurrentEngine): void {
  describe('closing', () => {
    it('finishes what was accepted, then refuses everything', async ({ skip }) => {
      const { store, reopen } = engine();
      const accepted = new Writer(store, 'a-1').append('x');
      const closing = store.close();
      const refused = refusal(new Writer(store, 'a-2').append('late'));
      expect(await refused).toBeInstanceOf(StoreUnavailable);
      await closing;
      expect((await accepted).revision).toBe(0);
      expect(await refusal(store.head())).toBeInstanceOf(StoreUnavailable);
      expect(await refusal(collect(store.readAll(0n)))).toBeInstanceOf(StoreUnavailable);
      expect(await refusal(collect(store.readStream('a-1', 0)))).toBeInstanceOf(StoreUnavailable);
      expect(() => store.subscribe(0n, () => {})).toThrow(StoreUnavailable);
      await store.close();
      if (reopen === undefined) return skip();
      expect(await ids((await reopen()).readAll(0n))).toEqual(['x']);
    });
  });
}
