import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { EventHandler, RecordedEvent, Store } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { KubeObject, Views } from '../../src/views/views.ts';
import { WholeCommands } from '../../src/views/whole-commands.ts';
import { KINDS, past, step, worldAfter } from './random-lives.ts';

const log = pino({ level: 'silent' });

/** Views that are given a log by commands: after each they are those of a log that ends there. */
async function viewsOfCutLog(clock: () => Date) {
  let give: EventHandler = () => {};
  const store = {
    head: async () => 0n,
    lostPositions: [],
    subscribe: (_after: bigint, handler: EventHandler) => {
      give = handler;
      return { done: new Promise<void>(() => {}), stop: async () => {} };
    },
  } as Partial<Store> as Store;
  const views = await openViews({ store, directory: undefined, clock, log });
  return { views, give: (events: readonly RecordedEvent[]) => give(events) };
}

function present(views: Views): readonly KubeObject[][] {
  const all = { limit: Number.POSITIVE_INFINITY };
  return KINDS.map((kind) =>
    views
      .list(kind, all)
      .items.map(({ object }) => withoutCounts(JSON.parse(JSON.stringify(object)))),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: fields of several kinds are taken away.
function withoutCounts(object: any): KubeObject {
  if (object.kind === 'IPPool') {
    const { phase, capacity, utilizationPercent, ...status } = object.status;
    return { ...object, status };
  }
  if (object.kind !== 'NetworkContext') return object;
  const { interfaces, subnets, ...status } = object.status;
  const bare = subnets.map(({ total, held, free, ...subnet }: Record<string, unknown>) => subnet);
  return { ...object, status: { ...status, subnets: bare } };
}

test('lists and gets of a position or an instant are those of a log that ends there', async () => {
  let queued = 0;
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const { views, events, clock } = await worldAfter(steps);
      const cut = await viewsOfCutLog(clock);
      const commands = new WholeCommands().take(events);
      let lastMs = 0;
      expect(past(views, 0n)).toEqual(KINDS.map(() => []));
      for (const [index, command] of commands.entries()) {
        await cut.give(command);
        const { position: end, recordedAt } = command.at(-1) as RecordedEvent;
        const there = present(cut.views);
        for (const { position } of command) {
          expect(views.commandEnd(position)).toBe(end);
        }
        expect(past(views, end)).toEqual(there);
        for (const { kind, metadata } of there.flat()) {
          const { namespace = '', name } = metadata;
          const got = views.getAt(kind, namespace, name, end)?.object;
          const at = cut.views.getAt(kind, namespace, name, end)?.object;
          expect(got).toEqual(at);
          expect(got?.metadata).toEqual(metadata);
        }
        const recordedMs = Date.parse(recordedAt);
        const next = commands[index + 1]?.[0]?.recordedAt;
        if (next === recordedAt) shared += 1;
        else expect(views.positionAt(recordedMs)).toBe(end);
        if (recordedMs > lastMs) {
          const before = commands[index - 1]?.at(-1)?.position ?? 0n;
          expect(views.positionAt(recordedMs - 1)).toBe(before);
        }
        lastMs = recordedMs;
      }
      queued += events.filter(({ type }) => type === 'ClaimQueued').length;
      await Promise.all([views.close(), cut.views.close()]);
    }),
    { numRuns: 25 },
  );
  // The worlds are of use only if something waited in them, and if instants were shared.
  expect(queued).toBeGreaterThan(0);
  expect(shared).toBeGreaterThan(0);
});
