import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import {
  isHalfImported,
  markImportBegun,
  markImportFinished,
} from '../../src/store/import-mark.ts';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { verifyLog } from '../../src/transfer/verify-log.ts';
import { kurrentUrl } from '../store/kurrent-server.ts';
import { collect, Listener, Writer } from '../store/writing.ts';
import { CATEGORIES, exported, imported, importedInto, quiet } from './files.ts';

vi.setConfig({ testTimeout: 60_000 });

const url = await kurrentUrl();
let now = Date.parse('2030-01-01T00:00:00.000Z');
const memory = () => new MemoryStore({ clock: () => new Date(now) });

describe.skipIf(url === undefined)('a log in KurrentDB', () => {
  it('is a copy of another, goes on, and is copied back', async () => {
    const source = memory();
    const writers = ['a', 'b', 'c'].map((name) => new Writer(source, `addressSpace-${name}`));
    for (let round = 0; round < 40; round += 1) {
      now += 60_000;
      for (const writer of writers) await writer.append(randomUUID(), `not a UUID ${round}`);
    }
    const file = await exported(source);
    const prefix = `test${randomUUID().slice(0, 8)}.`;
    const open = () => new KurrentStore({ url: url as string, prefix, categories: CATEGORIES });
    const store = open();
    const begin = () => markImportBegun(store);
    const finish = () => markImportFinished(store);
    const target = { store, begin, finish };
    const cut = file.slice(0, file.length * 0.6);
    await expect(importedInto(cut, target)).rejects.toThrow(/^line/);
    expect(await isHalfImported(store)).toBe(true);
    const { present, added } = await importedInto(file, target);
    expect(present).toBeGreaterThan(0);
    expect(present + added).toBe(240);
    expect(await isHalfImported(store)).toBe(false);
    expect(await importedInto(file, target)).toMatchObject({ present: 240, added: 0 });
    expect(await verifyLog(store, CATEGORIES, quiet())).toEqual(
      await verifyLog(source, CATEGORIES, quiet()),
    );

    // Whoever begins to read anywhere has the source's times, and so has whoever follows.
    const all = await collect(store.readAll(0n));
    const times = (await collect(source.readAll(0n))).map(({ recordedAt }) => recordedAt);
    expect(all.map(({ recordedAt }) => recordedAt)).toEqual(times);
    const middle = all[100]?.position as bigint;
    expect(await collect(store.readAll(middle))).toEqual(all.slice(101));
    const listener = new Listener(store, middle);
    await listener.reached(await store.head());
    expect(listener.events).toEqual(all.slice(101));

    const writer = await new Writer(store, 'addressSpace-a').resume();
    await listener.reached((await writer.append(randomUUID())).position);
    const back = memory();
    await imported(await exported(store), back);
    expect((await collect(back.readAll(0n))).map(({ id }) => id)).toEqual(
      [...all, ...listener.events.slice(-1)].map(({ id }) => id),
    );
    await store.close();
  });
});
