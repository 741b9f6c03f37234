import { expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { ObjectKey, ViewedObject } from '../../src/views/views.ts';
import { ViewsBehind } from '../../src/views/views.ts';
import { commands, Driver } from './driver.ts';
import { CLAIM, follow, NIC, opened } from './fixture.ts';

async function withClaims(count: number) {
  const world = await opened();
  for (let n = 0; n < count; n += 1) {
    await world.driver.project('alpha', commands.claim(`web-${n}`));
  }
  await world.caughtUp();
  return world;
}

const namesOf = (items: readonly ViewedObject[]) => items.map(({ name }) => name);

it('lists in the order of namespace and name, one namespace or all', async () => {
  const { driver, views, caughtUp } = await withClaims(3);
  for (const project of ['beta', 'al']) {
    await driver.project(project, commands.createNamespace);
    await driver.project(project, commands.createNetwork());
    await driver.project(project, commands.claim('web-1'));
  }
  await caughtUp();
  const all = views.list(CLAIM, { limit: 10 }).items;
  expect(all.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    ...['al/web-1', 'alpha/web-0', 'alpha/web-1', 'alpha/web-2', 'beta/web-1'],
  ]);
  expect(namesOf(views.list(CLAIM, { namespace: 'beta', limit: 10 }).items)).toEqual(['web-1']);
  expect(all.map(({ position }) => position)).toEqual(
    all.map(({ object }) => BigInt(object.metadata.resourceVersion)),
  );
});

it('fills a page with what matches, and says where the next one begins', async () => {
  const { views } = await withClaims(6);
  const matches = ({ metadata }: ViewedObject['object']) => !metadata.name.endsWith('1');
  const pages: string[][] = [];
  let after: ObjectKey | undefined;
  do {
    const { items, next } = views.list(CLAIM, { limit: 2, matches, after });
    pages.push(namesOf(items));
    after = next;
  } while (after !== undefined);
  expect(pages).toEqual([['web-0', 'web-2'], ['web-3', 'web-4'], ['web-5']]);
  const exact = views.list(CLAIM, { limit: 6 });
  expect([exact.items.length, exact.next]).toEqual([6, undefined]);
});

it.each([{ namespace: 'alpha' }, {}])(
  'gives the pages of one position while objects change (%o)',
  async (scope) => {
    const { driver, views, caughtUp } = await withClaims(6);
    await driver.project('alpha', commands.deleteClaim('web-5'));
    await caughtUp();
    const at = views.position;
    const whole = views.list(CLAIM, { ...scope, limit: 10 }).items;
    const seen: ViewedObject[] = [];
    let after: ObjectKey | undefined;
    for (let page = 0; page === 0 || after !== undefined; page += 1) {
      const { items, next } = views.list(CLAIM, { ...scope, limit: 2, after, at });
      seen.push(...items);
      after = next;
      await driver.project('alpha', commands.deleteClaim(`web-${page}`));
      await driver.project('alpha', commands.claim('web-5'));
      await driver.project('alpha', commands.claim(`web-3${page}`));
      await driver.project('alpha', commands.report('web-4', 'True', '2026-01-01T00:00:00Z'));
      await driver.project('alpha', commands.deleteClaim('web-3'));
      await driver.project('alpha', commands.claim('web-3', { ipFamilies: ['IPv4'] }));
      await caughtUp();
    }
    expect(seen).toEqual(whole);
    expect(namesOf(seen)).toEqual(['web-0', 'web-1', 'web-2', 'web-3', 'web-4']);
    expect(views.list(CLAIM, { ...scope, limit: 10 }).items).not.toEqual(whole);
  },
);

it('finds an object as a revision of its stream left it', async () => {
  const { driver, views, caughtUp } = await opened();
  const lastOf = ({
    firstRevision,
    events,
  }: {
    firstRevision: number;
    events: readonly object[];
  }) => firstRevision + events.length - 1;
  const outcomes = [
    await driver.project('alpha', commands.claim('web-0')),
    await driver.project('alpha', commands.report('web-0', 'True', '2026-01-01T00:00:00Z')),
    await driver.project('alpha', commands.claim('web-1')),
    await driver.project('alpha', commands.deleteClaim('web-0')),
    await driver.project('alpha', commands.claim('web-0', { interfaceName: 'eth1' })),
  ];
  await caughtUp();
  const seen = outcomes.map((outcome) => {
    const viewed = views.getAtRevision(CLAIM, 'alpha', 'web-0', lastOf(outcome));
    return [viewed?.revision, viewed?.object.spec?.interfaceName];
  });
  const [made, reported, , , again] = outcomes.map(lastOf);
  expect(seen).toEqual([
    ...[
      [made, 'eth0'],
      [reported, 'eth0'],
      [reported, 'eth0'],
    ],
    ...[
      [undefined, undefined],
      [again, 'eth1'],
    ],
  ]);
  const before = (outcomes[0]?.firstRevision ?? 0) - 1;
  expect(views.getAtRevision(CLAIM, 'alpha', 'web-0', before)).toBeUndefined();
  const first = views.getAtRevision(CLAIM, 'alpha', 'web-0', made ?? 0) as ViewedObject;
  expect(first.object.metadata.resourceVersion).toBe(String(first.position));
});

