import fc from 'fast-check';
import type { Grant } from '../../src/ledger/decision.ts';
import type { ClaimSpec } from '../../src/ledger/events.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../../src/ledger/names.ts';
import type { PlatformState } from '../../src/ledger/platform/state.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { ANY_POOL } from '../../src/ledger/project/waiting-line.ts';
import {
  type Command,
  claim,
  context,
  continueDeletion,
  createProject,
  deleteClaim,
  deleteContext,
  deleteInterface,
  deleteIPAllocation,
  deleteIPClaim,
  deleteLocation,
  deleteNetwork,
  deleteProject,
  finalizers,
  ipClaim,
  location,
  network,
  reportStatus,
  serveWaiting,
  updateLocation,
  updateNetwork,
} from './commands.ts';
import {
  changePool,
  deletePool,
  newPools,
  OWNED_POOL,
  OWNED_PREFIXES,
  poolChanges,
  poolNames,
  registerPool,
  settlePool,
} from './random-pools.ts';
import { carveForOther, rangeOfOther } from './steps.ts';
import type { World } from './world.ts';

/** Something that may happen in a small world, with a name for reports of failures. */
export interface Action {
  readonly name: string;
  run(world: World, memory: Memory): void;
}

/** What outlives an action: commands on their way, and what they were given. */
export interface Memory {
  readonly late: { command: ProjectCommand; grants: Grant[] }[];
  readonly platforms: PlatformState[];
}

/** A few names, of which some are in use most of the time, so that their pools fill. */
const networks = fc.constantFrom(...Array<string>(7).fill('n0'), 'n1', 'n2', 'n3');
const locations = fc.constantFrom(...Array<string>(7).fill('l0'), 'l1', 'l2');
const names = fc.constantFrom(...'abcdefghijkl');
const families = fc.constantFrom(
  ['IPv6', 'IPv4'] as const,
  ['IPv4', 'IPv6'] as const,
  ['IPv6'] as const,
  ['IPv4'] as const,
);
const held = fc.constantFrom([], ['x/y']);

const claims = fc
  .record({
    name: names,
    network: networks,
    location: locations,
    ipFamilies: families.map((list) => [...list]),
    reclaimPolicy: fc.constantFrom<ClaimSpec['reclaimPolicy']>('Delete', 'Delete', 'Retain'),
    pin: fc.constantFrom(...Array(20).fill(undefined), 'a', 'b'),
    interfaceName: fc.constantFrom(...Array(9).fill('eth0'), 'eth1'),
    isPublic: fc.constantFrom(false, false, true),
  })
  .map(({ name, pin, isPublic, ...parts }) =>
    claim(name, {
      ...parts,
      ...(pin === undefined ? {} : { networkInterfaceName: pin }),
      ...(isPublic ? { addresses: [{ class: 'public4' }] } : {}),
    }),
  );

const ipClaims = fc
  .record({
    name: names,
    own: fc.boolean(),
    network: networks,
    location: locations,
    reclaimPolicy: fc.constantFrom<ClaimSpec['reclaimPolicy']>('Delete', 'Delete', 'Retain'),
  })
  .map(({ name, own, network, location, reclaimPolicy }) => {
    const source = own
      ? { ipFamily: 'IPv4' as const, scope: { network, location } }
      : { className: 'public4' };
    return ipClaim(name, { ...source, reclaimPolicy });
  });

const contextNames = fc.tuple(networks, locations).map((parts) => parts.join('.'));
const ipams = fc.constantFrom(
  {},
  {},
  {},
  { ipv6Range: 'fd20::100/120' },
  { ipv4Range: '10.0.0.0/28' },
  { mode: 'Policy' as const },
  ...OWNED_PREFIXES.map((ipv4Range) => ({ ipv4Range })),
);
const ownedNetworks = fc
  .tuple(fc.constantFrom('n1', 'n2', 'n3'), fc.constantFrom(...OWNED_PREFIXES))
  .map(([name, ipv4Range]) => network(name, { ipFamilies: ['IPv4'], ipam: { ipv4Range } }));
