import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { STATEMENTS } from '../../src/store/sqlite/log-file.ts';
import { StoreFull, StoreUnavailable } from '../../src/store/store.ts';
import { type DisturbedDatabase, ioError, SqliteDirectory } from './sqlite-directory.ts';
import { collect, ids, Listener, refusal, seal, until, Writer } from './writing.ts';

const directory = new SqliteDirectory();

function setting(database: DatabaseSync | undefined, name: string): unknown {
  return Object.values(database?.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

describe('an acknowledged append', () => {
  it('was synced by hand: the connection is set to do so only when it moves commits', () => {
    directory.open();
    const [connection] = directory.connections;
    expect(setting(connection, 'journal_mode')).toBe('wal');
    expect(setting(connection, 'synchronous')).toBe(1);
    expect(setting(connection, 'fullfsync')).toBe(1);
    expect(setting(connection, 'trusted_schema')).toBe(0);
    expect(setting(connection, 'cell_size_check')).toBe(1);
    expect(setting(connection, 'temp_store')).toBe(2);
    expect(setting(connection, 'recursive_triggers')).toBe(1);
    expect(setting(connection, 'wal_autocheckpoint')).toBe(4_000);
  });

  it('is answered only when the commit has returned', async () => {
    const store = directory.open();
    const order: string[] = [];
    (directory.connections[0] as DisturbedDatabase).disturb = (sql, run) => {
      run();
      order.push(sql);
    };
    await Promise.all(
      ['a-1', 'a-2'].map(async (stream) => {
        await new Writer(store, stream).append('x');
        order.push(`answered ${stream}`);
      }),
    );
    expect(order).toEqual(['BEGIN IMMEDIATE', 'COMMIT', 'answered a-1', 'answered a-2']);
  });

  it('is answered, and shown to anybody, only when it has been synced', async () => {
    const store = directory.open();
    await new Writer(store, 'a-0').append('0');
    const listener = new Listener(store, 1n);
    const { promise: synced, resolve } = Promise.withResolvers<void>();
    const { promise: syncing, resolve: begin } = Promise.withResolvers<void>();
    directory.beforeSync = () => {
      begin();
      return synced;
    };
    let isAnswered = false;
    const appended = new Writer(store, 'a-1').append('1').then(() => {
      isAnswered = true;
    });
    await syncing;
    await new Promise((turn) => setTimeout(turn, 10));
    expect(isAnswered).toBe(false);
    expect(await store.head()).toBe(1n);
    expect(await ids(store.readAll(0n))).toEqual(['0']);
    expect((await collect(store.readStream('a-1', 0))).flat()).toEqual([]);
    expect(listener.events).toEqual([]);
    resolve();
    await appended;
    expect(await ids(store.readAll(0n))).toEqual(['0', '1']);
    await listener.reached(2n);
  });

  it('keeps its turn: what comes while one is synced is committed after it, together', async () => {
    const store = directory.open();
    let syncs = 0;
    directory.beforeSync = async () => {
      syncs += 1;
    };
    const streams = ['a-1', 'a-2', 'a-3', 'a-4'];
    await Promise.all(
      streams.map(async (stream, index) => {
        if (index > 0) await new Promise(setImmediate);
        await new Writer(store, stream).append(stream);
      }),
    );
    expect(syncs).toBe(2);
  });

  it('is synced before the store is closed', async () => {
    const store = directory.open();
    const answered: string[] = [];
    directory.beforeSync = async () => void answered.push('synced');
    const append = new Writer(store, 'a-1').append('1').then(() => answered.push('answered'));
    const closed = store.close().then(() => answered.push('closed'));
    expect(await refusal(new Writer(store, 'a-3').append('3'))).toBeInstanceOf(StoreUnavailable);
    await Promise.all([append, closed]);
    expect(answered).toEqual(['synced', 'answered', 'closed']);
  });

  it('is seen by another connection at once', async () => {
    const store = directory.open();
    const reader = directory.open({ readOnly: true });
    for (const id of ['1', '2', '3']) {
      const { position } = await new Writer(store, `a-${id}`).append(id);
      expect(await reader.head()).toBe(position);
      expect((await collect(reader.readAll(position - 1n))).map((event) => event.id)).toEqual([id]);
    }
  });

  it('leaves the write-ahead log for the file at each pause, and at the close', async () => {
    const store = directory.open();
    const empty = statSync(directory.log).size;
    const data = { text: 'x'.repeat(100_000) };
    const writer = new Writer(store, 'a-1');
    await writer.append({ id: '1', data });
    expect(statSync(directory.log).size).toBe(empty);
    await until(() => statSync(directory.log).size > empty);
    await writer.append({ id: '2', data });
    await until(() => statSync(directory.log).size > empty + 180_000);
    await writer.append({ id: '3', data });
    await store.close();
    expect(existsSync(`${directory.log}-wal`)).toBe(false);
    expect(statSync(directory.log).size).toBeGreaterThan(300_000);
  });

  it('leaves the write-ahead log while commits go on, so that it does not grow', async () => {
    const store = directory.open();
    const writer = new Writer(store, 'a-1');
    const data = { text: 'x'.repeat(250_000) };
    const pageBytes = 8_192;
    const { storeWalPagesMoved: moved, storeWalPagesMax: max } = limits;
    let appends = 0;
    let largest = 0;
    const append = async (what: object) => {
      await writer.append({ id: `${appends}`, data: what });
      appends += 1;
      largest = Math.max(largest, statSync(`${directory.log}-wal`).size);
    };
    while (largest <= moved * pageBytes) await append(data);
    // A thread moves it, without a rest between commits and before one of them has to.
    while (statSync(directory.log).size < 0.9 * moved * pageBytes) {
      await append({});
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(largest).toBeLessThan(0.9 * max * pageBytes);
    }
    // Three times as much as a commit would leave, however slow the thread is meanwhile.
    for (let bytes = 0; bytes < 3 * max * pageBytes; bytes += data.text.length) await append(data);
    expect(largest).toBeLessThan(1.5 * max * pageBytes);
    expect(await ids(store.readAll(0n))).toHaveLength(appends);
  });

  it('does not leave it while another program reads, and does afterwards', async () => {
    const store = directory.open();
    const writer = new Writer(store, 'a-1');
    const data = { text: 'x'.repeat(250_000) };
    await writer.append({ id: 'first', data });
    const reader = new DatabaseSync(directory.log, { readOnly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM frames').get();
    const pages = () => statSync(`${directory.log}-wal`).size / 8_192;
    const empty = statSync(directory.log).size;
    for (let n = 0; pages() < limits.storeWalPagesMoved * 2.5; n += 1) {
      await writer.append({ id: `${n}`, data });
    }
    expect(statSync(directory.log).size).toBeLessThan(empty + 2 * data.text.length);
    reader.exec('ROLLBACK');
    reader.close();
    for (let n = 0; statSync(directory.log).size < 2_000 * 8_192; n += 1) {
      await writer.append({ id: `after ${n}`, data });
      expect(pages()).toBeLessThan(1.5 * limits.storeWalPagesMax);
    }
  });

  it('leaves nothing in the write-ahead log at the close, although others read', async () => {
    const store = directory.open();
    const reader = directory.open({ readOnly: true });
    await new Writer(store, 'a-1').append('1');
    expect(statSync(`${directory.log}-wal`).size).toBeGreaterThan(0);
    await store.close();
    expect(statSync(`${directory.log}-wal`).size).toBe(0);
    expect(await ids(reader.readAll(0n))).toEqual(['1']);
  });
});

describe('the queue', () => {
  it('takes so many bytes and no more, and has room again when they are committed', async () => {
    const store = directory.open();
    const data = { text: 'x'.repeat(limits.appendBytesMax - 1_000) };
    const fitting = Math.floor(limits.storeQueueBytesMax / (limits.appendBytesMax - 500));
    const appendMany = (run: string, count: number) =>
      Promise.allSettled(
        Array.from({ length: count }, (_, index) =>
          new Writer(store, `${run}-${index}`).append({ id: 'x', data }),
        ),
      );
    const refused = (await appendMany('a', fitting + 5)).filter(
      (answer) => answer.status === 'rejected',
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(6);
    for (const { reason } of refused) expect(reason).toBeInstanceOf(StoreUnavailable);
    const again = await appendMany('b', 10);
    expect(again.every(({ status }) => status === 'fulfilled')).toBe(true);
  });
});

describe('a commit that fails', () => {
  const failOnce = (when: 'before' | 'after') => {
    const connection = directory.connections.at(-1) as DisturbedDatabase;
    connection.disturb = (sql, run) => {
      if (sql !== 'COMMIT' || when === 'after') run();
      if (sql === 'COMMIT') throw ioError();
    };
  };

  it('is answered as unknown; the log is opened anew and was not changed', async () => {
    const store = directory.open();
    const listener = new Listener(store, 0n);
    await new Writer(store, 'a-1').append('1');
    failOnce('before');
    const faults = ['a-2', 'a-3'].map((stream) => refusal(new Writer(store, stream).append('no')));
    for (const fault of await Promise.all(faults)) expect(fault).toBeInstanceOf(StoreUnavailable);
    expect(directory.connections).toHaveLength(1);
    expect(directory.connections[0]?.isOpen).toBe(false);
    const { position } = await new Writer(store, 'a-2').append('2');
    expect(directory.connections).toHaveLength(2);
    expect(position).toBe(2n);
    await listener.reached(position);
    expect(listener.events.map(({ id }) => id)).toEqual(['1', '2']);
    expect(await ids(store.readAll(0n))).toEqual(['1', '2']);
  });

  it('of which the sync fails is unknown, too; the log is moved into its file and opened anew', async () => {
    const store = directory.open();
    const listener = new Listener(store, 0n);
    const writer = new Writer(store, 'a-1');
    await writer.append('1');
    directory.beforeSync = () => Promise.reject(ioError());
    const events = writer.seal('2', '3');
    expect(await refusal(store.append('a-1', 0, events))).toBeInstanceOf(StoreUnavailable);
    expect(directory.connections[0]?.isOpen).toBe(false);
    directory.beforeSync = async () => {};
    expect(await store.append('a-1', 0, events)).toMatchObject({ revision: 2, position: 3n });
    expect(directory.connections).toHaveLength(2);
    await listener.reached(3n);
    expect(listener.events.map(({ id }) => id)).toEqual(['1', '2', '3']);
  });

  it('may have happened: the identical append tells, and subscribers see it once', async () => {
    const store = directory.open();
    const listener = new Listener(store, 0n);
    const writer = new Writer(store, 'a-1');
    await writer.append('1');
    failOnce('after');
    const events = writer.seal('2', '3');
    expect(await refusal(store.append('a-1', 0, events))).toBeInstanceOf(StoreUnavailable);
    expect(await store.head()).toBe(3n);
    await listener.reached(3n);
    expect(await store.append('a-1', 0, events)).toMatchObject({ revision: 2, position: 3n });
    const { position } = await new Writer(store, 'a-2').append('4');
    await listener.reached(position);
    expect(listener.events.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
  });

  it('keeps the store away until the log can be opened, and its subscriptions alive', async () => {
    const store = directory.open();
    const slow = new Listener(store, 0n);
    await slow.reached((await new Writer(store, 'a-1').append('1')).position);
    failOnce('before');
    await refusal(new Writer(store, 'a-2').append('no'));
    directory.beforeConnect = () => {
      throw ioError();
    };
    const behind = new Listener(store, 0n);
    expect(await refusal(new Writer(store, 'a-2').append('no'))).toBeInstanceOf(StoreUnavailable);
    expect(await refusal(store.head())).toBeInstanceOf(StoreUnavailable);
    expect(await refusal(collect(store.readAll(0n)))).toBeInstanceOf(StoreUnavailable);
    expect(behind.batches).toEqual([]);
    directory.beforeConnect = () => {};
    expect(await store.head()).toBe(1n);
    await behind.reached(1n);
    const { position } = await new Writer(store, 'a-2').append('2');
    for (const listener of [slow, behind]) {
      await listener.reached(position);
      expect(listener.events.map(({ id }) => id)).toEqual(['1', '2']);
    }
  });

  it('finds out when another program has written to the log meanwhile', async () => {
    const store = directory.open();
    const writer = new Writer(store, 'a-1');
    await writer.append('1');
    const [row] = directory.connections[0]?.prepare('SELECT * FROM frames').all() ?? [];
    directory.connections[0]?.exec('BEGIN IMMEDIATE');
    directory.connections[0]
      ?.prepare("INSERT INTO frames VALUES (2, 'a-2', 0, 1, ?, ?, ?)")
      .run(row?.recorded_at ?? 0, row?.events ?? '', row?.chain ?? '');
    directory.connections[0]?.exec('COMMIT');
    expect(await refusal(writer.append('2'))).toBeInstanceOf(StoreUnavailable);
    // What was written is no frame of ours, so the log is not used any more.
    const fault = await refusal(store.head());
    expect(fault).toBeInstanceOf(StoreUnavailable);
    expect((fault as Error).message).toMatch(/log\.sqlite is damaged .*position 2/);
  });
});

describe('a full disk', () => {
  const pages = (count: number) =>
    directory.connections.at(-1)?.prepare(`PRAGMA max_page_count = ${count}`).get();

  it('refuses whole turns, does nothing by halves, and goes on when there is room', async () => {
    const store = directory.open();
    const listener = new Listener(store, 0n);
    const writer = new Writer(store, 'a-1');
    await writer.append('1');
    pages(1);
    const large = { text: 'x'.repeat(50_000) };
    const events = writer.seal({ id: '2', data: large }, '3');
    const faults = await Promise.all([
      refusal(new Writer(store, 'a-2').append('with it')),
      refusal(store.append('a-1', 0, events)),
      refusal(new Writer(store, 'a-3').append('after it')),
    ]);
    for (const fault of faults) expect(fault).toBeInstanceOf(StoreFull);
    expect(await store.head()).toBe(1n);
    expect(await ids(store.readAll(0n))).toEqual(['1']);
    pages(1_000_000);
    expect(await store.append('a-1', 0, events)).toEqual({ revision: 2, position: 3n });
    await listener.reached((await new Writer(store, 'a-2').append('4')).position);
    expect(listener.events.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(directory.connections).toHaveLength(1);
    await store.close();
    expect(await ids(directory.open().readAll(0n))).toEqual(['1', '2', '3', '4']);
  });

  it('still knows an append that has happened', async () => {
    const store = directory.open();
    const events = seal('a-1', -1, ['1']);
    const appended = await store.append('a-1', -1, events);
    pages(1);
    expect(await store.append('a-1', -1, events)).toEqual(appended);
  });
});

describe('the tables', () => {
  it('refuse to change or remove what is there', async () => {
    const store = directory.open();
    await new Writer(store, 'a-1').append('1');
    const [connection] = directory.connections;
    for (const sql of [
      "UPDATE frames SET events = '[]'",
      'UPDATE frames SET position = 7',
      'DELETE FROM frames',
      "INSERT OR REPLACE INTO frames SELECT 1, 'b', 0, 1, 0, events, chain FROM frames",
      "INSERT OR REPLACE INTO frames SELECT 2, 'a-1', 0, 1, 0, events, chain FROM frames",
      'UPDATE epochs SET epoch = 7',
      'DELETE FROM epochs',
    ]) {
      expect(() => connection?.prepare(sql).run(), sql).toThrow('the log is append-only');
    }
    expect(() =>
      connection?.exec("INSERT INTO frames SELECT 9, 'a-1', 0, 1, 0, events, chain FROM frames"),
    ).toThrow('UNIQUE');
    expect(await ids(store.readAll(0n))).toEqual(['1']);
  });

  it('are in the order that is asked for, so that nothing is sorted', () => {
    directory.open();
    for (const sql of Object.values(STATEMENTS)) {
      const plan = directory.connections[0]?.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() ?? [];
      expect(plan.map(({ detail }) => detail).join('\n')).not.toContain('TEMP B-TREE');
    }
  });
});
