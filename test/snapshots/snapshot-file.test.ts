import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Map as PersistentMap } from 'immutable';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { SnapshotFile } from '../../src/snapshots/snapshot-file.ts';

const usual = { ...limits };
let directory = '';
let warnings: string[] = [];
const open: SnapshotFile[] = [];
const path = () => join(directory, 'snapshots.sqlite');
const log = { warn: (_: unknown, message: string) => warnings.push(message) } as never;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'netalloc-snapshots-'));
  warnings = [];
});
afterEach(async () => {
  for (const file of open.splice(0)) await file.close();
  Object.assign(limits, usual);
  rmSync(directory, { recursive: true, force: true });
});

function openFile(): SnapshotFile {
  const file = new SnapshotFile(directory, log);
  open.push(file);
  return file;
}

/** Closes what is open, changes the file, and opens it again. */
async function reopened(change: (database: DatabaseSync) => void): Promise<SnapshotFile> {
  for (const file of open.splice(0)) await file.close();
  const database = new DatabaseSync(path());
  change(database);
  database.close();
  return openFile();
}

function snapshot(revision: number, entries = 3) {
  const names = Array.from({ length: entries }, (_, n) => [`name-${n}`, n] as const);
  const state = { revision, names: PersistentMap(names) };
  return { state, revision, position: BigInt(revision) + 10n, hash: `hash-${revision}` };
}

it('gives the last state that was kept of a stream, also to the next process', async () => {
  const file = openFile();
  expect(await file.read('a-1')).toBeUndefined();
  const many = limits.snapshotPartEntriesMax * 20;
  await file.write('a-1', snapshot(1, many));
  await file.write('a-2', snapshot(2));
  await file.write('a-1', snapshot(3, many));
  const again = await reopened((database) => {
    // What was replaced has left nothing behind.
    expect(database.prepare('SELECT count(*) AS n FROM snapshots').get()?.n).toBe(2);
    expect(database.prepare('SELECT count(*) AS n FROM parts').get()?.n).toBe(22);
  });
  expect(await again.read('a-1')).toEqual(snapshot(3, many));
  expect(await again.read('a-2')).toEqual(snapshot(2));
  again.discard('a-1');
  expect(await again.read('a-1')).toBeUndefined();
  expect(await again.read('a-2')).toEqual(snapshot(2));
  expect(warnings).toEqual([]);
});

it('gives a state that is still being written as it is', async () => {
  const file = openFile();
  const [first, second] = [snapshot(1, 5_000), snapshot(2)];
  const written = [file.write('a-1', first), file.write('a-2', second)];
  expect((await file.read('a-1'))?.state).toBe(first.state);
  expect((await file.read('a-2'))?.state).toBe(second.state);
  await Promise.all(written);
  expect((await file.read('a-1'))?.state).not.toBe(first.state);
});

it('takes no more than a few at a time, and finishes them when it is closed', async () => {
  const file = openFile();
  const count = limits.snapshotsWaitingMax * 2;
  const streams = Array.from({ length: count }, (_, n) => `a-${n}`);
  const written = streams.map((stream, n) => file.write(stream, snapshot(n)));
  await file.close();
  await Promise.all(written);
  await file.write('late', snapshot(1));
  const again = openFile();
  const kept = [];
  for (const stream of streams) if ((await again.read(stream)) !== undefined) kept.push(stream);
  expect(kept.length).toBeGreaterThanOrEqual(limits.snapshotsWaitingMax);
  expect(kept.length).toBeLessThan(count);
  expect(await again.read('late')).toBeUndefined();
});

