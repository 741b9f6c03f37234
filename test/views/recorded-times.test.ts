import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Position, RecordedEvent, Store } from '../../src/store/store.ts';
import type { FollowingViews } from '../../src/views/following-views.ts';
import { openViews } from '../../src/views/open-views.ts';
import { WholeCommands } from '../../src/views/whole-commands.ts';
import { dump } from './fixture.ts';
import { step, worldAfter } from './random-lives.ts';

// Each round builds views in files, three times.
vi.setConfig({ testTimeout: 120_000 });

const quiet = { info: () => {}, warn: () => {} };
const clock = () => new Date('2030-01-01T00:00:00Z');

/** A log that has these events, whatever their times. */
function logOf(events: readonly RecordedEvent[]): Store {
  const after = (position: Position) => events.filter((event) => event.position > position);
  return {
    head: async () => events.at(-1)?.position ?? 0n,
    lostPositions: [],
    async *readAll(position: Position) {
      yield* after(position);
    },
    subscribe: (position, handler) => {
      const work = Promise.resolve().then(() => handler(after(position)));
      return { done: new Promise<void>(() => {}), stop: async () => work };
    },
  } as Partial<Store> as Store;
}

async function followed(store: Store, directory: string): Promise<FollowingViews> {
  const views = await openViews({ store, directory, clock, log: quiet });
  await views.ready;
  return views;
}

test('what was recorded by an instant is a beginning of the log, whatever clocks did', async () => {
  let stepsBack = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 20 }),
      fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 60, maxLength: 60 }),
      fc.constantFrom(0.3, 0.5, 0.8),
      async (steps, offsetsMs, share) => {
        const { views: first, events } = await worldAfter(steps);
        await first.close();
        const directory = mkdtempSync(join(tmpdir(), 'netalloc-times-'));
        onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
        const base = Date.parse('2029-01-01T00:00:00Z');
        const commands = new WholeCommands().take(events);
        const cut = Math.floor(share * commands.length);
        const told: RecordedEvent[][] = [];
        const meant: RecordedEvent[][] = [];
        const times: number[] = [];
        for (const [index, command] of commands.entries()) {
          // The clock steps back where the views are opened again, above all.
          const offsetMs = index === cut - 1 ? 40_000 : (offsetsMs[index % 60] as number);
          const atMs = base + index * 1_000 + offsetMs;
          if (atMs < (times.at(-1) ?? 0)) stepsBack += 1;
          times.push(Math.max(atMs, times.at(-1) ?? 0));
          const dated = (ms: number) =>
            command.map((event) => ({ ...event, recordedAt: new Date(ms).toISOString() }));
          told.push(dated(atMs));
          meant.push(dated(times.at(-1) as number));
        }
        // Once as told, interrupted somewhere, and once as it is meant to be taken.
        await (await followed(logOf(told.slice(0, cut).flat()), directory)).close();
        const views = await followed(logOf(told.flat()), directory);
        for (const atMs of times.flatMap((at) => [at - 1, at, at + 1])) {
          const ends = meant.filter((_, index) => (times[index] as number) <= atMs);
          expect(views.positionAt(atMs)).toBe(ends.at(-1)?.at(-1)?.position ?? 0n);
        }
        await views.close();
        const other = mkdtempSync(join(tmpdir(), 'netalloc-times-'));
        onTestFinished(() => rmSync(other, { recursive: true, force: true }));
        await (await followed(logOf(meant.flat()), other)).close();
        const rows = (where: string) => dump(join(where, 'views.sqlite'));
        expect(rows(directory)).toEqual(rows(other));
      },
    ),
    { numRuns: 5 },
  );
  expect(stepsBack).toBeGreaterThan(0);
});
