import { describe, expect, test } from 'vitest';
import { claim, GROUP, NAMESPACES } from '../world.ts';
import { type Guarded, guarded, pathsOf, populate } from './guarded.ts';

const NICS = 'networkinterfaces';
const CLAIMS = 'networkinterfaceclaims';

async function twoProjects(changes = {}): Promise<Guarded> {
  const world = await guarded(changes);
  await populate(world, ['mine', 'foreign']);
  for (const project of ['mine', 'foreign']) {
    await world.operator.post(pathsOf(project, CLAIMS), claim(`${project}-0`));
  }
  const there = claim('far', { location: { name: 'lhr' } });
  await world.operator.post(pathsOf('mine', CLAIMS), there);
  return world;
}

const compute = (world: Guarded, name = 'c') =>
  world.be(name, { role: 'compute', projects: [world.generation('mine')] });
const provider = (world: Guarded, name = 'p') =>
  world.be(name, { role: 'provider', locations: ['dfw'] });
const namesOf = ({ body }: { body: { items: { metadata: { name: string } }[] } }) =>
  body.items.map(({ metadata }) => metadata.name);

describe('compute', () => {
  test('writes claims of its projects and reads what came of them', async () => {
    const world = await twoProjects();
    const me = compute(world);
    const made = await me.post(pathsOf('mine', CLAIMS), claim('web-0'));
    expect(made.code).toBe(201);
    expect(namesOf(await me.get(pathsOf('mine', NICS)))).toEqual(['far', 'mine-0', 'web-0']);
    expect((await me.send('DELETE', pathsOf('mine', CLAIMS, 'web-0'))).code).toBe(200);
    expect((await me.send('DELETE', pathsOf('mine', NICS, 'far'))).code).toBe(403);
    const network = pathsOf('mine', 'networks', 'net-a');
    expect((await me.send('PATCH', network, { spec: { mtu: 1400 } })).code).toBe(403);
  });

  test('is not told whether anything of another project exists', async () => {
    const world = await twoProjects();
    const me = compute(world);
    const texts = ['foreign', 'no-such'].map(async (project) => {
      const answers = [
        await me.get(pathsOf(project, CLAIMS)),
        await me.get(pathsOf(project, CLAIMS, `${project}-0`)),
        await me.post(pathsOf(project, CLAIMS), claim('foreign-0')),
        await me.send('DELETE', pathsOf(project, CLAIMS, `${project}-0`)),
        await me.get(`${NAMESPACES}/${project}`),
      ];
      expect(answers.map(({ code }) => code)).toEqual([403, 403, 403, 403, 403]);
      return JSON.stringify(answers).replaceAll(project, '');
    });
    const [foreign, absent] = await Promise.all(texts);
    expect(foreign).toBe(absent);
  });

  test('does not list over all projects', async () => {
    const me = compute(await twoProjects());
    for (const query of ['', '?watch=1', '?fieldSelector=metadata.namespace%3Dmine']) {
      expect((await me.get(`${GROUP}/${CLAIMS}${query}`)).code).toBe(403);
    }
  });

  test('has each item of a batch answered by its project', async () => {
    const world = await twoProjects();
    const me = compute(world);
    const items = [
      { create: claim('a', {}, { namespace: 'mine' }) },
      { create: claim('b', {}, { namespace: 'foreign' }) },
      { delete: { namespace: 'foreign', name: 'foreign-0' } },
      { delete: { namespace: 'mine', name: 'mine-0' } },
      { create: claim('c') },
    ];
    const { code, body } = await me.post('/ledger/v1/claims:batch', { items });
    expect(code).toBe(200);
    expect(body.items.map((item: { code: number }) => item.code)).toEqual([
      201, 403, 403, 200, 403,
    ]);
    expect((await world.operator.get(pathsOf('foreign', CLAIMS, 'foreign-0'))).code).toBe(200);
  });

  test('acts under its own name', async () => {
    const world = await twoProjects();
    await compute(world, 'bob').post(pathsOf('mine', CLAIMS), claim('web-0'));
    const { body } = await world.operator.get(
      '/ledger/v1/events?follow=false&project=mine&type=ClaimRequested',
    );
    const last = JSON.parse(String(body).trim().split('\n').at(-1) ?? '');
    expect([last.actorissuer, last.actorsubject, last.actorrole]).toEqual([
      ...['test', 'bob', 'compute'],
    ]);
  });
});

