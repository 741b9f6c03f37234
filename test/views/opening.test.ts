import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { startNextEpoch } from '../../src/store/sqlite/epochs.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { FollowingViews } from '../../src/views/following-views.ts';
import { type KubeObject, ViewsBehind } from '../../src/views/views.ts';
import { ViewsFile } from '../../src/views/views-file.ts';
import { ChunkedStore } from './chunked-store.ts';
import { commands, Driver } from './driver.ts';
import { CLAIM, dump, follow } from './fixture.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'netalloc-views-'));
  path = join(directory, 'views.sqlite');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
});

const inMemory = (clock: () => Date) => new MemoryStore({ clock });

async function claimed(name: string, makeStore: (clock: () => Date) => Store = inMemory) {
  const driver = await Driver.begin(makeStore);
  await driver.project('alpha', commands.createNamespace);
  await driver.project('alpha', commands.createNetwork());
  await driver.project('alpha', commands.claim(name));
  return driver;
}

/** Follows a log to its end, says whether the views were built anew, and gives their rows. */
async function reopened(driver: Driver, store: Store = driver.store) {
  let anew = false;
  const note = () => {
    anew = true;
  };
  const views = await follow(store, driver.clock, directory, { log: { info: note, warn: note } });
  const { position } = views;
  await views.ready;
  const claims = views.list(CLAIM, { limit: 10 }).items.map(({ name }) => name);
  await views.close();
  return { anew, position, claims, rows: dump(path) };
}

it('goes on from where it was', async () => {
  const driver = await claimed('web-0');
  const first = await reopened(driver);
  expect(first).toMatchObject({ anew: false, position: 0n, claims: ['web-0'] });
  expect(await reopened(driver)).toEqual({ ...first, position: driver.head });
});

it('tells after a restart what was decided before, as it told it then', async () => {
  const driver = await claimed('web-0');
  const told = async () => {
    const views = await follow(driver.store, driver.clock, directory);
    await views.ready;
    const events = views.list('Event', { limit: 10 }).items.map(({ object }) => object);
    await views.close();
    return events;
  };
  const first = await told();
  expect(first).toMatchObject([{ reason: 'Bound', involvedObject: { name: 'web-0' } }]);
  expect(await told()).toEqual(first);
});

it.each<[string, () => void]>([
  ['is no database', () => writeFileSync(path, 'not a database')],
  ['is cut short', () => truncateSync(path, 50_000)],
  ['has lost a page', () => overwrite(Buffer.alloc(8_192), 3 * 8_192)],
  ['is of other tables', () => change("UPDATE checkpoint SET schema = 'another'")],
  ['lacks a table', () => change('DROP TABLE checkpoint')],
])('builds the views anew from a file that %s', async (_, damage) => {
  const driver = await claimed('web-0');
  const whole = await reopened(driver);
  damage();
  expect(await reopened(driver)).toEqual({ ...whole, anew: true });
});

