import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyEvent } from '../../src/store/hash-chain.ts';
import { type RecordedEvent, StoreRefused } from '../../src/store/store.ts';
import { SqliteDirectory } from './sqlite-directory.ts';
import { collect, until } from './writing.ts';

const directory = new SqliteDirectory();
const CHILD = join(import.meta.dirname, 'append-for-ever.ts');
const ROUNDS = 5;

/** A child that appends, and the lines that it has printed. */
class Appender {
  readonly process: ChildProcess;
  #printed = '';

  constructor(run: number) {
    this.process = spawn(process.execPath, [CHILD, directory.path, `run-${run}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.process.stdout?.on('data', (chunk) => {
      this.#printed += chunk;
    });
  }

  /** Whole lines only: the last one may have been cut off with the process. */
  get lines(): string[] {
    return this.#printed.split('\n').slice(0, -1);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await once(this.process, 'close');
  }
}

function expectWhole(all: readonly RecordedEvent[]): void {
  const hashes = new Map<string, string>();
  const found = new Map<string, number>();
  for (const [index, event] of all.entries()) {
    expect(event.position).toBe(BigInt(index + 1));
    expect(verifyEvent(event, hashes.get(event.stream) ?? '')).toBeUndefined();
    hashes.set(event.stream, event.metadata.hash);
    const { append, count } = event.data as { append: string; count: number };
    const key = `${event.stream} ${append} of ${count}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  for (const [key, count] of found) expect(key).toMatch(new RegExp(` of ${count}$`));
}

describe('a process that is killed while it appends', () => {
  it('has lost nothing that it answered, and nothing is there by halves', async () => {
    let acknowledged = 0;
    for (let run = 0; run < ROUNDS; run += 1) {
      const appender = new Appender(run);
      await until(() => appender.lines.length > 100 + run * 61);
      await appender.kill();
      const store = directory.open();
      const all = await collect(store.readAll(0n));
      expectWhole(all);
      for (const line of appender.lines.slice(1)) {
        const [stream, revision, position, append, count] = line.split(' ');
        const last = all[Number(position) - 1];
        expect(last).toMatchObject({ stream, revision: Number(revision) });
        expect(last?.data).toMatchObject({ append, count: Number(count) });
        acknowledged += Number(count);
      }
      expect(all.length).toBeGreaterThanOrEqual(acknowledged);
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(1_000);
  });

  it('kept others out while it lived, let them read, and frees the lock by its end', async () => {
    const appender = new Appender(0);
    await until(() => appender.lines.length > 10);
    expect(() => directory.open()).toThrow(StoreRefused);
    expect(() => directory.open()).toThrow(`${directory.path} is served by another netalloc`);
    const reader = directory.open({ readOnly: true });
    const first = await collect(reader.readAll(0n));
    expectWhole(first);
    await until(() => appender.lines.length > 200);
    expect(await reader.head()).toBeGreaterThan(first.at(-1)?.position ?? 0n);
    expect((await collect(reader.readAll(0n))).length).toBeGreaterThan(first.length);
    await appender.kill();
    expectWhole(await collect(directory.open().readAll(0n)));
  });
});
