import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matured } from '../../src/addressing/timed-space.ts';
import { Replay } from '../../src/application/replay.ts';
import { type EventType, eventSchemas, type LedgerEvent } from '../../src/ledger/events.ts';
import { evolvePlatform } from '../../src/ledger/platform/evolve.ts';
import { initialPlatform } from '../../src/ledger/platform/state.ts';
import { evolvePool } from '../../src/ledger/pool/evolve.ts';
import { initialPool, type PoolState } from '../../src/ledger/pool/state.ts';
import type { PoolSpace } from '../../src/ledger/pool-space.ts';
import { evolveProject } from '../../src/ledger/project/evolve.ts';
import { initialProject, type ProjectState } from '../../src/ledger/project/state.ts';
import { encodeState, StateDecoder } from '../../src/snapshots/state-codec.ts';
import {
  createProject,
  deleteClaim,
  deleteInterface,
  deleteIPAllocation,
  deleteIPClaim,
  deleteNetwork,
  deleteProject,
  finalizers,
  location,
  network,
  planWith,
  publicV4,
  serveWaiting,
} from './commands.ts';
import { NaiveLedger } from './naive-ledger.ts';
import { plainState } from './plain-state.ts';
import { type Action, actions, type Memory, recoverGrant } from './random-actions.ts';
import { deletePool, settlePool } from './random-pools.ts';
import { type AnyDecision, type AnyState, type Observed, World } from './world.ts';

const RUNS = Number(process.env.RANDOM_WORLD_RUNS ?? 150);
const ACTIONS_MAX = 200;
const AN_HOUR_MS = 3_600_000;
const PAGE_EVENTS = 7;

/** Commands that say what is to be, and therefore write it down each time. */
const REPEATING = new Set(
  ['UpdateNetwork', 'UpdateLocation', 'ChangeMetadata'].concat([
    ...['ReportInterfaceStatus', 'UpdatePool', 'WidenRegistration', 'UpdateClass'],
  ]),
);
/** Commands that go on until there is nothing left to do. */
const CONTINUING = new Set(['ServeWaiting', 'ContinueDeletion', 'VacateLocation']);
/** What such a command may write again. */
const RESTATED: readonly EventType[] = [
  'NetworkUpdated',
  'LocationUpdated',
  'ObjectMetadataChanged',
  'InterfaceStatusReported',
  'IPPoolUpdated',
  'IPClassUpdated',
  'PoolRegistrationChanged',
];

function evolve(stream: string, state: AnyState, event: LedgerEvent): AnyState {
  if (stream === 'platform') return evolvePlatform(state as never, event);
  return stream === 'project'
    ? evolveProject(state as never, event)
    : evolvePool(state as never, event);
}

/** The state after events as a reader of the log finds them. */
function folded(stream: string, state: AnyState, events: readonly LedgerEvent[]): AnyState {
  const read = JSON.parse(JSON.stringify(events)) as LedgerEvent[];
  return read.reduce((at, event) => evolve(stream, at, event), state);
}

/** The same, as a mailbox reads a stream: page by page, on a state that nobody else sees. */
function replayed(stream: string, state: AnyState, events: readonly LedgerEvent[]): AnyState {
  const before = plainState(state);
  const replay = new Replay(state, (at: AnyState, event: LedgerEvent) => evolve(stream, at, event));
  for (let from = 0; from < events.length; from += PAGE_EVENTS) {
    replay.add(JSON.parse(JSON.stringify(events.slice(from, from + PAGE_EVENTS))));
  }
  expect(plainState(state)).toBe(before);
  return replay.end();
}

/** Checks every decision of a world against what holds for all decisions. */
function watch(world: World): NaiveLedger {
  const naive = new NaiveLedger();
  for (const event of world.log) naive.apply(event.stream, event);
  const texts = new WeakMap<AnyState, string>();
  world.observe = (observed, decision) => {
    const { stream, state } = observed;
    if (decision.outcome === 'decided') {
      for (const event of decision.events) {
        expect(eventSchemas[event.type].parse(event.data)).toStrictEqual(event.data);
        naive.apply(stream, event);
      }
      const after = plainState(decision.state);
      expect(plainState(folded(stream, state, decision.events))).toBe(after);
      texts.set(decision.state, after);
      if (stream === 'project') expectSameCounts(decision.state as ProjectState, naive, world.atMs);
      else if (stream !== 'platform') {
        expectSamePools(
          (decision.state as PoolState).pools.map(({ space }) => space),
          naive,
          world,
        );
      }
      expectNoSecondEffect(observed, decision);
    }
    expectSameFromSnapshot(observed, decision);
    expect(plainState(state)).toBe(texts.get(state) ?? plainState(state));
  };
  return naive;
}