function change(sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function overwrite(bytes: Buffer, at: number): void {
  const content = readFileSync(path);
  bytes.copy(content, at);
  writeFileSync(path, content);
}

it('builds the views anew for another log, also one with the same positions', async () => {
  await reopened(await claimed('web-0'));
  const other = await Driver.begin(inMemory);
  await other.project('beta', commands.createNamespace);
  await other.project('beta', commands.createNetwork());
  await other.project('beta', commands.claim('web-1'));
  expect(await reopened(other)).toMatchObject({ anew: true, claims: ['web-1'] });
});

it('builds the views anew when they are ahead of the log', async () => {
  const driver = await claimed('web-0');
  const before = driver.head;
  await driver.project('alpha', commands.claim('web-1'));
  expect(await reopened(driver)).toMatchObject({ claims: ['web-0', 'web-1'] });
  const shorter = new ChunkedStore(driver.store, 100, before);
  expect(await reopened(driver, shorter)).toMatchObject({ anew: true, claims: ['web-0'] });
});

it('builds the views anew when their position was lost with a restored backup', async () => {
  const log = join(directory, 'log.sqlite');
  const backup = join(directory, 'backup.sqlite');
  const open = (clock: () => Date) => openSqliteStore({ directory, clock });
  const driver = await claimed('web-0', open);
  await driver.store.close();
  copyFileSync(log, backup);
  const again = open(driver.clock);
  const lost = await driver.on(again);
  await lost.project('alpha', commands.claim('web-1'));
  expect(await reopened(lost)).toMatchObject({ claims: ['web-0', 'web-1'] });
  await again.close();
  copyFileSync(backup, log);
  startNextEpoch(directory, driver.clock);
  const restored = await driver.on(open(driver.clock));
  await restored.project('alpha', commands.claim('web-2'));
  expect(await reopened(restored)).toMatchObject({ anew: true, claims: ['web-0', 'web-2'] });
  await restored.store.close();
});

it('says how far a long rebuild has come', async () => {
  const driver = await claimed('web-0');
  const told: object[] = [];
  const slow = new ChunkedStore(driver.store, 10, driver.head);
  let now = driver.now;
  const clock = () => {
    now += 6_000;
    return new Date(now);
  };
  const views = await follow(slow, clock, directory, {
    log: { info: (...[place]: object[]) => void told.push(place ?? {}), warn: () => {} },
  });
  await views.ready;
  expect(told.length).toBeGreaterThan(0);
  expect(told[0]).toEqual({ position: expect.any(String), head: String(driver.head) });
});

it('tells the fault when the log ends, and refuses to wait for more', async () => {
  const driver = await claimed('web-0');
  const views = await follow(driver.store, driver.clock, directory);
  await views.ready;
  const waiting = views.reached(driver.head + 1n);
  const refused = expect(waiting).rejects.toThrow(ViewsBehind);
  await driver.store.close();
  expect((await views.fault).message).toBe('the store has ended the subscription');
  await refused;
  await expect(views.reached(driver.head + 2n)).rejects.toThrow(ViewsBehind);
  await expect(views.reached(driver.head)).resolves.toBeUndefined();
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeDefined();
});

it('removes a file that turned out to be damaged, so that the next start builds it anew', () => {
  const file = ViewsFile.create(path);
  expect(existsSync(path)).toBe(true);
  file.condemn();
  file.close();
  expect(existsSync(path)).toBe(false);
});

it('goes on from memory while its file cannot be written, and writes it when it can', async () => {
  const driver = await claimed('web-0');
  await reopened(driver);
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  const { resolve, promise: refused } = Promise.withResolvers<string>();
  const log = { info: () => {}, warn: (...[, text]: unknown[]) => resolve(String(text)) };
  const key = { key: 'k', requestHash: 'h', code: 201 };
  const keyed = await driver.project('alpha', commands.claim('web-1'), key);
  const views = await follow(driver.store, driver.clock, directory, { log });
  await views.ready;
  expect(await refused).toBe('the views cannot be written; they try again');
  expect(views.get(CLAIM, 'alpha', 'web-1')).toBeDefined();
  expect(() => views.list(CLAIM, { limit: 10 })).toThrow(ViewsBehind);
  expect(views.answered(keyed.commandId)).toMatchObject({ requestHash: 'h', code: 201 });
  // A presence is told without the counts that its rows would give.
  const told: (KubeObject | undefined)[] = [];
  views.changes('NetworkContext').follow((made) => told.push(...made.map(({ after }) => after)));
  await driver.project('alpha', commands.claim('web-2', { location: { name: 'there' } }));
  await views.reached(driver.head);
  expect(told.map((object) => object?.metadata.name)).toEqual(['net.there']);
  expect(told[0]?.status?.interfaces).toBeUndefined();
  other.exec('ROLLBACK');
  other.close();
  await expect.poll(() => namesIn(views)).toEqual(['web-0', 'web-1', 'web-2']);
});

function namesIn(views: FollowingViews): string[] {
  return views.list(CLAIM, { limit: 10 }).items.map(({ name }) => name);
}

it('keeps no file when it is told no directory', async () => {
  const driver = await claimed('web-0');
  const views = await follow(driver.store, driver.clock);
  await views.ready;
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeDefined();
  expect(existsSync(path)).toBe(false);
});