describe('provider', () => {
  test('sees interfaces of its locations in every project, and no others', async () => {
    const world = await twoProjects();
    const me = provider(world);
    expect(namesOf(await me.get(`${GROUP}/${NICS}`))).toEqual(['foreign-0', 'mine-0']);
    expect(namesOf(await me.get(pathsOf('mine', NICS)))).toEqual(['mine-0']);
    expect((await me.get(pathsOf('mine', NICS, 'mine-0'))).code).toBe(200);
    const hidden = await me.get(pathsOf('mine', NICS, 'far'));
    const absent = await me.get(pathsOf('mine', NICS, 'nothing'));
    expect([hidden.code, absent.code]).toEqual([404, 404]);
    expect(JSON.stringify(hidden.body).replaceAll('far', 'nothing')).toBe(
      JSON.stringify(absent.body),
    );
    const position = (await world.operator.get(`${GROUP}/${NICS}`)).body.metadata.resourceVersion;
    expect((await me.get(`${pathsOf('mine', NICS, 'far')}?asOf=${position}`)).code).toBe(404);
    expect(namesOf(await me.get(`${GROUP}/${NICS}?asOf=${position}`))).toHaveLength(2);
  });

  test('is not shown by a page that there is more', async () => {
    const me = provider(await twoProjects());
    const { body } = await me.get(`${pathsOf('mine', NICS)}?limit=1`);
    expect(body.metadata.continue).toBe(undefined);
    const whole = await me.get(`${GROUP}/${NICS}?limit=2`);
    expect([namesOf(whole).length, whole.body.metadata.continue]).toEqual([2, undefined]);
  });

  test('reports status, and changes finalizers and annotations only', async () => {
    const world = await twoProjects();
    const me = provider(world);
    const nic = pathsOf('mine', NICS, 'mine-0');
    const reported = await me.send('PATCH', `${nic}/status`, { status: { vpc: 'v-1' } });
    expect([reported.code, reported.body.status?.vpc]).toEqual([200, 'v-1']);
    const finalizers = ['provider.example.com/nic'];
    const allowed = { metadata: { finalizers, annotations: { 'a.example.com/b': 'c' } } };
    expect((await me.send('PATCH', nic, allowed)).code).toBe(200);
    const labels = await me.send('PATCH', nic, { metadata: { labels: { a: 'b' } } });
    expect([labels.code, labels.body.reason]).toEqual([403, 'Forbidden']);
    const owners = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }];
    const owned = await me.send('PATCH', nic, { metadata: { ownerReferences: owners } });
    expect(owned.code).toBe(403);
    expect((await me.send('DELETE', nic)).code).toBe(403);
    const far = pathsOf('mine', NICS, 'far');
    expect((await me.send('PATCH', far, allowed)).code).toBe(404);
    expect((await me.send('PATCH', `${far}/status`, { status: { vpc: 'v' } })).code).toBe(404);
    expect((await world.operator.get(far)).body.metadata.finalizers).toBe(undefined);
  });

  test('is sent changes of its locations only', async () => {
    const world = await twoProjects();
    const watch = await provider(world).follow(`${GROUP}/${NICS}?watch=1`);
    await expect.poll(() => watch.lines.length).toBe(2);
    const far = claim('far-2', { location: { name: 'lhr' } });
    await world.operator.post(pathsOf('mine', CLAIMS), far);
    await world.operator.post(pathsOf('mine', CLAIMS), claim('near'));
    await expect.poll(() => watch.lines.length).toBe(3);
    expect(watch.lines.join()).not.toContain('far');
    expect(watch.lines[2]).toContain('"near"');
  });

  test('has no part in the event feed', async () => {
    expect((await provider(await twoProjects()).get('/ledger/v1/events')).code).toBe(403);
  });
});