const networkParts = fc.record({ ipFamilies: families.map((list) => [...list]), ipam: ipams });
const subnet = { family: 'IPv6' as const, prefix: 'fd20::40/122' };
const subnets = fc.constantFrom(undefined, undefined, subnet);

const objectsOf = (kind: string) => (name: string) => [kind, name] as const;
const objects = fc.oneof(
  often(4, names.map(objectsOf('NetworkInterface'))),
  often(3, names.map(objectsOf('NetworkInterfaceClaim'))),
  often(2, networks.map(objectsOf('Network'))),
  often(2, contextNames.map(objectsOf('NetworkContext'))),
  often(1, fc.constant('alpha').map(objectsOf('Namespace'))),
);

const newNetworks = fc.tuple(networks, networkParts).map(([name, parts]) => network(name, parts));
const newContexts = fc
  .tuple(contextNames, subnets)
  .map(([name, one]) => context(name, one && [one]));
const changes = fc.tuple(objects, held).map(([[kind, name], list]) => {
  return finalizers(kind, name, ...list) as ProjectCommand;
});
const statuses = names.map((name) => reportStatus(name));
const widened = fc
  .tuple(networks, fc.constantFrom(1460, 1460, 1400))
  .map(([name, mtu]) => updateNetwork(name, { mtu }));

/** Commands of the project, those of most interest most often. */
const projectCommands: fc.Arbitrary<ProjectCommand> = fc.oneof(
  often(90, claims),
  often(32, names.map(deleteClaim)),
  often(8, names.map(deleteInterface)),
  often(14, ipClaims),
  often(8, names.map(deleteIPClaim)),
  often(4, names.map(deleteIPAllocation)),
  often(4, statuses),
  often(8, newNetworks),
  often(4, widened),
  often(3, networks.map(deleteNetwork)),
  often(4, newContexts),
  often(6, contextNames.map(deleteContext)),
  often(6, fc.constant(createProject)),
  often(1, fc.constant(deleteProject)),
  often(2, fc.constant(continueDeletion)),
  often(6, fc.constant(serveWaiting())),
  often(4, fc.constant({ type: 'ExpireRetentions' } as const)),
  often(16, changes),
);

const places = locations.map((name) => location(name));
const openings = fc.tuple(locations, fc.constantFrom('*', '*', '*', 'beta'), fc.nat(3));
const updates = openings.map(([name, open, n]) =>
  updateLocation(name, { projects: [open], draining: n === 0 }),
);
const holds = fc
  .tuple(locations, held)
  .map(([name, list]) => finalizers('Location', name, ...list));
const platformCommands: fc.Arbitrary<Command> = fc.oneof(
  often(6, places),
  often(3, updates),
  often(1, holds),
);

function often<T>(weight: number, arbitrary: fc.Arbitrary<T>) {
  return { weight, arbitrary };
}

/** Decides a command once; what it is granted is kept for later, or never used. */
function decideOnce(world: World, memory: Memory, command: ProjectCommand, grants: Grant[]) {
  const decision = world.inProject(command, world.contextOf(grants));
  if (decision.outcome !== 'needs') return;
  world.fulfil(decision.need, grants);
  memory.late.push({ command, grants });
}

/** Fences a hold that nothing was committed with; what follows takes it back. */
function recoverHold(world: World, index: number): void {
  const holds = [...world.pools.values()].flatMap((pool) => [...pool.holds.values()]);
  const open = holds.filter(({ grantId }) => !world.project.heldGrants.has(grantId));
  const hold = open[index % Math.max(1, open.length)];
  if (hold === undefined) return;
  const { grantId } = hold;
  world.run({ type: 'AbandonGrant', grantId });
  world.settle();
}

