import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Ledger } from '../../src/application/ledger.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { EventHandler, RecordedEvent, Store } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { KubeObject, Views } from '../../src/views/views.ts';
import { WholeCommands } from '../../src/views/whole-commands.ts';
import {
  claim,
  createProject,
  deleteClaim,
  deleteContext,
  deleteLocation,
  deleteNetwork,
  deleteProject,
  finalizers,
  location,
  network,
  planOf,
  updateNetwork,
} from '../ledger/commands.ts';

const log = pino({ level: 'silent' });
const KINDS = [
  'IPAllocation',
  ...['Namespace', 'Location', 'IPClass', 'IPPool', 'Network', 'NetworkContext'],
  ...['NetworkInterface', 'NetworkInterfaceClaim'],
];

interface Step {
  /** How far the clock goes on, which may also be back. */
  readonly afterMs: number;
  /** Whether the next step does not wait for this one: both may go into one append. */
  readonly isHasty: boolean;
  readonly project?: string;
  readonly command: ProjectCommand | PlatformCommand;
}

const projects = fc.constantFrom('alpha', 'alpha', 'alpha', 'beta');
const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const nets = fc.constantFrom('n0', 'n0', 'n1');
const places = fc.constantFrom('l0', 'l0', 'l1');
const claims = fc
  .tuple(names, nets, places, fc.constantFrom('Delete' as const, 'Retain' as const))
  .map(([name, net, place, reclaimPolicy]) =>
    claim(name, { network: net, location: place, reclaimPolicy }),
  );
const projectCommand: fc.Arbitrary<ProjectCommand> = fc.oneof(
  { weight: 8, arbitrary: claims },
  { weight: 5, arbitrary: names.map(deleteClaim) },
  { weight: 2, arbitrary: nets.map((net) => network(net)) },
  { weight: 2, arbitrary: nets.map((net) => updateNetwork(net, { mtu: 1500 })) },
  { weight: 1, arbitrary: nets.map(deleteNetwork) },
  { weight: 1, arbitrary: names.map((one) => finalizers('NetworkInterface', one, 'x/y')) },
  { weight: 1, arbitrary: names.map((one) => finalizers('NetworkInterface', one)) },
  { weight: 1, arbitrary: fc.tuple(nets, places).map((parts) => deleteContext(parts.join('.'))) },
  { weight: 1, arbitrary: fc.constantFrom(createProject, deleteProject) },
);
const platformCommand: fc.Arbitrary<PlatformCommand> = fc.oneof(
  places.map((place) => location(place)),
  places.map((place) => deleteLocation(place)),
);
const timing = {
  afterMs: fc.constantFrom(0, 0, 0, 1, 7, 90_000, -5),
  isHasty: fc.boolean(),
};
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ ...timing, project: projects, command: projectCommand }),
  },
  { weight: 1, arbitrary: fc.record({ ...timing, command: platformCommand }) },
);

/** What there is in every world, so that most claims can be met. */
const FIRST: readonly Step[] = [
  { command: location('l0') },
  { project: 'alpha', command: createProject },
  { project: 'alpha', command: network('n0') },
  { project: 'beta', command: createProject },
].map((one) => ({ afterMs: 1, isHasty: false, ...one }));

/** A ledger of its own that has done these steps, and the views that have followed it. */
async function worldAfter(steps: readonly Step[]) {
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  let ids = 0;
  const clock = () => new Date(nowMs);
  const newId = () => uuidOf('as-of', ids++);
  const store = new MemoryStore({ clock });
  const views = await openViews({ store, directory: undefined, clock, log });
  const plan = planOf();
  const ledger = await Ledger.open(
    {
      ...{ store, log, clock, newId, random: () => 0 },
      viewed: (position) => views.reached(position),
      answered: (commandId) => views.answered(commandId),
    },
    plan,
    true,
  );
  for (const { name } of plan.pools) await ledger.settlePool(name);
  let hasty: Promise<unknown>[] = [];
  for (const { afterMs, isHasty, project, command } of [...FIRST, ...steps]) {
    nowMs += afterMs;
    const request = ledger.own();
    const answer =
      project === undefined
        ? ledger.platform(command as PlatformCommand, request)
        : ledger.project(project, command as ProjectCommand, request);
    hasty.push(answer);
    if (isHasty) continue;
    await Promise.all(hasty);
    hasty = [];
  }
  await Promise.all(hasty);
  await ledger.close();
  await views.reached(await store.head());
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll(0n)) events.push(event);
  return { views, events, clock };
}

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

function past(views: Views, asOf: bigint): readonly KubeObject[][] {
  const query = { limit: Number.POSITIVE_INFINITY, asOf };
  return KINDS.map((kind) =>
    views.list(kind, query).items.map(({ object }) => JSON.parse(JSON.stringify(object))),
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
