import fc from 'fast-check';
import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import { Recovery } from '../../src/application/recovery.ts';
import type { LedgerAnswer } from '../../src/application/request.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { FollowingViews, FollowOptions } from '../../src/views/following-views.ts';
import { openViews } from '../../src/views/open-views.ts';
import {
  type Command,
  claim,
  createProject,
  deleteClaim,
  deleteInterface,
  finalizers,
  location,
  network,
  planOf,
  reportStatus,
  updateLocation,
  updateNetwork,
} from '../ledger/commands.ts';

export const KINDS = [
  'IPAllocation',
  'Namespace',
  'Location',
  'IPClass',
  'IPPool',
  'Network',
  'NetworkContext',
  'NetworkInterface',
  'NetworkInterfaceClaim',
];

/** Ledger, views and what connects them, as the service puts them together, in memory. */
export interface LivingWorld {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly views: FollowingViews;
  /** Moves with every command, and as tests move it. */
  readonly time: { ms: number };
  readonly newId: () => string;
  /** Carries out a command of project alpha, or of the platform; the views have it then. */
  run(command: Command, project?: string): Promise<LedgerAnswer>;
  close(): Promise<void>;
}

interface Options extends Pick<FollowOptions, 'window'> {
  readonly store?: Store;
  readonly time?: { ms: number };
}

export async function livingWorld({ window, ...given }: Options = {}): Promise<LivingWorld> {
  const time = given.time ?? { ms: Date.UTC(2026, 0, 1) };
  const clock = () => new Date(time.ms);
  const store = given.store ?? new MemoryStore({ clock });
  const log = pino({ level: 'silent' });
  let ids = Number(await store.head()) * 100;
  const newId = () => {
    ids += 1;
    return uuidOf('living', ids);
  };
  const views = await openViews({
    ...{ store, directory: undefined, clock, log },
    ...(window && { window }),
  });
  const viewed = (position: bigint) => views.reached(position);
  const answered = (commandId: string) => views.answered(commandId);
  const ledger = await Ledger.open(
    { store, log, clock, newId, random: () => 0.5, viewed, answered },
    planOf(),
    false,
  );
  await views.ready;
  const recovery = new Recovery({ ledger, views, log, clock });
  views.onApplied((events) => recovery.react(events));
  await recovery.start();
  await views.reached(await store.head());
  const platform = new Set(['CreateLocation', 'UpdateLocation', 'DeleteLocation']);
  return {
    ...{ store, ledger, views, time, newId },
    run: (command, project = 'alpha') => {
      time.ms += 1_000;
      const actor = { issuer: 'test', subject: 'me', role: 'operator' };
      const commandId = newId();
      const request = { commandId, correlationId: commandId, actor, dryRun: false };
      return platform.has(command.type)
        ? ledger.platform(command as never, request)
        : ledger.project(project, command as ProjectCommand, request);
    },
    close: async () => {
      await recovery.close();
      await ledger.close();
      await views.close();
      await store.close();
    },
  };
}

/** Gives a world a project with a network in one location. */
export async function settle(world: LivingWorld): Promise<void> {
  await world.run(createProject);
  await world.run(location('us'));
  await world.run(network('net'));
}

/** A command that sets the labels of a claim. */
export function labels(name: string, labels: Record<string, string>): Command {
  const metadata = { labels };
  const command = { type: 'ChangeMetadata', kind: 'NetworkInterfaceClaim', name, expect: {} };
  return { ...command, metadata } as Command;
}

const names = fc.constantFrom('a', 'b', 'c', 'd');

/** Commands that make, change and delete objects of most kinds; some are refused, some wait. */
export const someCommands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(names, fc.constantFrom('us', 'eu'), fc.constantFrom('Delete', 'Retain'))
      .map(([name, location, reclaimPolicy]) =>
        claim(name, { location, reclaimPolicy: reclaimPolicy as 'Delete' }),
      ),
  },
  { weight: 4, arbitrary: names.map(deleteClaim) },
  { weight: 2, arbitrary: names.map(deleteInterface) },
  { weight: 2, arbitrary: names.map((name) => reportStatus(name)) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(names, fc.constantFrom('web', 'db'))
      .map(([name, app]) => labels(name, { app })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(names, fc.constantFrom([], ['x/y']))
      .map(([name, list]) => finalizers('NetworkInterface', name, ...list)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(1400, 1500).map((mtu) => updateNetwork('net', { mtu })),
  },
  { weight: 1, arbitrary: fc.constant(location('eu')) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((draining) => updateLocation('us', { draining })),
  },
);
