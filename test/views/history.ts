import type { ClaimSpec } from '../../src/ledger/events.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { authored } from './authored-life.ts';
import { commands, type Driver, type Key } from './driver.ts';

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What happens next in a life of projects: a command of one of them, or a step elsewhere. */
export type Step =
  | { readonly project: string; readonly command: ProjectCommand; readonly key?: Key }
  | { readonly elsewhere: (driver: Driver) => Promise<unknown> };

/** Steps that often make sense and sometimes do not; the deciders refuse what does not. */
export function* steps(random: () => number, count: number): Generator<Step> {
  const one = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const project = () => one(['alpha', 'alpha', 'beta']);
  const network = () => one(['net', 'net', 'other']);
  const name = () => one(['web-0', 'web-1', 'web-2', 'web-3', 'db.0']);
  const families = () => one<ClaimSpec['ipFamilies']>([['IPv6', 'IPv4'], ['IPv6'], ['IPv4']]);
  const metadata = () => {
    if (random() < 0.1) return { finalizers: ['provider.example/nic'] };
    return random() < 0.3 ? { annotations: { a: 'b' } } : {};
  };
  const claim = () =>
    commands.claim(
      name(),
      {
        network: { name: network() },
        location: { name: one(['here', 'there', 'late']) },
        ipFamilies: families(),
        reclaimPolicy: one(['Delete', 'Retain', 'Retain']),
      },
      { ...metadata(), labels: { app: 'web' } },
    );
  const spec = { ipFamilies: ['IPv6', 'IPv4'] as ClaimSpec['ipFamilies'], mtu: 1460 };
  const expect = {};
  const updateNetwork = (): ProjectCommand => ({
    ...({ type: 'UpdateNetwork', name: network(), expect, metadata: metadata() } as const),
    spec: { ...spec, mtu: one([1460, 1500]), ipam: { mode: 'Auto' } },
  });
  const context = () => `${network()}.${one(['here', 'there'])}`;
  const location = () => one(['here', 'there', 'late']);
  const often: (() => ProjectCommand)[] = [
    ...[claim, claim, claim],
    () => commands.deleteClaim(name()),
    () => commands.createNetwork(network(), families()),
    () => commands.report(name(), one(['True', 'False']), '2026-01-01T00:00:00Z'),
    () => commands.metadata('NetworkInterface', name(), metadata()),
    () => commands.metadata('NetworkInterfaceClaim', name(), metadata()),
    () => commands.metadata('Network', network(), metadata()),
    () => commands.metadata('NetworkContext', context(), metadata()),
    () => commands.createNamespace,
  ];
  const seldom: (() => ProjectCommand)[] = [
    updateNetwork,
    () => ({ type: 'ExpireRetentions' }),
    () => commands.deleteInterface(name()),
    () => commands.deleteNetwork(network()),
    () => ({ type: 'DeleteNetworkContext', name: context(), expect }),
    () => ({ type: 'ServeWaiting', causes: undefined }),
    () => (random() < 0.3 ? commands.deleteNamespace : commands.createNamespace),
  ];
  const elsewhere: ((driver: Driver) => Promise<unknown>)[] = [
    async (driver) => {
      driver.now += one([1_000, 60_000, 200_000]);
    },
    (driver) => driver.location(location()),
    (driver) => driver.returnEnded(),
    (driver) => driver.returnEnded(),
    (driver) => {
      const change = { projects: ['*'], draining: random() < 0.1 };
      const update = { type: 'UpdateLocation', name: location(), expect, spec: change } as const;
      return driver.platform({ ...update, metadata: metadata() });
    },
    async (driver) => (random() < 0.2 ? driver.vacate(location()) : undefined),
    ...Array(12).fill((driver: Driver) => authored(driver, random)),
  ];
  yield { project: 'alpha', command: commands.createNamespace };
  yield { project: 'beta', command: commands.createNamespace };
  yield { project: 'alpha', command: commands.createNetwork() };
  for (let step = 0; step < count; step += 1) {
    if (random() < 0.15) {
      yield { elsewhere: one(elsewhere) };
    } else {
      const command = one(random() < 0.8 ? often : seldom)();
      const key = { key: `key ${step}`, requestHash: `hash ${step}`, code: 201 };
      yield { project: project(), command, key };
    }
  }
}

/** Makes all of them happen. */
export async function live(driver: Driver, all: Iterable<Step>): Promise<void> {
  for (const step of all) {
    if ('elsewhere' in step) await step.elsewhere(driver);
    else await driver.project(step.project, step.command, step.key);
  }
}
