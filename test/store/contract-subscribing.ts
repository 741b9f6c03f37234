import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';
import { subscribeToStream } from '../../src/store/stream-subscription.ts';
import type { CurrentEngine } from './contract.ts';
import { collect, Listener, refusal, until, Writer } from './writing.ts';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Every event once, in order, from any place on, whoever is slow and whatever is written. */
export function describeSubscribing(engine: CurrentEngine): void {
  describeDelivery(engine);
  describeEnding(engine);
  describeOneStream(engine);
}

/** Appends to several streams at once, so that commits of many sizes follow each other. */
async function writeForAWhile(store: Store, run: string): Promise<void> {
  const writers = Array.from({ length: 8 }, (_, index) => new Writer(store, `${run}-${index}`));
  await Promise.all(
    writers.map(async (writer, index) => {
      for (let round = 0; round < 40; round += 1) {
        const drafts = Array.from({ length: 1 + ((round + index) % 5) }, (_, n) => `${round}/${n}`);
        await writer.append(...drafts);
        if ((round + index) % 7 === 0) await pause(1);
      }
    }),
  );
}

function describeDelivery(engine: CurrentEngine): void {
  describe('a subscription', () => {
    it('gives history and then what is live, without gaps and without repeats', async () => {
      const { store } = engine();
      await writeForAWhile(store, 'a');
      const middle = (await collect(store.readAll(0n)))[300] as RecordedEvent;
      const listeners = [new Listener(store, 0n), new Listener(store, middle.position)];
      const writing = writeForAWhile(store, 'b');
      for (let begun = 0; begun < 10; begun += 1) {
        await pause(2);
        listeners.push(new Listener(store, BigInt(begun * 7)));
        listeners.push(new Listener(store, await store.head()));
      }
      await writing;
      await writeForAWhile(store, 'c');
      const all = await collect(store.readAll(0n));
      for (const listener of listeners) {
        await listener.reached(await store.head());
        const first = all.findIndex(({ position }) => position === listener.events[0]?.position);
        expect(listener.events).toEqual(all.slice(first));
      }
      expect(listeners[0]?.events).toHaveLength(all.length);
      expect(listeners[1]?.events[0]).toEqual(all[301]);
    });

    it('begins after any position, also inside an append', async () => {
      const { store } = engine();
      const writer = new Writer(store, 'a-1');
      await writer.append('1', '2', '3');
      await writer.append('4', '5');
      const all = await collect(store.readAll(0n));
      for (const [index, { position }] of all.slice(0, -1).entries()) {
        const listener = await new Listener(store, position).reached(await store.head());
        expect(listener.events).toEqual(all.slice(index + 1));
      }
      // The same from what was committed while it listened, hence by another way.
      const [, second] = await collect(store.readAll(0n));
      const live = new Listener(store, second?.position ?? 0n);
      await live.reached((await writer.append('6', '7')).position);
      expect(live.events.map(({ id }) => id)).toEqual(['3', '4', '5', '6', '7']);
    });

    it('waits at the head, and above it', async () => {
      const { store } = engine();
      await new Writer(store, 'a-1').append('1');
      const listener = new Listener(store, await store.head());
      const above = (await store.head()) + 1n;
      const beyond = new Listener(store, above);
      await pause(5);
      expect(listener.batches).toEqual([]);
      const { position } = await new Writer(store, 'a-2').append('2', '3');
      await listener.reached(position);
      expect(listener.events.map(({ id }) => id)).toEqual(['2', '3']);
      await beyond.reached(position);
      const behind = listener.events.filter((event) => event.position > above);
      expect(beyond.events).toEqual(behind);
    });

    it('gives no batch before the handler has finished the one before it', async () => {
      const { store } = engine();
      let running = 0;
      let most = 0;
      const work = async () => {
        running += 1;
        most = Math.max(most, running);
        await pause(3);
        running -= 1;
      };
      const slow = new Listener(store, 0n, { work });
      const quick = new Listener(store, 0n);
      await writeForAWhile(store, 'a');
      const all = await collect(store.readAll(0n));
      await quick.reached(await store.head());
      await slow.reached(await store.head());
      expect(most).toBe(1);
      expect(slow.events).toEqual(all);
      expect(quick.events).toEqual(all);
      expect(slow.batches.length).toBeLessThan(quick.batches.length);
    });

    it('catches up from far behind, whatever was written while its handler was busy', async () => {
      const { store } = engine();
      let release = () => {};
      const busy = new Promise<void>((resolve) => {
        release = resolve;
      });
      const listener = new Listener(store, 0n, { work: () => busy });
      const writer = new Writer(store, 'a-1');
      await writer.append('1');
      await until(() => listener.batches.length === 1);
      for (let append = 0; append < 6; append += 1) {
        await writer.append(...Array.from({ length: 2_000 }, (_, index) => `${append}/${index}`));
      }
      release();
      await listener.reached(await store.head());
      const revisions = listener.events.map(({ revision }) => revision);
      expect(revisions).toEqual([...Array(12_001).keys()]);
      const late = await new Listener(store, 0n).reached(await store.head());
      for (const { length } of [...listener.batches, ...late.batches]) {
        expect(length).toBeLessThan(limits.readPageEventsMax + 2_000);
      }
    });

    it('chooses by category, in history and live', async () => {
      const { store } = engine();
      await writeForAWhile(store, 'a');
      await writeForAWhile(store, 'b');
      const listener = new Listener(store, 0n, { categories: ['b', 'c'] });
      const nothing = new Listener(store, 0n, { categories: ['d'] });
      await Promise.all(['a', 'c'].map((run) => writeForAWhile(store, `${run}-more`)));
      const wanted = await collect(store.readAll(0n, ['b', 'c']));
      await listener.reached(wanted.at(-1)?.position ?? 0n);
      expect(listener.events).toEqual(wanted);
      const { position } = await new Writer(store, 'd-1').append('at last');
      await nothing.reached(position);
      expect(nothing.events.map(({ id }) => id)).toEqual(['at last']);
    });

    it('goes on where it was, after the store was closed and opened again', async ({ skip }) => {
      const { store, reopen } = engine();
      if (reopen === undefined) return skip();
      const before = new Listener(store, 0n);
      await writeForAWhile(store, 'a');
      await until(() => before.events.length > 100);
      await before.subscription.stop();
      await writeForAWhile(store, 'b');
      const reopened = await reopen();
      const after = new Listener(reopened, before.events.at(-1)?.position ?? 0n);
      await writeForAWhile(reopened, 'c');
      await after.reached(await reopened.head());
      const all = await collect(reopened.readAll(0n));
      expect([...before.events, ...after.events]).toEqual(all);
    });
  });
}

