import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { KindChange } from '../../src/views/change-log.ts';
import { Changes } from '../../src/views/changes.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { KubeObject, ObjectChange, Views } from '../../src/views/views.ts';
import { claim, deleteClaim, location } from '../ledger/commands.ts';
import {
  KINDS,
  type LivingWorld,
  labels,
  livingWorld,
  settle,
  someCommands,
} from './living-world.ts';

const CLAIM = 'NetworkInterfaceClaim';
const open: LivingWorld[] = [];
afterEach(async () => {
  for (const world of open.splice(0)) await world.close();
});

async function start(options?: Parameters<typeof livingWorld>[0]): Promise<LivingWorld> {
  const world = await livingWorld(options);
  open.push(world);
  return world;
}

/** What there is of a kind, by name; without what is counted at the read. */
function present(views: Views, kind: string, at?: bigint): Map<string, KubeObject> {
  const { items } = views.list(kind, { limit: 1_000, at });
  return new Map(items.map((one) => [`${one.namespace}/${one.name}`, withoutCounts(one.object)]));
}

function withoutCounts(object: KubeObject): KubeObject {
  if (object.kind !== 'IPPool' && object.kind !== 'NetworkContext') return object;
  return { ...object, status: {} };
}

/** What changes make of what was there before; fails when they do not fit it. */
function applied(from: Map<string, KubeObject>, changes: readonly ObjectChange[]) {
  const objects = new Map(from);
  for (const { namespace, name, before, after } of changes) {
    const key = `${namespace}/${name}`;
    expect(objects.get(key)).toEqual(before && withoutCounts(before));
    if (after === undefined) objects.delete(key);
    else objects.set(key, withoutCounts(after));
  }
  return objects;
}

describe('the changes of a kind', () => {
  test('lead from any position to the present, each once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someCommands, { maxLength: 25 }), async (commands) => {
        const world = await livingWorld();
        const { views } = world;
        const followed = new Map(KINDS.map((kind) => [kind, [] as ObjectChange[]]));
        const first = views.position;
        for (const kind of KINDS) {
          views.changes(kind).follow((changes) => followed.get(kind)?.push(...changes));
        }
        await settle(world);
        const positions = [first, views.position];
        for (const command of commands) {
          await world.run(command);
          positions.push(views.position);
        }
        for (const kind of KINDS) {
          const all = followed.get(kind) as ObjectChange[];
          const now = present(views, kind);
          expect(views.changes(kind).after(first)).toEqual(all);
          for (const position of positions) {
            const after = views.changes(kind).after(position);
            expect(after).toEqual(all.filter((change) => change.position > position));
            expect(applied(present(views, kind, position), after ?? [])).toEqual(now);
          }
          const order = all.map(({ position }) => position);
          expect(order).toEqual(order.toSorted((a, b) => Number(a - b)));
        }
        await world.close();
      }),
      { numRuns: 25 },
    );
  });

  test('are one an object and command, at the last event that touched it', async () => {
    const world = await start();
    await settle(world);
    const { views } = world;
    const from = views.position;
    await world.run(claim('web'));
    const made = views.changes(CLAIM).after(from) ?? [];
    expect(made).toHaveLength(1);
    const { before, after, position } = made[0] as ObjectChange;
    expect(before).toBeUndefined();
    expect(after).toEqual(views.get(CLAIM, 'alpha', 'web')?.object);
    expect(after?.metadata.resourceVersion).toBe(String(position));
    await world.run(deleteClaim('web'));
    const gone = views.changes(CLAIM).after(position) ?? [];
    expect(gone).toEqual([expect.objectContaining({ before: after, after: undefined })]);
    expect(gone[0]?.position).toBeGreaterThan(position);
  });

  test('have what is counted at the read', async () => {
    const world = await start();
    await settle(world);
    await world.run(claim('web'));
    const [made] = world.views.changes('NetworkContext').after(0n) ?? [];
    expect(made?.after).toEqual(world.views.get('NetworkContext', 'alpha', 'net.us')?.object);
    expect(made?.after?.status?.interfaces).toBe(1);
  });

  test('come to those who follow until they stop', async () => {
    const world = await start();
    await settle(world);
    const seen: string[] = [];
    const follow = (who: string) =>
      world.views.changes('Location').follow((changes) => {
        for (const { name } of changes) seen.push(`${who} ${name}`);
      });
    const stop = follow('one');
    follow('two');
    await world.run(location('eu'));
    stop();
    stop();
    await world.run(location('ap'));
    expect(seen).toEqual(['one eu', 'two eu', 'two ap']);
  });

  test('of one command are in the order of its last events, and none is about nothing', () => {
    const object = (name: string) => ({ metadata: { name } }) as KubeObject;
    const table = {
      projection: { kind: 'Network', namespaced: true },
      ...{ load: () => undefined, put: () => {}, remove: () => {} },
    };
    const changes = new Changes({
      object: () => undefined,
      poolsOf: () => [],
      isNew: () => false,
      namesFrom: () => [],
    });
    const events = [
      ['a', 'made'],
      ['b', 'made'],
      ['c', 'made'],
      ['a', 'changed'],
      ['c', undefined],
    ] as const;
    for (const [index, [name, what]] of events.entries()) {
      const touch = { names: () => [name], next: () => what && object(what) };
      const event = { project: 'alpha', revision: index, position: BigInt(index + 1) };
      changes.touch(table as never, touch, { ...event, recordedAtMs: 0 } as never);
    }
    const made: KindChange[] = [];
    changes.write({ batch: 0, run: () => {} }, made);
    const told = made.map(({ name, after, position }) => [name, after?.metadata.name, position]);
    expect(told).toEqual([
      ['b', 'made', 2n],
      ['a', 'changed', 4n],
    ]);
  });

  test('that a rebuild makes are no news', async () => {
    const time = { ms: 0 };
    const store = new MemoryStore({ clock: () => new Date(time.ms) });
    const before = await start({ store, time });
    await settle(before);
    await before.run(claim('web'));
    const head = await store.head();
    const clock = () => new Date(time.ms);
    const log = { info: () => {}, warn: () => {} };
    const views = await openViews({ store, directory: undefined, clock, log });
    const seen: ObjectChange[] = [];
    for (const kind of KINDS) views.changes(kind).follow((made) => seen.push(...made));
    await views.ready;
    expect([views.position, seen]).toEqual([head, []]);
    await views.close();
    const world = await livingWorld({ store, time });
    const changes = world.views.changes(CLAIM);
    expect([changes.start, changes.after(head), changes.after(head - 1n)]).toEqual([
      head,
      [],
      undefined,
    ]);
    await before.run(labels('web', { app: 'x' }));
    await world.views.reached(await store.head());
    expect(changes.after(head)).toHaveLength(1);
    await world.views.close();
  });
});