/** Every address of every pool is in exactly one place, and both opinions agree on which. */
function expectSameCounts(state: ProjectState, naive: NaiveLedger, atMs: number): void {
  expectSamePools(state.pools, naive, { atMs });
  const own = [...naive.pools.keys()].filter((name) => name.includes('.'));
  expect(own.sort()).toEqual([...state.pools.keys()].sort());
}

function expectSamePools(
  pools: { values(): Iterable<PoolSpace> },
  naive: NaiveLedger,
  { atMs }: Pick<World, 'atMs'>,
): void {
  for (const pool of pools.values()) {
    const { total, held, carved, reserved, quarantined } = naive.countsOf(pool.name, atMs);
    const spaces = pool.ranges.map(({ space }) => matured(space, atMs));
    const free = spaces.reduce((sum, { space }) => sum + space.free, 0n);
    const resting = spaces.reduce((sum, space) => sum + space.quarantined, 0n);
    expect([pool.name, resting]).toEqual([pool.name, quarantined]);
    expect([pool.name, free + resting + held + carved + reserved]).toEqual([pool.name, total]);
  }
}

/** Snapshot and tail make the state that the whole stream makes. */
function expectSameFromAnySnapshot(events: readonly LedgerEvent[], whole: AnyState): void {
  const text = [...encodeState(whole)];
  for (const cut of [1, Math.floor(events.length / 2), events.length]) {
    const before = replayed('project', initialProject('alpha'), events.slice(0, cut));
    const state = decodedFrom([...encodeState(before)]);
    expect([...encodeState(replayed('project', state, events.slice(cut)))]).toEqual(text);
  }
}

function decodedFrom(parts: readonly string[]): AnyState {
  const decoder = new StateDecoder();
  for (const part of parts) decoder.add(part);
  return decoder.end() as AnyState;
}

/** A state that went through a snapshot is the same to every decision, and has the same text. */
function expectSameFromSnapshot({ state, decide }: Observed, decision: AnyDecision): void {
  const parts = [...encodeState(state)];
  const decoded = decodedFrom(parts);
  expect([...encodeState(decoded)]).toEqual(parts);
  const again = decide(decoded);
  expect(plainDecision(again)).toEqual(plainDecision(decision));
  if (again.outcome !== 'decided' || decision.outcome !== 'decided') return;
  expect([...encodeState(again.state)]).toEqual([...encodeState(decision.state)]);
}

function plainDecision(decision: AnyDecision): object {
  return decision.outcome === 'decided' ? { ...decision, state: undefined } : decision;
}

function expectNoSecondEffect({ command, decide }: Observed, decision: AnyDecision): void {
  if (decision.outcome !== 'decided' || CONTINUING.has(command.type)) return;
  const again = decide(decision.state);
  if (again.outcome !== 'decided') return;
  const allowed = REPEATING.has(command.type) ? RESTATED : [];
  const effects = again.events.filter(({ type }) => !allowed.includes(type));
  expect(effects.map(({ type }) => `${command.type} again: ${type}`)).toEqual([]);
}

/** Once all has settled nobody is left waiting who could be met. */
function expectAllServed(world: World): void {
  world.pass(0);
  world.settle();
  const before = world.log.length;
  world.run(serveWaiting());
  const served = world.log.slice(before).filter(({ type }) => !['ClaimQueued'].includes(type));
  expect(served).toEqual([]);
  world.settle();
}

function expectSameAsLog(world: World): void {
  const eventsOf = (stream: string) => world.log.filter((event) => event.stream === stream);
  const project = replayed('project', initialProject('alpha'), eventsOf('project'));
  expect(plainState(project)).toBe(plainState(world.project));
  expectSameFromAnySnapshot(eventsOf('project'), project);
  const platform = replayed('platform', initialPlatform(), eventsOf('platform'));
  expect(plainState(platform)).toBe(plainState(world.platform));
  for (const [name, state] of world.pools) {
    const pool = replayed(`pool.${name}`, initialPool(), eventsOf(`pool.${name}`));
    expect(plainState(pool)).toBe(plainState(state));
  }
}

