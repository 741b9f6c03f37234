import { describe, expect, it } from 'vitest';
import { verifyEvent } from '../../src/store/hash-chain.ts';
import type { EventToAppend, RecordedEvent } from '../../src/store/store.ts';
import type { CurrentEngine } from './contract.ts';
import { collect, ids, Listener, seal, Writer } from './writing.ts';

/** Order, where reading begins, categories, and that what was written is what is read. */
export function describeReading(engine: CurrentEngine): void {
  describeOrder(engine);
  describeContent(engine);
}

function describeOrder(engine: CurrentEngine): void {
  describe('reading', () => {
    it('finds nothing in an empty store', async () => {
      const { store } = engine();
      expect(await store.head()).toBe(0n);
      expect(await ids(store.readAll(0n))).toEqual([]);
      expect(await ids(store.readStream('a-1', 0))).toEqual([]);
      expect(store.lostPositions).toEqual([]);
    });

    it('gives the log in the order of the appends, positions ever rising', async () => {
      const { store } = engine();
      const [first, second] = [new Writer(store, 'a-1'), new Writer(store, 'b-1')];
      await first.append('1');
      await second.append('2', '3');
      await first.append('4');
      await second.append('5');
      const all = await collect(store.readAll(0n));
      expect(all.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
      for (const [index, event] of all.entries()) {
        expect(event.position).toBeGreaterThan(all[index - 1]?.position ?? 0n);
      }
      expect(await store.head()).toBe(all.at(-1)?.position);
    });

    it('begins at any position and at any revision, also inside an append', async () => {
      const { store } = engine();
      const [first, second] = [new Writer(store, 'a-1'), new Writer(store, 'b-1')];
      await first.append('1', '2', '3');
      await second.append('4', '5');
      await first.append('6', '7');
      const all = await collect(store.readAll(0n));
      for (const [index, { position }] of all.entries()) {
        expect(await collect(store.readAll(position))).toEqual(all.slice(index + 1));
      }
      const stream = all.filter((event) => event.stream === 'a-1');
      for (const { revision } of stream) {
        expect(await collect(store.readStream('a-1', revision))).toEqual(stream.slice(revision));
      }
      expect(await ids(store.readStream('a-1', 5))).toEqual([]);
      expect(await ids(store.readStream('a-', 0))).toEqual([]);
      expect(await ids(store.readAll(2n ** 63n - 1n))).toEqual([]);
    });

    it('reads more than fits one page, from anywhere in it', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      for (let append = 0; append < 3; append += 1) {
        const drafts = Array.from({ length: 1_500 }, (_, index) => `${append}/${index}`);
        await writer.append(...drafts);
        await new Writer(store, `b-${append}`).append('between');
      }
      const all = await collect(store.readAll(0n));
      expect(all).toHaveLength(4_503);
      const stream = all.filter((event) => event.stream === 'a-1');
      expect(stream.map(({ revision }) => revision)).toEqual([...Array(4_500).keys()]);
      for (const from of [0, 999, 1_000, 1_499, 1_500, 3_001]) {
        expect(await collect(store.readStream('a-1', from))).toEqual(stream.slice(from));
        const { position } = all[from] as RecordedEvent;
        expect(await collect(store.readAll(position))).toEqual(all.slice(from + 1));
      }
    });

    it('reads up to the head at the first read, however many are written meanwhile', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      for (let append = 0; append < 30; append += 1) {
        await writer.append(...Array.from({ length: 50 }, (_, index) => `${append}/${index}`));
      }
      const head = await store.head();
      let last = 0n;
      for await (const { position } of store.readAll(0n)) {
        last = position;
        if (position % 100n === 0n) await writer.append(`after ${position}`);
      }
      expect(last).toBe(head);
    });

    it('chooses by category, the name before the first "-"', async () => {
      const { store } = engine();
      for (const stream of ['a-1', 'b-1', 'a-2-b', 'ab-1', 'a', 'b-a']) {
        await new Writer(store, stream).append(`in ${stream}`);
      }
      const chosen = (categories: string[]) => ids(store.readAll(0n, categories));
      expect(await chosen(['a'])).toEqual(['in a-1', 'in a-2-b', 'in a']);
      expect(await chosen(['ab', 'b'])).toEqual(['in b-1', 'in ab-1', 'in b-a']);
      expect(await chosen(['c'])).toEqual([]);
    });
  });
}