describe('the window', () => {
  test('holds so many changes of each kind', async () => {
    const world = await start({ window: { changesMax: 3 } });
    await settle(world);
    await world.run(claim('web'));
    const changes = world.views.changes(CLAIM);
    const positions = [world.views.position];
    for (const app of ['1', '2', '3', '4', '5', '6', '7']) {
      await world.run(labels('web', { app }));
      positions.push(world.views.position);
      const oldest = positions.at(-4) ?? changes.start;
      expect(changes.start).toBe(oldest);
      const known = changes.after(oldest) ?? [];
      expect(known).toHaveLength(Math.min(3, positions.length));
      expect(known.at(-1)?.after?.metadata.labels).toMatchObject({ app });
      expect(changes.after(oldest - 1n)).toBeUndefined();
    }
    const quiet = world.views.changes('Location');
    expect(quiet.start).toBe(0n);
    expect(quiet.after(0n)).toHaveLength(1);
  });

  test('holds them for so long', async () => {
    const world = await start({ window: { ageMsMax: 60_000 } });
    await settle(world);
    const changes = world.views.changes('Location');
    const made = changes.after(0n)?.[0]?.position as bigint;
    world.time.ms += 30_000;
    await world.run(location('eu'));
    expect(changes.after(0n)).toHaveLength(2);
    world.time.ms += 31_000;
    expect([changes.start, changes.after(0n), changes.after(made)?.length]).toEqual([
      made,
      undefined,
      1,
    ]);
    world.time.ms += limits.watchWindowMsMax;
    expect(changes.start).toBe(world.views.position);
    expect(changes.after(world.views.position)).toEqual([]);
  });

  test('ends at the present, and leaves out what an earlier life of the log has lost', async () => {
    const time = { ms: 0 };
    const clock = () => new Date(time.ms);
    class Restored extends MemoryStore {
      override readonly lostPositions = [{ after: 3n, upTo: 5n }];
    }
    const world = await start({ store: new Restored({ clock }), time });
    await settle(world);
    const changes = world.views.changes('Network');
    expect(changes.after(world.views.position)).toEqual([]);
    expect(changes.after(world.views.position + 1n)).toBeUndefined();
    expect(changes.after(3n)).toHaveLength(1);
    expect([changes.after(4n), changes.after(5n)]).toEqual([undefined, undefined]);
    expect(changes.after(6n)).toHaveLength(1);
  });
});
