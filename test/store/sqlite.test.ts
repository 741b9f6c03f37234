import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { describeStore, type Engine } from './contract.ts';

describeStore('sqlite', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'netalloc-store-'));
  const open = () => openSqliteStore({ directory, clock: () => engine.now });
  let store: Engine['store'];
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
    dispose: async () => {
      await store.close();
      rmSync(directory, { recursive: true });
    },
  };
  store = open();
  return engine;
});
