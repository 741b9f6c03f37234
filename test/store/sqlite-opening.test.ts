import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { openStore } from '../../src/store/open-store.ts';
import { startNextEpoch } from '../../src/store/sqlite/epochs.ts';
import { chainFrame, encodeEvents, type Frame, lastHash } from '../../src/store/sqlite/frames.ts';
import { CorruptEvent, StoreRefused } from '../../src/store/store.ts';
import { SqliteDirectory } from './sqlite-directory.ts';
import { collect, ids, Listener, refusal, seal, Writer } from './writing.ts';

const directory = new SqliteDirectory();

/** Some frames in two streams, the event `marked` among them, closed again. */
async function writeAndClose(frames = 6): Promise<void> {
  const store = directory.open();
  const writers = [new Writer(store, 'a-1'), new Writer(store, 'a-2')];
  for (let frame = 0; frame < frames; frame += 1) {
    const id = frame === 3 ? 'marked' : `${frame}`;
    directory.now = new Date(directory.now.getTime() + 1_000);
    await writers[frame % 2]?.append(id, { id: `${id}+`, data: { text: `text of ${id}` } });
  }
  await store.close();
}

function refusedBecause(problem: RegExp): void {
  let fault: unknown;
  try {
    directory.open();
  } catch (thrown) {
    fault = thrown;
  }
  expect(fault).toBeInstanceOf(StoreRefused);
  expect((fault as StoreRefused).message).toMatch(problem);
  expect((fault as StoreRefused).message).toContain(directory.path);
  expect(directory.connections.filter(({ isOpen }) => isOpen)).toEqual([]);
  // Nothing is left locked by it.
  expect(() => directory.open()).toThrow(problem);
}

/** Replaces bytes of the closed file, whose length stays, also where they are left over. */
function replaceInFile(from: string, to: string): void {
  const text = readFileSync(directory.log, 'latin1');
  expect(text).toContain(from);
  writeFileSync(directory.log, text.replaceAll(from, to), 'latin1');
}

/** Changes a frame and chains it to the one before it anew. */
function remake(position: number, change: (frame: Frame) => Frame): void {
  directory.tamper((database) => {
    const row = database
      .prepare('SELECT *, recorded_at AS recordedAt FROM frames WHERE position = ?')
      .get(position) as unknown as Frame;
    const before = database
      .prepare('SELECT chain FROM frames WHERE position < ? ORDER BY position DESC')
      .get(position) as unknown as Frame;
    const frame = change(row);
    const chain = chainFrame(before.chain, frame, lastHash(frame.events));
    database
      .prepare('UPDATE frames SET recorded_at = ?, events = ?, chain = ? WHERE position = ?')
      .run(frame.recordedAt, frame.events, chain, position);
  });
}

describe('a new data directory', () => {
  it('is made for its owner only, and is opened again', async () => {
    const store = directory.open();
    await new Writer(store, 'a-1').append('1');
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(directory.path)).toBe(0o700);
    for (const file of ['log.sqlite', 'log.sqlite-wal', 'log.sqlite-shm', 'lock.sqlite']) {
      expect(mode(join(directory.path, file)), file).toBe(0o600);
    }
    await store.close();
    expect(await ids(directory.open().readAll(0n))).toEqual(['1']);
  });

  it('is begun anew where the first beginning was cut short', async () => {
    mkdirSync(directory.path);
    writeFileSync(`${directory.log}.new`, 'half a file');
    writeFileSync(`${directory.log}.new-journal`, 'half a file');
    const { position } = await new Writer(directory.open(), 'a-1').append('1');
    expect(position).toBe(1n);
    expect(existsSync(`${directory.log}.new`)).toBe(false);
  });

  it('is refused where it cannot be made', () => {
    writeFileSync(directory.path, 'a file');
    expect(() => directory.open()).toThrow(StoreRefused);
  });

  it('is not made by one who only reads', () => {
    expect(() => directory.open({ readOnly: true })).toThrow(/log\.sqlite does not exist/);
    expect(existsSync(directory.path)).toBe(false);
  });

  it('is opened by the setting, as is the store in memory', async () => {
    const settings = { directory: directory.path, clock: directory.clock, categories: ['a'] };
    const memory = await openStore('memory', settings);
    await new Writer(memory, 'a-1').append('1');
    await memory.close();
    expect(existsSync(directory.path)).toBe(false);
    const sqlite = await openStore('sqlite', settings);
    await new Writer(sqlite, 'a-1').append('1');
    await sqlite.close();
    expect(existsSync(directory.log)).toBe(true);
  });
});

