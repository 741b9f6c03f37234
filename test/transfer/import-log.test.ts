import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { openImportTarget } from '../../src/store/import-target.ts';
import { LogCheck } from '../../src/store/log-check.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { openStore, openStoreToRead } from '../../src/store/open-store.ts';
import { type Store, StoreFull, StoreRefused } from '../../src/store/store.ts';
import { ImportRefused } from '../../src/transfer/import-log.ts';
import { InvalidLogFile } from '../../src/transfer/lines.ts';
import { FaultyStore } from '../application/faulty-store.ts';
import { collect, refusal, Writer } from '../store/writing.ts';
import { CATEGORIES, exported, imported, importedInto, temporaryDirectory } from './files.ts';

vi.mock('../../src/limits.ts', async (actual) => {
  const { limits } = await actual<typeof import('../../src/limits.ts')>();
  return { limits: { ...limits, appendRetryDelayMsMax: 1, appendAttemptsMax: 3 } };
});

let nowMs = Date.parse('2030-01-01T00:00:00.000Z');
const clock = () => new Date(nowMs);
const memory = () => new MemoryStore({ clock });
const A = 'addressSpace-project.a';
const B = 'addressSpace-project.b';

/** A log of two streams that take turns, with appends of one to three events. */
async function someLog(rounds = 6): Promise<Store> {
  const store = memory();
  const [a, b] = [new Writer(store, A), new Writer(store, B)];
  for (let round = 0; round < rounds; round += 1) {
    nowMs += 1_000;
    await a.append(`${round}`, { id: `${round}+`, data: { b: 1, a: [round], 10: 'x', 9: 'ü' } });
    await a.append(`${round}++`);
    await b.append(`${round}b`);
  }
  return store;
}

const digestOf = async (store: Store) => {
  const check = new LogCheck();
  for await (const event of store.readAll(0n, CATEGORIES)) check.take(event);
  return check.findings.digest;
};

it('copies a log, and a second run changes nothing', async () => {
  const [source, target] = [await someLog(), memory()];
  const file = await exported(source);
  expect(await imported(file, target)).toMatchObject({ present: 0, added: 24 });
  expect(await digestOf(target)).toBe(await digestOf(source));
  const head = await target.head();
  expect(await imported(file, target)).toMatchObject({ present: 24, added: 0 });
  expect(await target.head()).toBe(head);
  expect(await exported(target)).toBe(file);
});

it('copies an empty log', async () => {
  expect(await imported(await exported(memory()), memory())).toMatchObject({ added: 0 });
});

it('goes on where it was, wherever it was interrupted and whatever it was told', async () => {
  const file = await exported(await someLog());
  const fates = ['lost', 'storedButReportedLost', 'stored', new StoreFull('no room')] as const;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...fates), { maxLength: 20 }), async (script) => {
      const target = memory();
      const faulty = new FaultyStore(target);
      faulty.fates.push(...script);
      for (let run = 0; run < 30; run += 1) {
        const fault = await imported(file, faulty).catch((error: unknown) => error);
        if (!(fault instanceof Error)) break;
        expect(fault.name).toMatch(/^Store(?:Full|Unavailable)$/);
      }
      expect(await exported(target)).toBe(file);
    }),
    { numRuns: 40 },
  );
});

it('goes on with what the source has recorded since', async () => {
  const source = await someLog();
  const target = memory();
  await imported(await exported(source), target);
  await (await new Writer(source, A).resume()).append('later');
  expect(await imported(await exported(source), target)).toMatchObject({ present: 24, added: 1 });
});

it('refuses a log that has something else, and leaves it as it is', async () => {
  const file = await exported(await someLog());
  const other = memory();
  await new Writer(other, A).append('0');
  expect(await refusal(imported(file, other))).toBeInstanceOf(ImportRefused);
  const longer = memory();
  await imported(file, longer);
  await (await new Writer(longer, B).resume()).append('used since');
  const refused = await refusal(imported(file, longer));
  expect(refused).toBeInstanceOf(ImportRefused);
  expect((refused as Error).message).toContain(`revision 6 of ${B}`);
  expect([await other.head(), await longer.head()]).toEqual([1n, 25n]);
});

