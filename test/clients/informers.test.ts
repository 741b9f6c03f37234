import { type KubeConfig, PatchStrategy } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask } from './ask.ts';
import { Churn } from './churn.ts';
import {
  claimsOf,
  type Follower,
  interfacesOf,
  listed,
  listWatchInformer,
  networksOf,
  pathOf,
  type Resource,
  WatchListReflector,
} from './followers.ts';
import type { Passage } from './passage.ts';
import { makeLocations, makeProjects } from './project.ts';
import { SecuredLedger } from './secured-ledger.ts';

const PATIENCE = { timeout: 60_000 };
vi.setConfig({ testTimeout: 120_000 });

let ledger: SecuredLedger;
/** Of those who follow: it is cut and held. */
let passage: Passage;
let follows: KubeConfig;
/** Of those who write and look. */
let writes: KubeConfig;
let operates: KubeConfig;

beforeAll(async () => {
  ledger = await SecuredLedger.start();
  passage = await ledger.passage();
  const undisturbed = await ledger.passage();
  operates = ledger.operator(undisturbed);
  await makeLocations(operates, 'dfw');
  const projects = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'];
  await makeProjects(operates, ...projects);
  follows = await ledger.access({ role: 'compute', subject: 'follower', projects }, passage);
  writes = await ledger.access({ role: 'compute', subject: 'writer', projects }, undisturbed);
});

afterAll(() => ledger.remove());

/** Starts to follow; it ends with the test. */
function following(...followers: Follower[]): Follower[] {
  onTestFinished(async () => {
    for (const follower of followers) await follower.stop();
  });
  for (const follower of followers) follower.start();
  return followers;
}

/** Both ways to follow, of both kinds that come and go with claims. */
function everyFollower(project: string): Follower[] {
  return [claimsOf(project), interfacesOf(project)].flatMap((resource) => [
    listWatchInformer(follows, resource),
    new WatchListReflector(follows, resource),
  ]);
}

/** Waits until a follower has exactly what the ledger has, and has been told nothing impossible. */
async function requireSame(followers: readonly Follower[], resource: Resource): Promise<void> {
  const { items } = await listed(writes, resource);
  for (const { name, witness } of followers) {
    await expect.poll(() => witness.objects, { ...PATIENCE, message: name }).toEqual(items);
    expect([name, ...witness.faults]).toEqual([name]);
  }
}

async function requireAllSame(followers: readonly Follower[], project: string): Promise<void> {
  const of = (plural: string) => followers.filter(({ name }) => name.endsWith(` ${plural}`));
  await requireSame(of('networkinterfaceclaims'), claimsOf(project));
  await requireSame(of('networkinterfaces'), interfacesOf(project));
}

/** What an informer of claims was told of deletions, and what was deleted. */
function requireEveryDeletion(followers: readonly Follower[], churn: Churn): void {
  for (const { name, witness } of followers) {
    if (!name.endsWith('claims')) continue;
    expect([name, ...witness.gone.toSorted()]).toEqual([name, ...churn.deleted.toSorted()]);
  }
}

describe('informers end with what the ledger has, and miss no deletion', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('over a restart of the ledger by %s', async (signal) => {
    const project = signal === 'SIGTERM' ? 'alpha' : 'beta';
    const churn = new Churn(writes, project, 1);
    await churn.go(40);
    const followers = following(...everyFollower(project));
    await requireAllSame(followers, project);
    const stop = churn.untilStopped();
    await ledger.stop(signal);
    await ledger.start();
    await stop();
    await churn.go(40);
    await requireAllSame(followers, project);
  });

  it('over connections that are cut, and without a new list', async () => {
    const followers = following(...everyFollower('gamma'));
    await requireAllSame(followers, 'gamma');
    const churn = new Churn(writes, 'gamma', 2);
    for (let cuts = 0; cuts < 3; cuts += 1) {
      await churn.go(20);
      passage.cut();
      await churn.go(20);
    }
    // While nobody can connect, what comes and goes is told afterwards all the same.
    passage.shut();
    await churn.go(40);
    passage.reopen();
    await requireAllSame(followers, 'gamma');
    requireEveryDeletion(followers, churn);
    expect(followers.map(({ name, begun }) => [name, begun])).toEqual(
      followers.map(({ name }) => [name, 1]),
    );
  });

  it('when they read too slowly and are cut off for it', async () => {
    const followers = following(...everyFollower('delta'));
    const churn = new Churn(writes, 'delta', 3);
    await churn.go(20);
    await requireAllSame(followers, 'delta');
    passage.hold();
    // More than a watch may leave unread, and than sockets hold in between.
    await churn.swell(150);
    await churn.go(40);
    const cutOff = () => ledger.logged.split('was not read and was cut off').length - 1;
    await expect.poll(cutOff, PATIENCE).toBe(2);
    passage.letGo();
    await requireAllSame(followers, 'delta');
    requireEveryDeletion(followers, churn);
  });

  it('of a kind that is quiet, by bookmarks alone, over a restart', async () => {
    const quiet = networksOf('epsilon');
    const reflector = new WatchListReflector(follows, quiet, 1);
    const informer = listWatchInformer(follows, quiet);
    following(reflector, informer);
    await requireSame([reflector, informer], quiet);
    await new Churn(writes, 'epsilon', 4).go(20);
    const { metadata } = await listed(writes, quiet);
    await expect.poll(() => reflector.version, PATIENCE).toBe(metadata.resourceVersion);
    await ledger.stop();
    await ledger.start();
    await changeMtu('default', 1400);
    await requireSame([reflector, informer], quiet);
    // Whoever has no bookmarks has last heard of what is known no more.
    expect([reflector.begun, informer.begun]).toEqual([1, 2]);
  });
});

async function changeMtu(network: string, mtu: number): Promise<void> {
  const path = `${pathOf(networksOf('epsilon'))}/${network}`;
  const { code } = await ask(operates, 'PATCH', path, { spec: { mtu } }, PatchStrategy.MergePatch);
  expect(code).toBe(200);
}