describe('a second process', () => {
  it('is refused at once, and a reader is not', async () => {
    const store = directory.open();
    await new Writer(store, 'a-1').append('1');
    expect(() => directory.open()).toThrow(StoreRefused);
    expect(() => startNextEpoch(directory.path, directory.clock)).toThrow(StoreRefused);
    const reader = directory.open({ readOnly: true });
    expect(await ids(reader.readAll(0n))).toEqual(['1']);
    expect(await refusal(new Writer(reader, 'a-2').append('2'))).toBeInstanceOf(RangeError);
    await reader.close();
    expect(() => directory.open()).toThrow('is served by another netalloc');
    await store.close();
    directory.open();
  });

  it('sees what the first one commits, live too', async () => {
    const store = directory.open();
    const reader = directory.open({ readOnly: true });
    const listener = new Listener(reader, 0n);
    const writer = new Writer(store, 'a-1');
    await listener.reached((await writer.append('1', '2')).position);
    await listener.reached((await writer.append('3')).position);
    expect(listener.events).toEqual(await collect(store.readAll(0n)));
  });
});

describe('a file that is not a log of ours is refused', () => {
  it('when it is no database', () => {
    mkdirSync(directory.path);
    writeFileSync(directory.log, 'not a database at all, but longer than a header'.repeat(300));
    refusedBecause(/log\.sqlite is not a netalloc log/);
  });

  it('when it is the database of another program', () => {
    mkdirSync(directory.path);
    const database = new DatabaseSync(directory.log);
    database.exec('CREATE TABLE frames (position INTEGER PRIMARY KEY)');
    database.close();
    refusedBecause(/log\.sqlite is not a netalloc log/);
  });

  it('when a newer netalloc has written it', async () => {
    await writeAndClose();
    directory.tamper((database) => database.exec('PRAGMA user_version = 2'));
    refusedBecause(/log\.sqlite was written by a newer netalloc .*schema is 2, this one knows 1/);
  });

  it('when it is missing beside its write-ahead log', async () => {
    await writeAndClose();
    renameSync(directory.log, `${directory.log}-wal`);
    refusedBecause(/log\.sqlite is missing, but .*log\.sqlite-wal is there/);
  });
});