it('sees that somebody else writes meanwhile', async () => {
  const file = await exported(await someLog());
  const target = memory();
  const faulty = new FaultyStore(target);
  let appends = 0;
  faulty.before = async () => {
    appends += 1;
    if (appends === 3) await (await new Writer(target, B).resume()).append('in between');
  };
  expect(await refusal(imported(file, faulty))).toBeInstanceOf(ImportRefused);
  const lone = memory();
  const last = new FaultyStore(lone);
  last.before = async () => {
    if ((await lone.head()) === 0n) await new Writer(lone, 'addressSpace-x').append('first');
  };
  expect(await refusal(imported(file, last))).toBeInstanceOf(ImportRefused);
});

it('takes no file that is not as it was written, and names the line', async () => {
  const lines = (await exported(await someLog(2))).split('\n');
  const file = (change: (lines: string[]) => void) => {
    const changed = [...lines];
    change(changed);
    return changed.join('\n');
  };
  const cases: [string, RegExp][] = [
    ['', /line 1 does not begin a netalloc-log file/],
    [file((all) => all.shift()), /line 1 does not begin/],
    [
      file((all) => all.splice(0, 1, '{"format":"netalloc-log","version":2,"head":"1"}')),
      /is of version 2/,
    ],
    [file((all) => all.splice(-2)), /line 9 is the last one, but the file is not whole/],
    [file((all) => all.splice(4, 1)), /line 8 .*has revision -1/],
    [file((all) => all.splice(-3, 1)), /line 9 counts 8 events, but not the 7/],
    [file((all) => all.splice(3, 1, '')), /line 4 is no JSON/],
    [file((all) => all.splice(3, 1, '[]')), /line 4 is no event/],
    [file((all) => all.push('{}')), /line 11 comes after the end/],
    [
      file((all) => all.splice(3, 1, all[3]?.replace('addressSpace', 'other') as string)),
      /line 4 .*other/,
    ],
    [
      file((all) => all.splice(2, 1, all[2]?.replace('"a":[0]', '"a":[1]') as string)),
      /line 3 .*revision 1.*content/,
    ],
    [
      file((all) => all.splice(2, 1, all[2]?.replace(/"hash":"./, '"hash":"g') as string)),
      /line 3 .*hash/,
    ],
    [file((all) => all.splice(2, 1, 'x'.repeat(3_000_000))), /line 3 is longer than/],
  ];
  for (const [text, message] of cases) {
    const target = memory();
    const refused = await refusal(imported(text, target));
    expect(refused).toBeInstanceOf(InvalidLogFile);
    expect((refused as Error).message).toMatch(message);
  }
});

it('takes in what is before the damage only, and goes on when it has a whole file', async () => {
  const file = await exported(await someLog());
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), async (share) => {
      const target = memory();
      const cut = file.slice(0, Math.floor(share * (file.length - 1)));
      expect(await refusal(imported(cut, target))).toBeInstanceOf(InvalidLogFile);
      await imported(file, target);
      expect(await exported(target)).toBe(file);
    }),
    { numRuns: 50 },
  );
});

it('shows nobody a log in sqlite that is not whole', async () => {
  const source = await someLog();
  const file = await exported(source);
  const directory = temporaryDirectory();
  const options = { directory, clock, categories: CATEGORIES };
  const cut = file.slice(0, file.length / 2);
  const target = await openImportTarget('sqlite', options, await source.head());
  expect(await refusal(importedInto(cut, target))).toBeInstanceOf(InvalidLogFile);
  await target.store.close();
  for (const open of [openStore, openStoreToRead]) {
    const refused = await refusal(open('sqlite', options));
    expect(refused).toBeInstanceOf(StoreRefused);
    expect((refused as Error).message).toContain('import was not finished');
  }
  const again = await openImportTarget('sqlite', options, await source.head());
  const { present, added } = await importedInto(file, again);
  expect(present).toBeGreaterThan(0);
  expect(present + added).toBe(24);
  await again.store.close();
  const opened = await openStore('sqlite', options);
  expect(await digestOf(opened)).toBe(await digestOf(source));
  // No position of the source, which clients may still know, is one of the copy.
  const [first] = await collect(opened.readAll(0n));
  expect(first?.position).toBeGreaterThan(await source.head());
  expect(opened.lostPositions).toHaveLength(1);
  await opened.close();
});

it('makes no copy in memory', async () => {
  const options = { directory: temporaryDirectory(), clock, categories: CATEGORIES };
  expect(await refusal(openImportTarget('memory', options, 0n))).toBeInstanceOf(StoreRefused);
  expect(await refusal(openStoreToRead('memory', options))).toBeInstanceOf(StoreRefused);
});
