import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';
import type { FollowingViews } from '../../src/views/following-views.ts';
import type { ViewedObject } from '../../src/views/views.ts';
import { Driver, leasedPlan } from './driver.ts';
import { follow } from './fixture.ts';
import { live, randomFrom, type Step, steps } from './history.ts';
import { NaiveCounts } from './naive-counts.ts';

const SEEDS = [2, 4];
const STEPS = 500;

const KINDS = [
  'IPAllocation',
  ...['Namespace', 'Location', 'IPClass', 'IPPool'],
  ...['Network', 'NetworkContext', 'NetworkInterface', 'NetworkInterfaceClaim'],
];

async function everything(store: Store): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll(0n)) events.push(event);
  return events;
}

function allObjects(views: FollowingViews): ViewedObject[] {
  const all = KINDS.flatMap((kind) => views.list(kind, { limit: 10_000 }).items);
  // What is shown of interfaces only is as they are.
  return all.filter(({ name }) => !name.startsWith('interface:'));
}

/** Lives through a history, and checks after each step that has changed something. */
async function afterEachChange(
  seed: number,
  check: (driver: Driver, views: FollowingViews) => Promise<void> | void,
): Promise<void> {
  const driver = await Driver.begin((clock) => new MemoryStore({ clock }), leasedPlan('1m'));
  const views = await follow(driver.store, driver.clock);
  let changes = 0;
  let seen = 0n;
  for (const step of steps(randomFrom(seed), STEPS)) {
    await live(driver, [step]);
    const head = await driver.store.head();
    if (head === seen) continue;
    seen = head;
    await views.reached(head);
    await check(driver, views);
    changes += 1;
  }
  // What is checked has happened.
  expect(changes).toBeGreaterThan(100);
}

it.each(SEEDS)('counts add up to the total at every read (seed %i)', async (seed) => {
  await afterEachChange(seed, async (driver, views) => {
    const naive = new NaiveCounts(await everything(driver.store));
    const pools = views.list('IPPool', { limit: 10_000 }).items.map(({ name }) => name);
    expect(pools.toSorted()).toEqual([...naive.pools.keys()].toSorted());
    for (const pool of pools) {
      const counts = views.poolCounts(pool);
      expect(counts, pool).toEqual(naive.counts(pool, driver.now));
      expect(BigInt(counts?.free ?? -1)).toBeGreaterThanOrEqual(0n);
    }
  });
});

it.each(SEEDS)('knows objects by the revisions that their writers do (seed %i)', async (seed) => {
  await afterEachChange(seed, (driver, views) => {
    for (const viewed of allObjects(views)) {
      const { kind, namespace, name, revision, object } = viewed;
      const written = writtenRecord(driver, kind, namespace, name);
      if (written === undefined) continue;
      expect({ kind, name, revision }).toEqual({ kind, name, revision: written.revision });
      expect(object.metadata.uid).toBe(written.uid);
      expect(object.metadata.finalizers ?? []).toEqual(written.finalizers);
      expect(object.metadata.deletionTimestamp !== undefined).toBe(written.deleting);
    }
  });
});

function writtenRecord(driver: Driver, kind: string, namespace: string, name: string) {
  const { networks, presences, interfaces, claims } = driver.projectState(namespace);
  switch (kind) {
    case 'Namespace':
      return driver.projectState(name).namespace;
    case 'Location':
      return driver.platformState.locations.get(name);
    case 'Network':
      return networks.get(name);
    case 'NetworkContext':
      return presences.get(name);
    case 'NetworkInterface':
      return interfaces.get(name);
    case 'NetworkInterfaceClaim':
      return claims.get(name);
    default:
      return undefined;
  }
}

it.each(SEEDS)('shows before a command what there is after it (seed %i)', async (seed) => {
  const driver = await Driver.begin((clock) => new MemoryStore({ clock }), leasedPlan('1m'));
  const views = await follow(driver.store, driver.clock);
  let compared = 0;
  for (const step of steps(randomFrom(seed), STEPS)) {
    if ('elsewhere' in step) await live(driver, [step]);
    else compared += await comparePreview(driver, views, step);
  }
  expect(compared).toBeGreaterThan(100);
});

/** Looks at a command before and after it has happened. Gives the number of objects it changes. */
async function comparePreview(
  driver: Driver,
  views: FollowingViews,
  step: Extract<Step, { project: string }>,
): Promise<number> {
  // What other streams grant happens first: a preview is of the project's own events.
  const grants = await driver.grants(step.project, step.command);
  const { events, stream, firstRevision, append } = driver.decide(step, grants);
  if (events.length === 0) return 0;
  await views.reached(await driver.store.head());
  const before = new Map(allObjects(views).map((viewed) => [keyOf(viewed), viewed]));
  const previewed = views.preview(stream, firstRevision, events);
  expect(allObjects(views)).toEqual([...before.values()]);
  await append();
  await views.reached(await driver.store.head());
  for (const viewed of previewed) {
    const { kind, namespace, name } = viewed;
    const after = views.get(kind, namespace, name) as ViewedObject;
    const known = before.get(keyOf(viewed));
    expect(viewed.object.metadata.resourceVersion).toBe(
      known?.object.metadata.resourceVersion ?? '',
    );
    expect(present(viewed)).toEqual(present(after));
    expect(viewed.revision).toBe(after.revision);
  }
  const changed = allObjects(views).filter(
    (viewed) => before.get(keyOf(viewed))?.position !== viewed.position,
  );
  expect(previewed.map(keyOf).toSorted()).toEqual(changed.map(keyOf).toSorted());
  await driver.followUp(step.project, events);
  return previewed.length;
}

function keyOf({ kind, namespace, name }: ViewedObject): string {
  return `${kind}/${namespace}/${name}`;
}

/** An object without its place in the log, which a preview cannot know. */
function present({ object }: ViewedObject): object {
  return { ...object, metadata: { ...object.metadata, resourceVersion: '' } };
}