it.each([
  ['another state', `UPDATE parts SET text = replace(text, '"name-1"', '"name-9"')`],
  ['a part too few', 'DELETE FROM parts WHERE number = 0'],
  ['no JSON', `UPDATE parts SET text = '['`],
  ['another revision', 'UPDATE snapshots SET revision = revision + 1'],
  ['another position', 'UPDATE snapshots SET position = position + 1'],
  ['another hash', `UPDATE snapshots SET hash = 'x'`],
  ['another stream', `UPDATE snapshots SET stream = 'a-1' WHERE stream = 'a-2'`],
])('does not believe a snapshot that has %s', async (_, sql) => {
  const file = openFile();
  await file.write('a-1', snapshot(1));
  await file.write('a-2', snapshot(2));
  const changed = await reopened((database) => database.exec(sql));
  expect(await changed.read('a-1')).toBeUndefined();
  expect(warnings).toHaveLength(1);
  // It is gone, and its place can be taken.
  expect(await changed.read('a-1')).toBeUndefined();
  await changed.write('a-1', snapshot(5));
  expect(await changed.read('a-1')).toEqual(snapshot(5));
  expect(warnings).toHaveLength(1);
});

it('forgets what other rules have made, and what was not finished', async () => {
  const file = openFile();
  await file.write('a-1', snapshot(1));
  await file.write('a-2', snapshot(2));
  await file.write('a-3', snapshot(3));
  const again = await reopened((database) => {
    database.exec(`UPDATE snapshots SET code = 'older' WHERE stream = 'a-1'`);
    database.exec(`UPDATE snapshots SET checksum = '' WHERE stream = 'a-2'`);
  });
  expect(await again.read('a-1')).toBeUndefined();
  expect(await again.read('a-2')).toBeUndefined();
  expect(await again.read('a-3')).toEqual(snapshot(3));
  expect(warnings).toEqual([]);
});

it.each([
  ['no database', () => writeFileSync(path(), 'nonsense '.repeat(1_000))],
  ['a database of something else', () => new DatabaseSync(path()).exec('CREATE TABLE parts (x)')],
])('is made anew in the place of %s', async (_, make) => {
  make();
  const file = openFile();
  await file.write('a-1', snapshot(1));
  expect(await file.read('a-1')).toEqual(snapshot(1));
  expect(warnings).toHaveLength(1);
});

it('is left out where it cannot be made or goes bad, and nothing fails', async () => {
  mkdirSync(path());
  const none = openFile();
  await none.write('a-1', snapshot(1));
  expect(await none.read('a-1')).toBeUndefined();
  expect(warnings.length).toBeGreaterThan(0);
  rmSync(path(), { recursive: true });

  const file = openFile();
  await file.write('a-1', snapshot(1, 20_000));
  const spoiler = new DatabaseSync(path());
  spoiler.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  spoiler.exec('DROP TABLE parts');
  spoiler.close();
  expect(await file.read('a-1')).toBeUndefined();
  await file.write('a-1', snapshot(2));
  expect(await file.read('a-1')).toBeUndefined();
  expect(existsSync(path())).toBe(false);
});

it('writes nothing of a state that it does not understand', async () => {
  const file = openFile();
  await file.write('a-1', { ...snapshot(1), state: { at: new Date(0) } });
  expect(await file.read('a-1')).toBeUndefined();
  expect(warnings).toHaveLength(1);
});

it('gives up what is not finished in time when it is closed, and keeps what was before', async () => {
  Object.assign(limits, { snapshotFileCloseMsMax: 20 });
  const file = openFile();
  await file.write('a-1', snapshot(1));
  let partsLeft = 0;
  const unfinished = file.write('a-1', snapshot(2, limits.snapshotPartEntriesMax * 1_000));
  const other = file.write('a-2', snapshot(3));
  const again = await reopened((database) => {
    partsLeft = database.prepare('SELECT count(*) AS n FROM parts').get()?.n as number;
  });
  await Promise.all([unfinished, other]);
  expect(partsLeft).toBeLessThan(1_000);
  expect(await again.read('a-1')).toEqual(snapshot(1));
  expect(await again.read('a-2')).toBeUndefined();
  expect(warnings).toEqual([]);
  await reopened((database) => {
    expect(database.prepare('SELECT count(*) AS n FROM snapshots').get()?.n).toBe(1);
    expect(database.prepare('SELECT count(*) AS n FROM parts').get()?.n).toBe(1);
  });
});