/** Fences a grant that nothing was committed with, and takes it back. Gives whether one was. */
export function recoverGrant(world: World, index: number): boolean {
  const carves = [...world.pools].flatMap(([pool, { carves }]) =>
    [...carves.values()]
      .filter(({ childPool }) => childPool !== 'p')
      .map(({ grantId }) => ({ pool, grantId, location: undefined })),
  );
  const joins = [...world.platform.locations.values()].flatMap(({ name, uid, joined }) =>
    [...joined.values()].map(({ grantId }) => {
      return { pool: undefined, grantId, location: { name, uid } };
    }),
  );
  const committed = new Set(world.log.flatMap(committedBy));
  const open = [...carves, ...joins].filter(({ grantId }) => !committed.has(grantId));
  const grant = open[index % Math.max(1, open.length)];
  if (grant === undefined) return false;
  const { grantId, pool, location } = grant;
  world.run({ type: 'AbandonGrant', grantId });
  const availableAt = new Date(world.atMs).toISOString();
  if (pool !== undefined) world.onPool(pool, { type: 'ReturnRange', grantId, availableAt });
  else world.run({ type: 'LeaveLocation', location, project: 'alpha', grantId });
  return true;
}

function committedBy(event: World['log'][number]): string[] {
  if (event.type === 'RangeAdded' && event.data.grant) return [event.data.grant.id];
  return event.type === 'NetworkContextCreated' ? [event.data.grantId] : [];
}

/** Other projects come and go in the root pool. */
function otherProject(world: World, ordinal: number): void {
  const carve = rangeOfOther(world, ordinal);
  if (carve === undefined) {
    world.onPool('root', carveForOther(ordinal, 119));
    return;
  }
  const availableAt = new Date(world.atMs + ordinal * 10_000).toISOString();
  world.onPool('root', { type: 'ReturnRange', grantId: carve.grantId, availableAt });
}

/** Removes all that stands in a context, then the context. */
function clearContext(world: World, name: string): void {
  for (const nic of world.project.interfaces.values()) {
    if (nic.presence !== name) continue;
    if (nic.claim !== undefined) world.run(deleteClaim(nic.claim.name));
    world.run(deleteInterface(nic.name));
  }
  for (const { name: block, scope } of world.project.allocations.values()) {
    if (`${scope.network}.${scope.location}` !== name) continue;
    world.run(deleteIPClaim(block));
    world.run(deleteIPAllocation(block));
  }
  world.run(deleteContext(name));
}

/** Closes the project and opens one of its name, while other streams still know the old one. */
function reopen(world: World): void {
  for (const name of world.project.presences.keys()) clearContext(world, name);
  world.run(deleteProject);
  world.run(createProject);
}

/** Decides a command under an older state of the platform than the one that is in force. */
function decideUnderOlder(world: World, memory: Memory, command: ProjectCommand, back: number) {
  const seen = Math.max(0, world.project.platformRevision);
  const usable = memory.platforms.filter(({ revision }) => revision >= seen);
  const platform = usable.at(-1 - (back % Math.max(1, usable.length))) ?? world.platform;
  world.inProject(command, { ...world.contextOf(), platform });
  // A class may have changed while this was decided: who changes one tries who began to wait, too.
  world.run(serveWaiting(ANY_POOL));
}

/** Commits with grants that were given a while ago. */
function commitLate(world: World, memory: Memory, index: number): void {
  const [late] = memory.late.splice(index % Math.max(1, memory.late.length), 1);
  if (late !== undefined) decideOnce(world, memory, late.command, late.grants);
}

/** Deletes a location as the API does, which counts the interfaces that stand there. */
function removeLocation(world: World, name: string): void {
  const { interfaces, allocations, presences } = world.project;
  const isThere = (presence: string) => presences.get(presence)?.location.name === name;
  const standing =
    interfaces.count(({ presence }) => isThere(presence)) +
    allocations.count(({ scope }) => scope.location === name);
  world.run(deleteLocation(name, standing));
}