describe('a damaged log is refused', () => {
  it.each([
    { title: 'empty', left: () => 0, problem: /is empty/ },
    { title: 'half', left: (size: number) => size / 2, problem: /is damaged or cut short/ },
    { title: 'short of a page', left: (size: number) => size - 8_192, problem: /is damaged/ },
    { title: 'short of a byte', left: (size: number) => size - 1, problem: /is damaged/ },
  ])('when what is left of it is $title', async ({ left, problem }) => {
    await writeAndClose(30);
    truncateSync(directory.log, left(statSync(directory.log).size));
    refusedBecause(problem);
  });

  it('when a byte of an event was changed', async () => {
    await writeAndClose();
    replaceInFile('text of marked', 'Text of marked');
    refusedBecause(/position 8 \(stream a-2, revision 3\): its content does not match its hash/);
  });

  it('when a page is not what it was', async () => {
    await writeAndClose(40);
    const bytes = readFileSync(directory.log);
    bytes.fill(0x55, 8_192 * 2, 8_192 * 2 + 200);
    writeFileSync(directory.log, bytes);
    refusedBecause(/log\.sqlite is damaged/);
  });

  const frame = 'position = 5';
  it.each([
    { change: `UPDATE frames SET recorded_at = recorded_at + 1 WHERE ${frame}`, problem: 'chain' },
    { change: `UPDATE frames SET recorded_at = 0 WHERE ${frame}`, problem: 'recorded earlier' },
    { change: `UPDATE frames SET position = 50 WHERE position = 11`, problem: 'before it is 10' },
    { change: `UPDATE frames SET count = 3 WHERE position = 11`, problem: 'has 2 events where 3' },
    { change: `UPDATE frames SET stream = 'b' WHERE ${frame}`, problem: 'revision before it is' },
    { change: `UPDATE frames SET revision = 9 WHERE position = 11`, problem: 'revision before it' },
    { change: `UPDATE frames SET chain = zeroblob(32) WHERE ${frame}`, problem: 'chain' },
    { change: `DELETE FROM frames WHERE ${frame}`, problem: 'position before it is 4' },
    { change: 'DELETE FROM frames WHERE position = 1', problem: 'position before it is 0' },
    { change: `UPDATE frames SET events = '[]' WHERE ${frame}`, problem: 'chain' },
    {
      change: `UPDATE frames SET events = (SELECT events FROM frames WHERE position = 1)
        WHERE ${frame}`,
      problem: 'chain',
    },
    { change: 'DELETE FROM epochs', problem: 'its epoch is null' },
  ])('after $change', async ({ change, problem }) => {
    await writeAndClose();
    directory.tamper((database) => database.exec(change));
    refusedBecause(new RegExp(`log\\.sqlite is damaged.*${problem}`));
  });

  it('when a page far back is not what it was', async () => {
    await writeAndClose(limits.storeOpenFramesChecked + 20);
    const bytes = readFileSync(directory.log);
    let at = bytes.indexOf('text of marked');
    for (; at !== -1; at = bytes.indexOf('text of marked', at + 1)) {
      const page = at - (at % 8_192);
      // A leaf of the table; where the text is left over in other pages, they stay whole.
      if (bytes[page] === 0x0d) bytes.fill(0x55, page, page + 200);
    }
    writeFileSync(directory.log, bytes);
    refusedBecause(/log\.sqlite is damaged or cut short/);
  });

  it('when a frame was made again with a chain of its own', async () => {
    await writeAndClose();
    remake(5, (frame) => ({ ...frame, recordedAt: frame.recordedAt + 1 }));
    refusedBecause(/position 7 .*its place in the log does not match its chain/);
  });

  it('when an event was sealed again after another one', async () => {
    await writeAndClose();
    remake(11, (frame) => {
      const events = seal(frame.stream, frame.revision - 1, ['5', '5+'], 'another hash');
      return { ...frame, events: encodeEvents(events) };
    });
    refusedBecause(/position 11 .*its previousHash is "another hash"/);
  });

  it('when the damage lies among the newest frames of a longer log', async () => {
    await writeAndClose(limits.storeOpenFramesChecked * 3);
    directory.tamper((database) =>
      database.exec(`UPDATE frames SET recorded_at = recorded_at + 1 WHERE position =
        (SELECT max(position) - ${limits.storeOpenFramesChecked} * 2 + 2 FROM frames)`),
    );
    refusedBecause(/does not match its chain/);
  });
});

describe('damage further back', () => {
  it('is met by whoever reads the log, and names the event', async () => {
    await writeAndClose(limits.storeOpenFramesChecked + 20);
    replaceInFile('text of marked', 'Text of marked');
    const store = directory.open();
    const expected = { stream: 'a-2', revision: 3, position: 8n };
    const listener = new Listener(store, 0n);
    for (const fault of [
      await refusal(collect(store.readAll(0n))),
      await refusal(listener.subscription.done),
    ]) {
      expect(fault).toBeInstanceOf(CorruptEvent);
      expect(fault).toMatchObject(expected);
    }
    // What is whole can still be read and written.
    expect((await collect(store.readAll(8n))).length).toBeGreaterThan(100);
    expect((await new Writer(store, 'a-3').append('new')).revision).toBe(0);
  });

  it.each([
    ['[[["a-2",2,"cut', 'its frame is not readable'],
    ['[]', 'its frame has 0 events where 2 are recorded'],
  ])('is met where a frame is not a list of its events: %s', async (events, problem) => {
    await writeAndClose(limits.storeOpenFramesChecked + 20);
    directory.tamper((database) =>
      database.prepare('UPDATE frames SET events = ? WHERE position = 7').run(events),
    );
    const fault = await refusal(collect(directory.open().readStream('a-2', 2)));
    expect(fault).toMatchObject({ stream: 'a-2', revision: 2, position: 7n, problem });
  });

  it('is met where a frame holds the events of another one', async () => {
    await writeAndClose(limits.storeOpenFramesChecked + 20);
    directory.tamper((database) =>
      database.exec(`UPDATE frames SET events = (SELECT events FROM frames WHERE position = 1)
        WHERE position = 7`),
    );
    const fault = await refusal(collect(directory.open().readStream('a-2', 2)));
    expect(fault).toMatchObject({ stream: 'a-2', revision: 2, position: 7n });
    expect((fault as CorruptEvent).problem).toBe('it belongs to stream a-1 at revision 0');
  });

  it('refuses an append whose events it hides, alone', async () => {
    await writeAndClose(limits.storeOpenFramesChecked + 20);
    replaceInFile('text of marked', 'Text of marked');
    const store = directory.open();
    const again = new Writer(store, 'a-2');
    again.revision = 1;
    const [hidden, other] = await Promise.allSettled([
      again.append('marked', 'marked+'),
      new Writer(store, 'a-3').append('new'),
    ]);
    expect(hidden).toMatchObject({ status: 'rejected', reason: { name: 'CorruptEvent' } });
    expect(other.status).toBe('fulfilled');
  });
});