function describeContent(engine: CurrentEngine): void {
  describe('what is read', () => {
    it('is what was written, with its place and the time of the store', async () => {
      const { store } = engine();
      engine().now = new Date('2030-01-02T03:04:05.678Z');
      const writer = new Writer(store, 'a-1');
      const data = { text: 'grüße "\\\n\u2028 \u{1f600} \ud800', list: [1, 0.1, null, true, {}] };
      const [sealed] = writer.seal({
        id: 'x',
        type: 'Greeted',
        data,
        metadata: { commandId: 'c' },
      });
      const appended = await writer.append({
        id: 'x',
        type: 'Greeted',
        data,
        metadata: { commandId: 'c' },
      });
      const [event] = await collect(store.readAll(0n));
      expect(event).toEqual({
        stream: 'a-1',
        revision: 0,
        position: appended.position,
        id: 'x',
        type: 'Greeted',
        data,
        metadata: { commandId: 'c', previousHash: '', hash: sealed?.hash },
        recordedAt: '2030-01-02T03:04:05.678Z',
      });
    });

    it('proves itself, event by event', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      await writer.append('1', '2');
      await writer.append('3');
      let previousHash = '';
      for (const event of await collect(store.readStream('a-1', 0))) {
        expect(verifyEvent(event, previousHash)).toBeUndefined();
        previousHash = event.metadata.hash;
      }
    });

    it('was never recorded earlier than what is before it, whatever the clock does', async () => {
      const { store, reopen } = engine();
      const times = ['2030-01-01T00:00:10.000Z', '2030-01-01T00:00:05.000Z'];
      for (const time of times) {
        engine().now = new Date(time);
        await new Writer(store, `a-${time}`).append('x');
      }
      const opened = (await reopen?.()) ?? store;
      await new Writer(opened, 'a-3').append('x');
      engine().now = new Date('2030-01-01T00:00:11.000Z');
      await new Writer(opened, 'a-4').append('x');
      const recorded = (await collect(opened.readAll(0n))).map(({ recordedAt }) => recordedAt);
      expect(recorded).toEqual([
        '2030-01-01T00:00:10.000Z',
        '2030-01-01T00:00:10.000Z',
        '2030-01-01T00:00:10.000Z',
        '2030-01-01T00:00:11.000Z',
      ]);
    });

    it('was recorded when another log has recorded it, where it is a copy', async () => {
      const { store, reopen } = engine();
      engine().now = new Date('2030-01-01T00:00:10.000Z');
      const [early, late] = ['2029-01-01T00:00:00.000Z', '2029-01-01T00:00:01.000Z'];
      const listener = new Listener(store, 0n);
      const copies = (events: EventToAppend[], ...times: (string | undefined)[]) =>
        events.map((event, index) => ({ recordedAt: times[index], ...event }));
      const first = seal('a-1', -1, ['1', '2', '3']);
      await store.append('a-1', -1, copies(first, early, early, late));
      const appended = await store.append('a-2', -1, copies(seal('a-2', -1, ['4']), early));
      const writer = await new Writer(store, 'a-1').resume();
      const last = await writer.append('5');
      expect(appended.position).toBeLessThan(last.position);
      await listener.reached(last.position);
      const opened = (await reopen?.()) ?? store;
      const all = await collect(opened.readAll(0n));
      expect(all.map(({ recordedAt }) => recordedAt)).toEqual([
        ...[early, early, late, late],
        '2030-01-01T00:00:10.000Z',
      ]);
      const places = all.map(({ id, revision }) => `${id}@${revision}`);
      expect(places).toEqual(['1@0', '2@1', '3@2', '4@0', '5@3']);
      expect(listener.events).toEqual(all);
      for (const [index, { position }] of all.entries()) {
        expect(await collect(opened.readAll(position))).toEqual(all.slice(index + 1));
      }
    });

    it.each([
      { none: undefined },
      { date: new Date(0) },
      { zero: -0 },
      { not: Number.NaN },
      { list: [undefined] },
      { map: new Map([[1, 2]]) },
      { deep: { own: { toJSON: () => 'text' } } },
    ])('is the same live and later, also where %o was not plain JSON', async (data) => {
      const { store } = engine();
      const listener = new Listener(store, 0n);
      const appended = await new Writer(store, 'a-1').append({ id: 'x', data, metadata: data });
      await listener.reached(appended.position);
      const later = await collect(store.readAll(0n));
      expect(listener.events).toStrictEqual(later);
      expect(later[0]?.data).toStrictEqual(JSON.parse(JSON.stringify(data)));
      expect(later[0]?.metadata).toMatchObject(JSON.parse(JSON.stringify(data)));
    });
  });
}
