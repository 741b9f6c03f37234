import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openImportTarget } from '../../src/store/import-target.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Position, RecordedEvent, Store } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { Views } from '../../src/views/views.ts';
import { collect } from '../store/writing.ts';
import { past, step, worldAfter } from '../views/random-lives.ts';
import { CATEGORIES, exported, imported, importedInto, temporaryDirectory } from './files.ts';

const log = pino({ level: 'silent' });
const later = () => new Date('2031-07-01T00:00:00Z');

/** A log and views that have seen all of it. */
async function followed(store: Store) {
  const views = await openViews({ store, directory: undefined, clock: later, log });
  await views.ready;
  const events = await collect(store.readAll(0n));
  return { store, views, events };
}

/** What there was at a position, told without positions: by the places of events in their log. */
function shownAt(views: Views, events: readonly RecordedEvent[], position: Position) {
  const places = new Map(events.map((event, index) => [String(event.position), index]));
  return past(views, position)
    .flat()
    .map(({ metadata, ...rest }) => {
      const { resourceVersion, ...named } = metadata;
      return { ...rest, metadata: named, changedBy: places.get(String(resourceVersion)) };
    });
}

const known = ({ position: _position, ...event }: RecordedEvent) => event;

test('a log that was moved has the same answers at every instant and place', async () => {
  let instants = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.array(fc.double({ min: -0.1, max: 1.1, noNaN: true }), { minLength: 8, maxLength: 8 }),
      async (steps, shares) => {
        const world = await worldAfter(steps);
        await world.views.close();
        const directory = temporaryDirectory();
        const file = await exported(world.store);
        const open = { directory, clock: later, categories: CATEGORIES };
        const target = await openImportTarget('sqlite', open, await world.store.head());
        await importedInto(file, target);
        const back = new MemoryStore({ clock: later });
        await imported(await exported(target.store), back);
        const logs = await Promise.all([world.store, target.store, back].map(followed));
        const [source, ...moved] = logs as [(typeof logs)[number], ...typeof logs];
        const ms = source.events.map(({ recordedAt }) => Date.parse(recordedAt));
        const [first = 0, last = 0] = [ms[0], ms.at(-1)];
        const asked = [...ms, ...ms.map((at) => at - 1)];
        asked.push(...shares.map((share) => Math.round(first + share * (last - first))));
        for (const { views, events } of moved) {
          expect(events.map(known)).toEqual(source.events.map(known));
          for (const at of asked) {
            const there = views.positionAt(at);
            const here = source.views.positionAt(at);
            const place = (all: readonly RecordedEvent[], position: Position) =>
              all.findIndex((event) => event.position === position);
            expect(place(events, there)).toBe(place(source.events, here));
          }
          for (const share of shares) {
            const at = Math.round(first + share * (last - first));
            const there = shownAt(views, events, views.positionAt(at));
            const here = shownAt(source.views, source.events, source.views.positionAt(at));
            expect(there).toEqual(here);
            instants += here.length > 0 ? 1 : 0;
          }
        }
        await Promise.all(logs.map(({ views }) => views.close()));
        await target.store.close();
      },
    ),
    { numRuns: 12 },
  );
  expect(instants).toBeGreaterThan(0);
});