describe('an auditor', () => {
  test('reads everything and writes nothing', async () => {
    const world = await twoProjects();
    const me = world.be('a', { role: 'auditor' });
    for (const path of [`${GROUP}/${CLAIMS}`, `${GROUP}/locations`, NAMESPACES]) {
      expect((await me.get(path)).code).toBe(200);
    }
    expect((await me.get('/ledger/v1/events?follow=false')).code).toBe(200);
    expect((await me.post(pathsOf('mine', CLAIMS), claim('x'))).code).toBe(403);
    expect((await me.post('/ledger/v1/claims:batch', { items: [] })).code).toBe(403);
  });
});

describe('the life of a project', () => {
  async function renewed(world: Guarded): Promise<void> {
    const { operator } = world;
    for (const name of ['mine-0', 'far']) {
      await operator.send('DELETE', pathsOf('mine', CLAIMS, name));
    }
    expect((await operator.send('DELETE', `${NAMESPACES}/mine`)).code).toBe(200);
    await expect.poll(async () => (await operator.get(`${NAMESPACES}/mine`)).code).toBe(404);
    expect((await operator.post(NAMESPACES, { metadata: { name: 'mine' } })).code).toBe(201);
    const spec = { ipFamilies: ['IPv6'] };
    await operator.post(pathsOf('mine', 'networks'), { metadata: { name: 'net-a' }, spec });
    await operator.post(pathsOf('mine', CLAIMS), claim('second-life'));
  }

  test('ends what a token of it may do', async () => {
    const world = await twoProjects();
    const old = compute(world, 'old');
    const watch = await old.follow(`${pathsOf('mine', CLAIMS)}?watch=1`);
    const feed = await old.follow('/ledger/v1/events');
    await renewed(world);
    expect(await watch.ended).toBe(true);
    expect(await feed.ended).toBe(true);
    expect(watch.lines.at(-1)).toContain('"code":401');
    expect(watch.lines.join() + feed.lines.join()).not.toContain('second-life');
    for (const path of [pathsOf('mine', CLAIMS), '/ledger/v1/events', `${NAMESPACES}/mine`]) {
      expect([path, (await old.get(path)).code]).toEqual([path, 403]);
    }
  });

  test('is all that a token of a later one is shown', async () => {
    const world = await twoProjects();
    const before = world.views.position;
    await renewed(world);
    const me = compute(world, 'new');
    const claims = pathsOf('mine', CLAIMS);
    expect(namesOf(await me.get(claims))).toEqual(['second-life']);
    expect(namesOf(await me.get(`${claims}?asOf=${before}`))).toEqual([]);
    expect((await me.get(`${claims}/mine-0?asOf=${before}`)).code).toBe(404);
    const exact = `${claims}?resourceVersion=${before}&resourceVersionMatch=Exact`;
    expect((await me.get(exact)).code).toBe(410);
    const watch = await me.follow(`${claims}?watch=1&resourceVersion=${before}`);
    expect(await watch.ended).toBe(true);
    expect(watch.lines.join()).toContain('"code":410');
    const feed = String((await me.get('/ledger/v1/events?follow=false')).body);
    expect(feed).toContain('second-life');
    expect(feed).not.toContain('mine-0');
    const late = String((await me.get(`/ledger/v1/events?follow=false&after=${before}`)).body);
    expect(late).not.toContain('mine-0');
  });

  test('keeps to itself what rests of it', async () => {
    const world = await twoProjects();
    const ipam = '/apis/ipam.miloapis.com/v1alpha1';
    const resting = 'ipallocations?fieldSelector=status.phase%3DQuarantined';
    const { operator } = world;
    const shared = { visibility: 'shared', projects: ['*'] };
    const hosts = { allowedPrefixLengths: { min: 32, max: 32 }, defaultPrefixLength: 32 };
    await operator.post(`${ipam}/ipclasses`, {
      ...{ metadata: { name: 'public' }, spec: { ipFamily: 'IPv4', ...hosts, ...shared } },
    });
    await operator.post(`${ipam}/ippools`, {
      metadata: { name: 'edge' },
      spec: { ipFamily: 'IPv4', cidr: '198.51.100.0/24', classNames: ['public'] },
    });
    const claims = `${ipam}/namespaces/mine/ipclaims`;
    const asked = { metadata: { name: 'lb' }, spec: { className: 'public' } };
    expect((await operator.post(claims, asked)).code).toBe(201);
    await operator.send('DELETE', `${claims}/lb`);
    await renewed(world);
    const own = `${ipam}/namespaces/mine/${resting}`;
    expect(namesOf(await operator.get(own))).toHaveLength(1);
    expect(namesOf(await compute(world, 'new').get(own))).toEqual([]);
    await operator.post(claims, asked);
    await operator.send('DELETE', `${claims}/lb`);
    expect(namesOf(await operator.get(own))).toHaveLength(2);
    expect(namesOf(await compute(world, 'new').get(own))).toHaveLength(1);
  });
});

