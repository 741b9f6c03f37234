import { beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type Caller, type Guarded, guarded, populate } from '../http/auth/guarded.ts';
import { claim, GROUP, network } from '../http/world.ts';

/**
 * What the caller of one project may not do in another. Each denial stands beside its control: the
 * same request of whoever may, or of the caller in its own project.
 */
const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const HIDDEN = 'hidden';

/** Every namespaced kind, with the path of its list in a project. */
const KINDS = {
  networks: GROUP,
  networkcontexts: GROUP,
  networkinterfaceclaims: GROUP,
  networkinterfaces: GROUP,
  ipclaims: IPAM,
  ipallocations: IPAM,
} as const;
type Plural = keyof typeof KINDS;
const PLURALS = Object.keys(KINDS) as Plural[];

const pathOf = (project: string, plural: Plural, name = '') =>
  `${KINDS[plural]}/namespaces/${project}/${plural}${name && `/${name}`}`;
const edge = (name: string, projects: string[]) => ({
  metadata: { name },
  spec: { ipFamily: 'IPv4', defaultPrefixLength: 32, visibility: 'shared', projects },
});
const pool = (name: string, cidr: string, spec: object) => ({
  metadata: { name },
  spec: { ipFamily: 'IPv4', cidr, ...spec },
});
const ipClaim = (name: string, spec: object) => ({ metadata: { name }, spec });
const own = (location: string) => ({
  className: 'endpoint4',
  scope: { network: 'net-a', location },
});

let world: Guarded;
let operator: Caller;
/** A caller of the project `mine`, which is no other one's. */
let me: Caller;

/** Two projects with an object of every kind; what is in one of them is called `hidden...`. */
beforeEach(async () => {
  world = await guarded();
  await populate(world, ['mine', HIDDEN]);
  operator = world.operator;
  me = world.be('me', { projects: [world.generation('mine')] });
  const made = async (path: string, body: object) => {
    expect([path, (await operator.post(path, body)).code]).toEqual([path, 201]);
  };
  await made(`${IPAM}/ipclasses`, edge('hidden-class', [HIDDEN]));
  await made(`${IPAM}/ipclasses`, edge('shared-class', ['*']));
  const owned = { projectRef: { name: HIDDEN }, classNames: ['shared-class'] };
  await made(`${IPAM}/ippools`, pool('hidden-pool', '198.51.100.0/28', owned));
  await made(
    `${IPAM}/ippools`,
    pool('common', '203.0.113.0/28', {
      classNames: ['hidden-class', 'shared-class'],
    }),
  );
  await made(pathOf(HIDDEN, 'networks'), network('hidden-net', { ipFamilies: ['IPv4'] }));
  for (const [project, name, place] of [
    ['mine', 'web', 'dfw'],
    [HIDDEN, 'hidden-web', 'lhr'],
  ] as const) {
    const at = { location: { name: place } };
    await made(pathOf(project, 'networkinterfaceclaims'), claim(name, at));
    await made(pathOf(project, 'ipclaims'), ipClaim(`${name}-block`, own(place)));
  }
});

const itemsOf = ({ body }: Answer): { metadata: { name: string; namespace: string } }[] =>
  body.items;
const firstOf = async (project: string, plural: Plural) =>
  itemsOf(await operator.get(pathOf(project, plural)))[0]?.metadata.name ?? 'none';
/** An answer without the names that were asked for. */
const without = (answer: Answer, ...names: string[]) =>
  names.reduce((text, name) => text.replaceAll(name, '*'), JSON.stringify(answer));