describe('an append that is not chained to the last event of its stream', () => {
  it('is refused, because no log may hold what it cannot prove', async () => {
    const store = directory.open();
    const writer = new Writer(store, 'a-1');
    await writer.append('1');
    writer.hash = 'not the hash of 1';
    expect(await refusal(writer.append('2'))).toBeInstanceOf(RangeError);
    expect(await ids(store.readAll(0n))).toEqual(['1']);
  });
});

describe('the next epoch', () => {
  const EPOCH = 2n ** 40n;

  it('lets positions jump, and is read across in order', async () => {
    await writeAndClose();
    expect(startNextEpoch(directory.path, directory.clock)).toBe(1);
    const store = directory.open();
    expect(await store.head()).toBe(12n);
    expect(store.lostPositions).toEqual([{ after: 12n, upTo: EPOCH }]);
    const listener = new Listener(store, 12n);
    const lost = new Listener(store, 500n);
    const writer = await new Writer(store, 'a-1').resume();
    expect(await writer.append('next', 'after')).toEqual({
      position: EPOCH + 2n,
      revision: 7,
    });
    for (const each of [listener, lost]) {
      await each.reached(EPOCH + 2n);
      expect(each.events.map(({ id }) => id)).toEqual(['next', 'after']);
    }
    const all = await collect(store.readAll(0n));
    expect(all.map(({ position }) => position)).toEqual([
      ...Array.from({ length: 12 }, (_, index) => BigInt(index + 1)),
      EPOCH + 1n,
      EPOCH + 2n,
    ]);
    expect(await collect(store.readAll(11n))).toEqual(all.slice(11));
    expect(await collect(store.readAll(700n))).toEqual(all.slice(12));
    expect(await collect(store.readAll(EPOCH + 1n))).toEqual(all.slice(13));
    expect(await ids(store.readStream('a-1', 4))).toEqual(['4', '4+', 'next', 'after']);
    await store.close();
    expect(await collect(directory.open().readAll(0n))).toEqual(all);
  });

  it('may stay empty, and may be the first one to hold anything', async () => {
    await directory.open().close();
    expect(startNextEpoch(directory.path, directory.clock)).toBe(1);
    expect(startNextEpoch(directory.path, directory.clock)).toBe(2);
    const store = directory.open();
    expect(store.lostPositions).toEqual([{ after: 0n, upTo: 2n * EPOCH }]);
    expect((await new Writer(store, 'a-1').append('1')).position).toBe(2n * EPOCH + 1n);
    await store.close();
    expect(startNextEpoch(directory.path, directory.clock)).toBe(3);
    expect(directory.open().lostPositions).toEqual([
      { after: 0n, upTo: 2n * EPOCH },
      { after: 2n * EPOCH + 1n, upTo: 3n * EPOCH },
    ]);
  });

  it('is not started where there is no log', () => {
    mkdirSync(directory.path);
    expect(() => startNextEpoch(directory.path, directory.clock)).toThrow(StoreRefused);
    rmSync(directory.path, { recursive: true });
    expect(() => startNextEpoch(directory.path, directory.clock)).toThrow(StoreRefused);
  });
});