function describeEnding(engine: CurrentEngine): void {
  describe('a subscription that ends', () => {
    it.each([
      {
        title: 'throws',
        work: () => {
          throw new Error('the view is broken');
        },
      },
      { title: 'rejects', work: () => Promise.reject(new Error('the view is broken')) },
    ])('ends with the fault of a handler that $title, alone', async ({ work }) => {
      const { store } = engine();
      const broken = new Listener(store, 0n, { work });
      // It may end before the append that it is told of is answered.
      const fault = refusal(broken.subscription.done);
      const whole = new Listener(store, 0n);
      const writer = new Writer(store, 'a-1');
      await writer.append('1');
      expect(await fault).toEqual(new Error('the view is broken'));
      await broken.subscription.stop();
      await whole.reached((await writer.append('2')).position);
      expect(broken.events.map(({ id }) => id)).toEqual(['1']);
      expect(whole.events.map(({ id }) => id)).toEqual(['1', '2']);
    });

    it('begins no batch after it was stopped, and waits for the one that runs', async () => {
      const { store } = engine();
      let finished = false;
      const { promise: mayFinish, resolve: finish } = Promise.withResolvers<void>();
      const work = async () => {
        await mayFinish;
        finished = true;
      };
      const listener = new Listener(store, 0n, { work });
      const writer = new Writer(store, 'a-1');
      await writer.append('1');
      await until(() => listener.batches.length === 1);
      await writer.append('2');
      const stopped = listener.subscription.stop();
      expect(finished).toBe(false);
      finish();
      await stopped;
      expect(finished).toBe(true);
      await listener.subscription.done;
      await writer.append('3');
      await pause(5);
      expect(listener.events.map(({ id }) => id)).toEqual(['1']);
    });

    it('is not begun when it is stopped at once', async () => {
      const { store } = engine();
      await new Writer(store, 'a-1').append('1');
      const listener = new Listener(store, 0n);
      await listener.subscription.stop();
      expect(listener.batches).toEqual([]);
    });

    it('ends when the store is closed', async () => {
      const { store } = engine();
      const idle = new Listener(store, 0n);
      const stalled = new Listener(store, 0n, { work: () => pause(30) });
      const { position } = await new Writer(store, 'a-1').append('1');
      await idle.reached(position);
      // Long enough that it waits for more.
      await pause(5);
      await store.close();
      await idle.subscription.done;
      await stalled.subscription.done;
    });
  });
}

function describeOneStream(engine: CurrentEngine): void {
  describe('a subscription to one stream', () => {
    it('gives that stream up to a position, and then what comes after it in the log', async () => {
      const { store } = engine();
      await writeForAWhile(store, 'a');
      const writer = await new Writer(store, 'a-3').resume();
      const upTo = await store.head();
      const [own, both]: [RecordedEvent[], RecordedEvent[]] = [[], []];
      const alone = subscribeToStream(store, { stream: 'a-3', upTo }, (events) => {
        own.push(...events);
      });
      const history = { stream: 'a-3', upTo, afterwards: {} };
      const following = subscribeToStream(store, history, (events) => {
        both.push(...events);
      });
      await Promise.all([writeForAWhile(store, 'b'), writer.append('late', 'later')]);
      const { position } = await writer.append('last');
      await alone.done;
      await until(() => both.some((event) => event.position >= position));
      await following.stop();
      const all = await collect(store.readAll(0n));
      const ofStream = all.filter((event) => event.stream === 'a-3' && event.position <= upTo);
      expect(own).toEqual(ofStream);
      expect(both).toEqual([...ofStream, ...all.filter((event) => event.position > upTo)]);
    });

    it('ends at once where there is no such stream', async () => {
      const { store } = engine();
      await new Writer(store, 'a-1').append('1');
      const upTo = await store.head();
      const nothing = subscribeToStream(store, { stream: 'a-2', upTo }, () => expect.unreachable());
      await nothing.done;
    });
  });
}