describe.each(PLURALS)('%s of another project', (plural) => {
  test('are not read, listed or watched', async () => {
    const name = await firstOf(HIDDEN, plural);
    const [there, list] = [pathOf(HIDDEN, plural, name), pathOf(HIDDEN, plural)];
    // What is asked for is there, and may be asked for by others.
    expect((await operator.get(there)).code).toBe(200);
    for (const path of [there, list, `${list}?watch=1`, `${there}?asOf=1`]) {
      const absent = path.replaceAll(name, 'no-such').replace(`/${HIDDEN}/`, '/nobody/');
      const [refused, other] = [await me.get(path), await me.get(absent)];
      expect(refused).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
      expect(without(refused, name, HIDDEN)).toBe(without(other, 'no-such', 'nobody'));
    }
    expect((await me.get(`${KINDS[plural]}/${plural}`)).code).toBe(403);
  });

  test('are not found in its own, whose list and watch have its own only', async () => {
    const name = await firstOf(HIDDEN, plural);
    expect((await me.get(pathOf('mine', plural, name))).code).toBe(404);
    const items = itemsOf(await me.get(pathOf('mine', plural)));
    expect(items.length).toBeGreaterThan(0);
    expect(JSON.stringify(items)).not.toContain(HIDDEN);
    const watch = await me.follow(`${pathOf('mine', plural)}?watch=1`);
    await expect.poll(() => watch.lines.length).toBe(items.length);
    await operator.post(pathOf(HIDDEN, 'networkinterfaceclaims'), claim('hidden-late'));
    await operator.post(pathOf('mine', 'networkinterfaceclaims'), claim('late'));
    await operator.post(pathOf('mine', 'ipclaims'), ipClaim('late-block', own('lhr')));
    await operator.post(pathOf('mine', 'networks'), network('late-net'));
    // What is new in its own project comes, and nothing of the other one before it.
    await expect.poll(() => watch.lines.length).toBeGreaterThan(items.length);
    expect(watch.lines.join()).not.toContain(HIDDEN);
  });

  test('are not made, changed or deleted', async () => {
    const name = await firstOf(HIDDEN, plural);
    const there = pathOf(HIDDEN, plural, name);
    const before = await operator.get(there);
    const absent = pathOf('nobody', plural, 'no-such');
    const labels = { metadata: { labels: { a: 'b' } } };
    for (const [method, body] of [
      ['PATCH', labels],
      ['PUT', before.body],
      ['DELETE', undefined],
    ] as const) {
      const [refused, other] = [
        await me.send(method, there, body),
        await me.send(method, absent, body),
      ];
      expect([method, refused.code === 403 || refused.code === 405]).toEqual([method, true]);
      expect(without(refused, name, HIDDEN)).toBe(without(other, 'no-such', 'nobody'));
    }
    const refused = await me.post(pathOf(HIDDEN, plural), { metadata: { name: 'mine' } });
    expect([403, 405]).toContain(refused.code);
    expect(await operator.get(there)).toEqual(before);
    expect((await operator.get(pathOf(HIDDEN, plural, 'mine'))).code).toBe(404);
  });
});

describe('a body that names another project', () => {
  test.each(['networkinterfaceclaims', 'ipclaims'] as const)('of %s is refused', async (plural) => {
    const spec = plural === 'ipclaims' ? own('dfw') : claim('x').spec;
    const body = (namespace: string) => ({ metadata: { name: 'x', namespace }, spec });
    const refused = await me.post(pathOf('mine', plural), body(HIDDEN));
    expect(refused).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
    expect((await operator.get(pathOf(HIDDEN, plural, 'x'))).code).toBe(404);
    expect((await me.post(pathOf('mine', plural), body('mine'))).code).toBe(201);
  });
});

describe('a claim that names what another project has', () => {
  const posted = (spec: object, name: string) =>
    me.post(pathOf('mine', 'networkinterfaceclaims'), claim(name, spec));
  const boundOf = ({ body }: Answer) => {
    const { status, reason, message } = body.status.conditions.find(
      ({ type }: { type: string }) => type === 'Bound',
    );
    return { status, reason, message };
  };

  test.each([
    ['NetworkNotFound', (name: string) => ({ network: { name } }), 'hidden-net'],
    ['ClassNotFound', (name: string) => ({ addresses: [{ class: name }] }), 'hidden-class'],
    ['InterfaceNotFound', (name: string) => ({ networkInterfaceName: name }), 'hidden-web'],
  ])('waits as for what is not there: %s', async (reason, spec, name) => {
    const [foreign, absent] = [await posted(spec(name), 'a'), await posted(spec('no-such'), 'b')];
    expect([foreign.code, boundOf(foreign)]).toMatchObject([201, { status: 'False', reason }]);
    expect(boundOf(foreign).message.replaceAll(name, '*')).toBe(
      boundOf(absent).message.replaceAll('no-such', '*'),
    );
    // Its own ones, or those of the project that they are for, serve.
    const inside = claim('inside', spec(name));
    const control = await operator.post(pathOf(HIDDEN, 'networkinterfaceclaims'), inside);
    expect(boundOf(control).reason).not.toBe(reason);
  });
});