/** Fences and takes back what attempts that were lost still hold. */
function recoverHolds(world: World): void {
  for (const { holds } of world.pools.values()) {
    for (const { grantId } of holds.values()) world.do({ type: 'AbandonGrant', grantId });
  }
  world.settle();
}

/** Fences and takes back ranges and joins that were granted for nothing. */
function recoverCarves(world: World): void {
  for (let left = 100; left > 0 && recoverGrant(world, 0); left -= 1);
}

/** Deletes the pools that operators have made, once nothing rests in them any more. */
function removePools(world: World, naive: NaiveLedger): void {
  const made = world.platform.pools
    .keySeq()
    .filter((name) => name.startsWith('x'))
    .toArray();
  if (made.length === 0) return;
  for (const name of world.project.networks.keys()) world.run(deleteNetwork(name));
  recoverCarves(world);
  world.settle();
  world.pass(AN_HOUR_MS);
  for (const name of made) settlePool(world, name);
  // A child comes before its parent.
  for (let left = made; left.length > 0; ) {
    const before = left.length;
    left = left.filter((name) => {
      const isGone = !world.platform.pools.has(name) || deletePool(world, name);
      settlePool(world, name);
      return !isGone;
    });
    if (left.length === before) throw new Error(`${left} cannot be deleted`);
  }
  expect([...naive.pools.keys()].filter((name) => name.startsWith('x'))).toEqual([]);
}

/** Releases everything: what is left is what was withheld from the start, and then nothing. */
function releaseEverything(world: World, naive: NaiveLedger): void {
  const { project } = world;
  for (const name of project.interfaces.keys()) world.run(finalizers('NetworkInterface', name));
  for (const name of project.presences.keys()) world.run(finalizers('NetworkContext', name));
  for (const name of project.networks.keys()) world.run(finalizers('Network', name));
  world.run(finalizers('Namespace', 'alpha'));
  for (const name of project.claims.keys()) {
    world.run(finalizers('NetworkInterfaceClaim', name));
    world.run(deleteClaim(name));
  }
  for (const name of world.project.interfaces.keys()) world.run(deleteInterface(name));
  for (const name of world.project.ipClaims.keys()) world.run(deleteIPClaim(name));
  for (const name of world.project.allocations.keys()) world.run(deleteIPAllocation(name));
  world.settle();
  recoverHolds(world);
  expect(naive.holds.open).toEqual([]);
  expect(naive.countsOf('public-a', world.atMs).held).toBe(0n);
  expect(naive.isEmpty).toBe(true);
  removePools(world, naive);
  for (const pool of world.project.pools.keys()) {
    expect([pool, naive.countsOf(pool, world.atMs).held]).toEqual([pool, 0n]);
  }
  // What still rests goes on resting where it goes back to, and is free there at the end.
  world.do(deleteProject);
  expect(world.project.namespace).toBeUndefined();
  expect(world.project.pools.size).toBe(0);
  const { total, carved, held, reserved } = naive.countsOf('root', world.atMs + AN_HOUR_MS);
  const [range] = world.pools.get('root')!.pools.get('root')!.space.ranges;
  expect([held, reserved]).toEqual([0n, 0n]);
  expect(matured(range!.space, world.atMs + AN_HOUR_MS).space.free).toBe(total - carved);
}

describe('any sequence of commands', () => {
  const start = [createProject, location('l0'), location('l1'), network('n0'), network('n1')];

  const plan = planWith({ root: 'fd20::/118', project: 119, lease: '40s', grace: '20s' }, publicV4);

  function play(world: World, isNew: boolean, steps: readonly Action[]): void {
    const naive = watch(world);
    const memory: Memory = { late: [], platforms: [] };
    for (const command of start.slice(0, isNew ? 2 : start.length)) world.run(command);
    for (const step of steps) {
      memory.platforms.push(world.platform);
      step.run(world, memory);
    }
    expectAllServed(world);
    expectSameAsLog(world);
    releaseEverything(world, naive);
    expectSameAsLog(world);
  }

  it(
    'keeps every invariant, whatever is lost or late',
    () => {
      const steps = fc.array(actions, {
        minLength: 1,
        maxLength: ACTIONS_MAX,
        size: 'max',
      });
      fc.assert(
        fc.property(fc.boolean(), steps, (isNew, sequence) =>
          play(new World(plan), isNew, sequence),
        ),
        { numRuns: RUNS },
      );
    },
    RUNS * 2_000,
  );
});
