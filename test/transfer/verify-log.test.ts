import { readFileSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyOf } from '../../src/store/hash-chain.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { CorruptEvent, type RecordedEvent, type Store } from '../../src/store/store.ts';
import { verifyLog } from '../../src/transfer/verify-log.ts';
import { SqliteDirectory } from '../store/sqlite-directory.ts';
import { collect, refusal, seal, Writer } from '../store/writing.ts';
import { CATEGORIES, exported, imported, quiet } from './files.ts';

const directory = new SqliteDirectory();
const STREAMS = ['a', 'b', 'c'].map((name) => `addressSpace-project.${name}`);
const verify = (store: Store) => verifyLog(store, CATEGORIES, quiet());

/** More frames than are looked at when a log is opened. */
async function writeAndClose(): Promise<RecordedEvent[]> {
  const store = directory.open();
  const writers = STREAMS.map((stream) => new Writer(store, stream));
  for (let n = 0; n < 90; n += 1) {
    directory.now = new Date(directory.now.getTime() + 1_000);
    const writer = writers[n % 3] as Writer;
    const data = { address: `10.0.0.${n}`, note: 'ü'.repeat(n % 5) };
    await writer.append({ id: `${n}`, data }, { id: `${n}+`, data });
  }
  const events = await collect(store.readAll(0n));
  await store.close();
  return events;
}

/** What is found wrong; the newest events are looked at when the log is opened already. */
async function damage(): Promise<CorruptEvent | undefined> {
  let store: Store | undefined;
  try {
    store = directory.open({ readOnly: true });
    await verify(store);
    return undefined;
  } catch (fault) {
    const cause = fault instanceof CorruptEvent ? fault : (fault as Error).cause;
    expect(cause).toBeInstanceOf(CorruptEvent);
    return cause as CorruptEvent;
  } finally {
    await store?.close();
  }
}

it('finds nothing in a log that is as it was written, and says the same wherever it is', async () => {
  await writeAndClose();
  const store = directory.open();
  const findings = await verify(store);
  expect(findings).toMatchObject({ events: 180, streams: 3 });
  expect(findings.lastAt).toBe(directory.now.toISOString());
  const copy = new MemoryStore({ clock: () => new Date('2035-01-01T00:00:00Z') });
  await imported(await exported(store), copy);
  expect(await verify(copy)).toEqual(findings);
});

it('finds a flipped bit in any event, and names the event', async () => {
  const events = await writeAndClose();
  const whole = readFileSync(directory.log);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...events),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 0, max: 7 }),
      async (event, share, bit) => {
        const body = Buffer.from(copyOf(event).body);
        const flipped = Buffer.from(whole);
        // Where pages were split the file has old texts, too, that nobody reads any more.
        let found = 0;
        for (let at = whole.indexOf(body); at !== -1; at = whole.indexOf(body, at + 1)) {
          const offset = at + Math.floor(share * body.length);
          flipped[offset] = (flipped[offset] as number) ^ (1 << bit);
          found += 1;
        }
        expect(found).toBeGreaterThan(0);
        writeFileSync(directory.log, flipped);
        const { stream, revision } = event;
        expect(await damage()).toMatchObject({ stream, revision });
      },
    ),
    { numRuns: 60 },
  );
});

it.each<{ title: string; change: (log: DatabaseSync) => void; at: object }>([
  {
    title: 'an append that is missing',
    change: (log) => log.exec('DELETE FROM frames WHERE position = 13'),
    at: { stream: STREAMS[1], revision: 4 },
  },
  {
    title: 'another recorded time',
    change: (log) =>
      log.exec('UPDATE frames SET recorded_at = recorded_at + 1 WHERE position = 13'),
    at: { stream: STREAMS[0], revision: 4 },
  },
  {
    title: 'a last append that stands elsewhere',
    change: (log) => log.exec('UPDATE frames SET position = 300 WHERE position = 179'),
    at: { stream: STREAMS[2], revision: 58 },
  },
])('finds $title in a log in sqlite', async ({ change, at }) => {
  await writeAndClose();
  directory.tamper(change);
  expect(await damage()).toMatchObject(at);
});

it('finds a revision that is missing where the engine itself does not', async () => {
  await writeAndClose();
  const events = await collect(directory.open({ readOnly: true }).readAll(0n));
  const without = (left: readonly RecordedEvent[]) =>
    ({
      head: async () => left.at(-1)?.position ?? 0n,
      async *readAll() {
        yield* left;
      },
    }) as unknown as Store;
  const gap = await refusal(verify(without(events.toSpliced(20, 1))));
  const { stream, revision } = events[21] as RecordedEvent;
  expect(gap).toMatchObject({ name: 'CorruptEvent', stream, revision });
  const [first, second] = seal('addressSpace-x', -1, ['1', '2']);
  const placed = (event: typeof first, place: number, at: number) =>
    ({
      ...(event as object),
      stream: 'addressSpace-x',
      revision: place,
      position: BigInt(10 - at),
      recordedAt: new Date(at).toISOString(),
    }) as RecordedEvent;
  const backwards = await refusal(verify(without([placed(first, 0, 0), placed(second, 1, 1)])));
  expect((backwards as Error).message).toContain('the position before it is 10');
});
