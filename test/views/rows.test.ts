import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SqlValue } from '../../src/views/projection.ts';
import { type RowBatch, RowWriter } from '../../src/views/rows.ts';
import { RunList } from '../../src/views/run-list.ts';

const [ADD, NOTE, DROP] = [0, 1, 2];

let database: DatabaseSync;
let writer: RowWriter;

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  database.exec(`
    CREATE TABLE checkpoint (position INTEGER, hash TEXT);
    INSERT INTO checkpoint VALUES (0, '');
    CREATE TABLE counts (name TEXT PRIMARY KEY, number INTEGER CHECK (number < 100)) STRICT;
    CREATE TABLE notes (text TEXT) STRICT;
  `);
  writer = new RowWriter(database, [
    {
      sql: `INSERT INTO counts VALUES (?, ?)
        ON CONFLICT DO UPDATE SET number = number + excluded.number`,
      counts: 'adds',
    },
    { sql: 'INSERT INTO notes VALUES (?)', counts: 'plain' },
    { sql: 'DELETE FROM counts WHERE name = ? AND number = 0', counts: 'sees' },
  ]);
});

function batch(
  from: bigint,
  runs: readonly (readonly [statement: number, ...values: SqlValue[]])[],
): RowBatch {
  const list = new RunList();
  for (const [statement, ...values] of runs) list.add(statement, ['', ...values]);
  return { from, to: { position: from + 1n, hash: `hash ${from + 1n}` }, runs: list };
}

const countsNow = () =>
  database
    .prepare('SELECT name, number FROM counts ORDER BY name')
    .all()
    .map(({ name, number }) => [name, number]);
const checkpoint = () => database.prepare('SELECT position FROM checkpoint').get()?.position;

describe('rows of several batches in one transaction', () => {
  it('are there, with the checkpoint of the last, when it is committed', () => {
    writer.add(batch(0n, [[NOTE, 'a']]));
    writer.add(batch(1n, [[NOTE, 'b']]));
    writer.commit();
    expect(checkpoint()).toBe(2);
    expect(database.prepare('SELECT count(*) AS notes FROM notes').get()?.notes).toBe(2);
  });

  it('add what is counted, whatever else comes between', () => {
    writer.add(
      batch(0n, [
        [ADD, 'a', 1],
        [NOTE, 'x'],
        [ADD, 'b', 1],
        [ADD, 'a', 2],
      ]),
    );
    writer.add(batch(1n, [[ADD, 'a', -1]]));
    writer.commit();
    expect(countsNow()).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('have counted what came before a statement that sees counts, and nothing after it', () => {
    writer.add(
      batch(0n, [
        [ADD, 'a', 1],
        [DROP, 'a'],
        [ADD, 'a', -1],
        [DROP, 'a'],
        [ADD, 'a', 5],
      ]),
    );
    writer.commit();
    expect(countsNow()).toEqual([['a', 5]]);
  });

  it('are all undone by one that fails, and can be written again', () => {
    writer.add(batch(0n, [[ADD, 'a', 1]]));
    const tooMuch: RowBatch = batch(1n, [
      [ADD, 'a', 100],
      [DROP, 'b'],
    ]);
    expect(() => writer.add(tooMuch)).toThrow('CHECK');
    expect(checkpoint()).toBe(0);
    writer.add(batch(0n, [[ADD, 'a', 1]]));
    writer.commit();
    expect(checkpoint()).toBe(1);
    expect(countsNow()).toEqual([['a', 1]]);
  });

  it('are refused where one is missing, and where another process has written', () => {
    writer.add(batch(0n, [[NOTE, 'a']]));
    expect(() => writer.add(batch(2n, [[NOTE, 'b']]))).toThrow('missing');
    database.exec('UPDATE checkpoint SET position = 7');
    writer.add(batch(0n, [[NOTE, 'a']]));
    expect(() => writer.commit()).toThrow('another process');
    expect(database.prepare('SELECT count(*) AS notes FROM notes').get()?.notes).toBe(0);
  });
});