it('finds a network as its creation left it, though its ranges followed later', async () => {
  const { driver, views, caughtUp } = await opened();
  const { firstRevision, events } = await driver.project(
    'alpha',
    commands.createNetwork('other', ['IPv6']),
  );
  await caughtUp();
  const viewed = views.getAtRevision(
    'Network',
    'alpha',
    'other',
    firstRevision + events.length - 1,
  );
  expect(viewed?.object.status?.ipam).toEqual({ ipv6Prefix: 'fd20:0:1::/48' });
  expect(viewed?.revision).toBe(firstRevision);
});

it('knows what keyed commands were answered with, and nothing of others', async () => {
  const { driver, views, caughtUp } = await opened();
  const key = { key: 'k', requestHash: 'h', code: 201 };
  const keyed = await driver.project('alpha', commands.claim('web-0'), key);
  const other = await driver.project('alpha', commands.claim('web-1'));
  await caughtUp();
  expect(views.answered(keyed.commandId)).toEqual({
    ...{ stream: keyed.stream, requestHash: 'h', code: 201 },
    revision: keyed.firstRevision + keyed.events.length - 1,
    position: views.get(CLAIM, 'alpha', 'web-0')?.position,
  });
  expect(views.answered(other.commandId)).toBeUndefined();
});

it('counts the interfaces at a location over all projects', async () => {
  const { driver, views, caughtUp } = await withClaims(2);
  await driver.project('beta', commands.createNamespace);
  await driver.project('beta', commands.createNetwork());
  await driver.project('beta', commands.claim('web-0', { reclaimPolicy: 'Retain' }));
  await driver.project('beta', commands.claim('web-1', { location: { name: 'there' } }));
  await caughtUp();
  expect([views.standingAt('here'), views.standingAt('there')]).toEqual([3, 1]);
  await driver.project('beta', commands.deleteClaim('web-0'));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect([views.standingAt('here'), views.standingAt('nowhere')]).toEqual([2, 0]);
});

it('leaves no trace of a preview, also when its events make no sense', async () => {
  const { driver, views, caughtUp } = await opened();
  const claim = { project: 'alpha', command: commands.claim('web-0') };
  const grants = await driver.grants('alpha', claim.command);
  await caughtUp();
  const { events, stream, firstRevision } = driver.decide(claim, grants);
  const kinds = views.preview(stream, firstRevision, events).map(({ kind }) => kind);
  const records = ['IPAllocation', 'IPAllocation'] as const;
  const v6 = ['IPPool', ...records];
  const v4 = [...v6, 'IPAllocation'];
  expect(kinds).toEqual([CLAIM, ...v6, ...v4, 'NetworkContext', NIC]);
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeUndefined();
  expect(views.poolCounts('tenant-subnet-ipv6.alpha.net.here')).toBeUndefined();
  expect(() => views.preview(stream, firstRevision, events.toReversed())).toThrow();
  await driver.project('alpha', claim.command);
  await caughtUp();
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeDefined();
});

it('lets those go on who wait for a position, after it can be read', async () => {
  const { driver, views, caughtUp } = await opened();
  const seen: boolean[] = [];
  const reached = views.reached(views.position + 6n).then(() => {
    seen.push(views.get(CLAIM, 'alpha', 'web-0') !== undefined);
  });
  await driver.project('alpha', commands.claim('web-0'));
  await reached;
  await caughtUp();
  expect(seen).toEqual([true]);
  await expect(views.reached(1n)).resolves.toBeUndefined();
});

it('waits no longer than a bound', async () => {
  const driver = await Driver.begin((clock) => new MemoryStore({ clock }));
  const views = await follow(driver.store, driver.clock, undefined, { waitMsMax: 30 });
  await views.ready;
  const begun = performance.now();
  await expect(views.reached(driver.head + 1n)).rejects.toThrow(ViewsBehind);
  expect(performance.now() - begun).toBeGreaterThan(25);
  const twice = [views.reached(driver.head + 1n), views.reached(driver.head + 1n)];
  await driver.location('elsewhere');
  await Promise.all(twice);
});

it('gives each batch to those who asked for it, when the views have it', async () => {
  const { driver, views, caughtUp } = await opened();
  const seen: [string, boolean][] = [];
  const stop = views.onApplied((events) => {
    const has = views.get(CLAIM, 'alpha', 'web-0') !== undefined;
    for (const { type } of events) seen.push([type, has]);
  });
  await driver.project('alpha', commands.claim('web-0', { network: { name: 'other' } }));
  await caughtUp();
  stop();
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(seen).toEqual([
    ['ClaimRequested', true],
    ['ClaimQueued', true],
  ]);
});

it('refuses to answer for a kind that it does not have', async () => {
  const { views } = await opened();
  expect(() => views.get('Gadget', '', 'x')).toThrow('Gadget is no kind of the views');
});