describe('an identity that ends', () => {
  test('is known no more, and its open answers end', async () => {
    const world = await twoProjects();
    const me = world.be('x', { role: 'auditor' });
    const watch = await me.follow(`${GROUP}/${NICS}?watch=1`);
    const feed = await me.follow('/ledger/v1/events');
    me.end();
    expect(await watch.ended).toBe(true);
    expect(await feed.ended).toBe(true);
    expect(watch.lines.at(-1)).toContain('Unauthorized');
    const { code, body } = await me.get(NAMESPACES);
    expect([code, body.reason]).toEqual([401, 'Unauthorized']);
  });

  test.each([['Bearer'], ['Bearer '], ['Basic eDp5'], ['x'], ['Bearer a b'], ['bearer wrong']])(
    'nobody is let in by %j',
    async (authorization) => {
      const { app } = await guarded();
      const answer = await app.inject({ url: NAMESPACES, headers: { authorization } });
      expect([answer.statusCode, answer.json().reason]).toEqual([401, 'Unauthorized']);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="netalloc"');
    },
  );
});

describe('bounds of one subject', () => {
  test('requests a second', async () => {
    const world = await guarded({ requestRate: { perSecondMax: 2, burstMax: 3 } });
    const [one, two] = [world.be('1', {}), world.be('2', {})];
    const codes = async (count: number, caller = one) => {
      const answers = Array.from({ length: count }, () => caller.get('/version'));
      return (await Promise.all(answers)).map(({ code }) => code);
    };
    expect(await codes(4)).toEqual([200, 200, 200, 429]);
    expect(await codes(1, two)).toEqual([200]);
    world.time.ms += 1_000;
    expect(await codes(3)).toEqual([200, 200, 429]);
  });

  test('watches and followers', async () => {
    const world = await guarded({
      watch: { watchersPerSubjectMax: 1 },
      feed: { followersPerSubjectMax: 1 },
    });
    const [one, two] = [1, 2].map((n) => world.be(String(n), { role: 'auditor' }));
    for (const path of [`${GROUP}/${NICS}?watch=1`, '/ledger/v1/events']) {
      const first = await one?.follow(path);
      expect(first?.response.statusCode).toBe(200);
      expect((await one?.follow(path))?.response.statusCode).toBe(429);
      expect((await two?.follow(path))?.response.statusCode).toBe(200);
      first?.response.destroy();
      await expect.poll(async () => (await one?.follow(path))?.response.statusCode).toBe(200);
    }
  });
});
