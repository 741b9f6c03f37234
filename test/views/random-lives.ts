import fc from 'fast-check';
import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { RecordedEvent } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { KubeObject, Views } from '../../src/views/views.ts';
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

/** The kinds that lists are compared of. */
export const KINDS = [
  'IPAllocation',
  ...['Namespace', 'Location', 'IPClass', 'IPPool', 'Network', 'NetworkContext'],
  ...['NetworkInterface', 'NetworkInterfaceClaim'],
];

export interface Step {
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
/** Something that happens in a random life of a ledger. */
export const step: fc.Arbitrary<Step> = fc.oneof(
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
export async function worldAfter(steps: readonly Step[]) {
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
  return { store, views, events, clock };
}

/** All objects as they were at a position. */
export function past(views: Views, asOf: bigint): readonly KubeObject[][] {
  const query = { limit: Number.POSITIVE_INFINITY, asOf };
  return KINDS.map((kind) =>
    views.list(kind, query).items.map(({ object }) => JSON.parse(JSON.stringify(object))),
  );
}
