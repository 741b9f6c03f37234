import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { describeStore, type Engine } from './contract.ts';
import { Writer } from './writing.ts';

describeStore('memory', async () => {
  const engine: Engine = {
    now: new Date('2030-01-01T00:00:00.000Z'),
    store: new MemoryStore({ clock: () => engine.now }),
    dispose: () => engine.store.close(),
  };
  return engine;
});

it('freezes events, so that whoever changes what others read is found out', async () => {
  const store = new MemoryStore({ clock: () => new Date(0) });
  const data = { list: [{ deep: 1 }] };
  await new Writer(store, 'a-1').append({ id: 'x', data });
  expect(Object.isFrozen(data.list[0])).toBe(true);
  for await (const { data: read, metadata } of store.readAll(0n)) {
    expect(Object.isFrozen((read as typeof data).list[0])).toBe(true);
    expect(Object.isFrozen(metadata)).toBe(true);
  }
});