/** What operators change of classes: how long blocks are, how many of them, and for whom. */
const classChanges = fc.oneof(
  fc.record({
    name: fc.constant('endpoint6'),
    changes: fc.constantFrom(123, 124).map((defaultPrefixLength) => ({
      defaultPrefixLength,
      allowedPrefixLengths: { min: 123, max: 124 },
    })),
  }),
  fc.record({
    name: fc.constantFrom('endpoint4', 'endpoint6', 'public4'),
    changes: fc.constantFrom(undefined, undefined, 2, 4).map((projectQuota) => ({ projectQuota })),
  }),
  fc.record({
    name: fc.constant('public4'),
    changes: fc.constantFrom('shared', 'shared', 'platform').map((visibility) => ({ visibility })),
  }),
);

function changeClass(world: World, name: string, changes: object): void {
  const { spec: before, isDefault } = world.platform.classes.get(name)!;
  const spec = JSON.parse(JSON.stringify({ ...before, ...changes }));
  const metadata = isDefault ? { annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } } : {};
  world.run({ type: 'UpdateClass', name, spec, metadata, expect: {} });
}

/** Actions on arbitrary values; their name is what a report of a failure shows. */
function acts<T>(
  weight: number,
  what: string,
  values: fc.Arbitrary<T>,
  run: (world: World, value: T, memory: Memory) => unknown,
) {
  const arbitrary = values.map((value): Action => {
    const name = `${what} ${JSON.stringify(value)}`;
    const action = {
      name,
      run: (world: World, memory: Memory) => void run(world, value, memory),
    };
    return { ...action, [fc.toStringMethod]: () => name } as Action;
  });
  return { weight, arbitrary };
}

const nothing = fc.constant('');
const index = fc.nat(20);
const jumps = fc.constantFrom(0, 1, 20_000, 59_999, 60_000, 200_000);
const needy = fc.oneof(
  often(4, claims),
  often(1, ipClaims),
  often(1, newNetworks),
  often(1, ownedNetworks),
  often(2, newContexts),
);

/** What may happen next. */
export const actions: fc.Arbitrary<Action> = fc.oneof(
  acts(30, 'run', projectCommands, (world, command) => world.run(command)),
  acts(5, 'run', platformCommands, (world, command) => world.run(command)),
  acts(8, 'once', needy, (world, one, memory) => decideOnce(world, memory, one, [])),
  acts(4, 'late', index, (world, n, memory) => commitLate(world, memory, n)),
  acts(4, 'recover', index, (world, n) => recoverGrant(world, n)),
  acts(2, 'recover hold', index, (world, n) => recoverHold(world, n)),
  acts(3, 'on older', fc.tuple(needy, index), (world, [one, n], memory) =>
    decideUnderOlder(world, memory, one, n),
  ),
  acts(3, 'clear', contextNames, (world, name) => clearContext(world, name)),
  acts(1, 'reopen', nothing, (world) => reopen(world)),
  acts(2, 'other project', fc.nat(3), (world, n) => otherProject(world, n)),
  acts(3, 'register pool', fc.tuple(poolNames, newPools), (world, [name, spec]) =>
    registerPool(world, name, spec),
  ),
  acts(4, 'make pool', fc.tuple(poolNames, newPools), (world, [name, spec]) => {
    registerPool(world, name, spec);
    settlePool(world, name);
  }),
  acts(3, 'own pool', nothing, (world) => {
    registerPool(world, 'x2', OWNED_POOL);
    settlePool(world, 'x2');
  }),
  acts(6, 'owned network', ownedNetworks, (world, command) => world.run(command)),
  acts(3, 'change pool', fc.tuple(poolNames, poolChanges), (world, [name, change]) =>
    changePool(world, name, change),
  ),
  acts(2, 'delete pool', poolNames, (world, name) => deletePool(world, name)),
  acts(6, 'settle pool', poolNames, (world, name) => settlePool(world, name)),
  acts(3, 'change class', classChanges, (world, { name, changes }) =>
    changeClass(world, name, changes),
  ),
  acts(1, 'remove', locations, (world, name) => removeLocation(world, name)),
  acts(6, 'settle', nothing, (world) => world.settle()),
  acts(6, 'pass', jumps, (world, ms) => world.pass(ms)),
);
