import { randomUUID } from 'node:crypto';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import type { EventToAppend, Store } from '../../src/store/store.ts';
import type { Engine } from './contract.ts';

/** A log of its own in a server that other tests use as well. */
export async function beginKurrent(url: string): Promise<Engine> {
  const prefix = `test${randomUUID().slice(0, 8)}.`;
  const open = () => withClock(new KurrentStore({ url, prefix }), () => engine.now);
  let store: Store;
  const engine: Engine = {
    now: new Date('2030-01-01T00:00:00.000Z'),
    get store() {
      return store;
    },
    reopen: async () => {
      await store.close();
      store = open();
      return store;
    },
    dispose: () => store.close(),
  };
  store = open();
  // Looks once through what other tests have left in the server.
  await store.head();
  return engine;
}

/**
 * The server has a clock of its own, which no test can set: here each event brings its recorded
 * time with it, as those do that are copied from another log.
 */
function withClock(store: KurrentStore, clock: () => Date): Store {
  const timed = (event: EventToAppend): EventToAppend => {
    return { recordedAt: clock().toISOString(), ...event };
  };
  return {
    lostPositions: store.lostPositions,
    append: (stream, expected, events) => store.append(stream, expected, events.map(timed)),
    readStream: (stream, fromRevision) => store.readStream(stream, fromRevision),
    readAll: (after, categories) => store.readAll(after, categories),
    subscribe: (after, handler, options) => store.subscribe(after, handler, options),
    head: () => store.head(),
    close: () => store.close(),
  };
}
