import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { RecordedEvent } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import { ChunkedStore } from './chunked-store.ts';
import { commands, Driver, leasedPlan } from './driver.ts';
import { CLAIM, dump, follow, NIC } from './fixture.ts';
import { live, randomFrom, steps } from './history.ts';

const root = mkdtempSync(join(tmpdir(), 'netalloc-views-'));
let directories = 0;
let driver: Driver;
let events: RecordedEvent[];

beforeAll(async () => {
  driver = await Driver.begin((clock) => new MemoryStore({ clock }), leasedPlan('1m'));
  await live(driver, steps(randomFrom(7), 600));
  events = [];
  for await (const event of driver.store.readAll(0n)) events.push(event);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function newDirectory(): string {
  directories += 1;
  return mkdtempSync(join(root, `${directories}-`));
}

const quiet = { info: () => {}, warn: () => {} };

/** Lets views in a directory follow a log up to a position, and closes them there. */
async function followTo(directory: string, size: number, end: bigint): Promise<bigint> {
  const store = new ChunkedStore(driver.store, size, end);
  const views = await openViews({ store, directory, clock: driver.clock, log: quiet });
  await views.reached(lastEndBefore(end));
  const { position } = views;
  await views.close();
  return position;
}

/** The end of the last command that is complete at a position. */
function lastEndBefore(position: bigint): bigint {
  const ends = events.filter(({ metadata }) => metadata.index === Number(metadata.count) - 1);
  return ends.findLast((event) => event.position <= position)?.position ?? 0n;
}

const rows = (directory: string) => dump(join(directory, 'views.sqlite'));

describe('the same log gives the same rows', () => {
  let whole: Record<string, unknown[]>;

  beforeAll(async () => {
    const directory = newDirectory();
    await followTo(directory, events.length, driver.head);
    whole = rows(directory);
    for (const table of ['claims', 'claims_past', 'interfaces_past', 'holdings_past', 'ip_pools']) {
      expect(whole[table]?.length, table).toBeGreaterThan(3);
    }
  });

  it.each([1, 7])('in batches of %i', async (size) => {
    const directory = newDirectory();
    await followTo(directory, size, driver.head);
    expect(rows(directory)).toEqual(whole);
  });

  it('with restarts anywhere in between, also amid a command', { timeout: 120_000 }, async () => {
    const directory = newDirectory();
    const random = randomFrom(11);
    let end = 0n;
    while (end < driver.head) {
      end += BigInt(1 + Math.floor(random() * 60));
      if (end > driver.head) end = driver.head;
      expect(await followTo(directory, 13, end)).toBe(lastEndBefore(end));
    }
    expect(rows(directory)).toEqual(whole);
  });

  it('as the ledger wrote it, command by command', async () => {
    const directory = newDirectory();
    const twin = await Driver.begin((clock) => new MemoryStore({ clock }), leasedPlan('1m'));
    const views = await follow(twin.store, twin.clock, directory);
    await live(twin, steps(randomFrom(7), 600));
    await views.reached(await twin.store.head());
    await views.close();
    expect(rows(directory)).toEqual(whole);
  });
});

it('shows nothing of a command that is not complete, and keeps its checkpoint before it', async () => {
  const log = await Driver.begin((clock) => new MemoryStore({ clock }), leasedPlan('1m'));
  await log.project('alpha', commands.createNamespace);
  await log.project('alpha', commands.createNetwork());
  const before = log.head;
  await log.project('alpha', commands.claim('web-0'));
  const store = new ChunkedStore(log.store, 1, log.head - 1n);
  const seen: bigint[] = [];
  const directory = newDirectory();
  const views = await openViews({ store, directory, clock: log.clock, log: quiet });
  views.onApplied((applied) => seen.push(applied.at(-1)?.position ?? 0n));
  // The join at the location is a command of its own, before the claim's.
  await views.reached(before + 1n);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(views.position).toBe(before + 1n);
  expect(seen.at(-1)).toBe(before + 1n);
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeUndefined();
  expect(views.list('IPPool', { limit: 100 }).items.map(({ name }) => name)).not.toContain(
    'tenant-subnet-ipv6.alpha.net.here',
  );
  await views.close();
  const after = await follow(log.store, log.clock, directory);
  await after.ready;
  expect(after.get(CLAIM, 'alpha', 'web-0')?.object.status?.addresses).toHaveLength(2);
  expect(after.get(NIC, 'alpha', 'web-0')).toBeDefined();
});

it('ends with a fault at an event that it does not know, with whole batches before it', async () => {
  const directory = newDirectory();
  const poisoned = new ChunkedStore(driver.store, 25, driver.head);
  const readAll = poisoned.readAll.bind(poisoned);
  poisoned.readAll = async function* (after) {
    for await (const event of readAll(after)) {
      yield event.position === 110n ? { ...event, type: 'SomethingNew' } : event;
    }
  };
  const views = await follow(poisoned, driver.clock, directory);
  await expect(views.ready).rejects.toThrow('SomethingNew');
  expect((await views.fault).message).toContain('was written by a newer netalloc');
  await expect(views.reached(driver.head)).rejects.toThrow('SomethingNew');
  const { position } = views;
  expect(position).toBe(lastEndBefore(100n));
  expect(views.list('IPClass', { limit: 1 }).items).toHaveLength(1);
  await views.close();
  const clean = newDirectory();
  await followTo(clean, 1_000, position);
  expect(rows(directory)).toEqual(rows(clean));
});
