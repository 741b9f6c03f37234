import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { describeStore, type Engine } from './contract.ts';

describeStore('memory', async () => {
  const engine: Engine = {
    now: new Date('2030-01-01T00:00:00.000Z'),
    store: new MemoryStore({ clock: () => engine.now }),
    dispose: () => engine.store.close(),
  };
  return engine;
});