describe('an IPClaim that names what another project has', () => {
  const posted = (spec: object, name = 'x') =>
    me.post(pathOf('mine', 'ipclaims'), ipClaim(name, spec));
  const inPool = (name: string) => ({ poolRef: { name }, prefixLength: 32 });

  test.each([
    ['ClassNotFound', (name: string) => ({ className: name }), 'hidden-class'],
    ['NoOfferingPool', inPool, 'hidden-pool'],
    ['NoOfferingPool', inPool, 'common'],
    ['NoOfferingPool', inPool, 'subnet4.hidden.net-a.lhr'],
    [
      'Invalid',
      (name: string) => ({ ...own('dfw'), scope: { network: name, location: 'dfw' } }),
      'hidden-net',
    ],
  ])('is refused as for what is not there: %s', async (reason, spec, name) => {
    const [foreign, absent] = [await posted(spec(name)), await posted(spec('no-such'))];
    expect(foreign).toMatchObject({ code: 422, body: { reason } });
    expect(without(foreign, name)).toBe(without(absent, 'no-such'));
    const control = await operator.post(pathOf(HIDDEN, 'ipclaims'), ipClaim('inside', spec(name)));
    expect([name, control.body.reason]).toEqual([name, undefined]);
  });

  test('gets none of a range that another project owns, whatever class it offers', async () => {
    const spec = { className: 'shared-class' };
    const inside = await operator.post(pathOf(HIDDEN, 'ipclaims'), ipClaim('inside', spec));
    expect(inside.code).toBe(201);
    for (let n = 0; n < 16; n += 1) {
      const { code, body } = await posted(spec, `x-${n}`);
      if (code === 507) return;
      expect([code, body.status.poolRef.name]).toEqual([201, 'common']);
    }
    expect((await posted(spec)).code).toBe(507);
  });

  test('learns that an address is taken, and not by whom', async () => {
    const spec = { className: 'shared-class', address: '203.0.113.7' };
    const taken = ipClaim('hidden-holder', { ...spec, className: 'hidden-class' });
    expect((await operator.post(pathOf(HIDDEN, 'ipclaims'), taken)).code).toBe(201);
    const refused = await posted(spec);
    expect(refused).toMatchObject({ code: 409, body: { reason: 'AddressTaken' } });
    expect(JSON.stringify(refused)).not.toContain(HIDDEN);
    expect((await posted({ ...spec, address: '203.0.113.8' })).code).toBe(201);
  });
});

test('the feed of a project tells nothing of another', async () => {
  const of = async (caller: Caller, query = '') =>
    String((await caller.get(`/ledger/v1/events?follow=false${query}`)).body);
  expect(await of(operator)).toContain('hidden-web');
  const mine = await of(me, '&project=mine');
  expect(mine).toContain('web-block');
  expect(mine).not.toContain(HIDDEN);
  expect(await of(operator, `&project=${HIDDEN}`)).toContain('hidden-web');
  expect(await of(me, `&project=${HIDDEN}`)).toBe('');
});

test('projects use the same names and private addresses, each its own', async () => {
  const families = { ipFamilies: ['IPv6', 'IPv4'] };
  const given = ['mine', HIDDEN].map(async (project) => {
    await operator.post(pathOf(project, 'networks'), network('same', families));
    const web = claim('same', { ...families, network: { name: 'same' } });
    const { body } = await operator.post(pathOf(project, 'networkinterfaceclaims'), web);
    return body.status.addresses.map(({ address }: { address: string }) => address);
  });
  const [mine, hidden] = await Promise.all(given);
  expect(mine).toHaveLength(2);
  // IPv6 is unique on the platform; two networks' IPv4 plans may coincide.
  expect(mine[0]).not.toBe(hidden[0]);
  expect(mine[1]).toBe(hidden[1]);
});
