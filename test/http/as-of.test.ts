import { describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { CLAIMS, CONTEXTS, claim, GROUP, INTERFACES, NETWORKS } from './world.ts';

const service = realService('as-of');
const { get, send } = service;
const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';
const BEGIN = '2026-03-02T08:00:00.123Z';
const dual = { ipFamilies: ['IPv6', 'IPv4'] };

const labelled = (value: string) => ({ metadata: { labels: { value } } });
const namesOf = (list: { body: { items: { metadata: { name: string } }[] } }) =>
  list.body.items.map(({ metadata }) => metadata.name);
const versionOf = (answer: { body: { metadata: { resourceVersion: string } } }) =>
  answer.body.metadata.resourceVersion;

describe('asOf', () => {
  test('shows an object as it was at its own resourceVersion', async () => {
    const made = await send('POST', CLAIMS, claim('web-0', dual));
    const patched = await send('PATCH', `${CLAIMS}/web-0`, labelled('1'));
    await send('DELETE', `${CLAIMS}/web-0`);
    const url = `${CLAIMS}/web-0?asOf=`;
    expect((await get(`${CLAIMS}/web-0`)).code).toBe(404);
    expect((await get(url + versionOf(made))).body).toEqual(made.body);
    expect((await get(url + versionOf(patched))).body).toEqual(patched.body);
    const before = BigInt(versionOf(patched)) - 1n;
    expect((await get(url + before)).body).toEqual(made.body);
    const gone = await get(`${CLAIMS}?limit=1`);
    expect((await get(url + versionOf(gone))).code).toBe(404);
  });

  test('shows a command whole at any of its positions', async () => {
    await send('POST', NETWORKS, { metadata: { name: 'net-w' }, spec: dual });
    const before = BigInt(versionOf(await get(`${CLAIMS}?limit=1`)));
    const spec = { ...dual, network: { name: 'net-w' } };
    const made = await send('POST', CLAIMS, claim('whole', spec));
    const end = BigInt(versionOf(await get(`${CLAIMS}?limit=1`)));
    expect(end - before).toBeGreaterThan(3n);
    const nic = (await get(`${INTERFACES}/whole`)).body;
    let shown = 0;
    for (let position = before; position <= end; position += 1n) {
      const list = await get(`${CLAIMS}?asOf=${position}`);
      const one = await get(`${INTERFACES}/whole?asOf=${position}`);
      expect(namesOf(list).includes('whole')).toBe(one.code === 200);
      if (one.code !== 200) continue;
      shown += 1;
      expect(one.body).toEqual(nic);
      expect((await get(`${CLAIMS}/whole?asOf=${position}`)).body).toEqual(made.body);
      expect(versionOf(list)).toBe(String(end));
    }
    expect(shown).toBeGreaterThan(1);
  });

  test('shows it whole to a list of an exact version, too', async () => {
    const before = BigInt(versionOf(await get(`${CLAIMS}?limit=1`)));
    await send('POST', CLAIMS, claim('exact', dual));
    const end = BigInt(versionOf(await get(`${CLAIMS}?limit=1`)));
    expect(end - before).toBe(4n);
    for (let position = before; position <= end; position += 1n) {
      const exact = `resourceVersion=${position}&resourceVersionMatch=Exact&limit=500`;
      const [claims, nics] = [await get(`${CLAIMS}?${exact}`), await get(`${INTERFACES}?${exact}`)];
      const isThere = position > before;
      expect([namesOf(claims), namesOf(nics)].map((names) => names.includes('exact'))).toEqual([
        isThere,
        isThere,
      ]);
      const found = claims.body.items.find(
        (one: { metadata: { name: string } }) => one.metadata.name === 'exact',
      );
      expect(found?.status.addresses?.length).toBe(isThere ? 2 : undefined);
      expect(versionOf(claims)).toBe(String(isThere ? end : before));
    }
  });

  test('takes an instant for all that was recorded by then', async () => {
    service.nowMs += 1_000;
    await send('POST', CLAIMS, claim('early', dual));
    await send('POST', CLAIMS, claim('same-instant', dual));
    const list = await get(CLAIMS);
    service.nowMs += 60_000;
    await send('DELETE', `${CLAIMS}/early`);
    const at = (text: string) => get(`${CLAIMS}?asOf=${encodeURIComponent(text)}`);
    const then = await at('2026-03-02T08:00:01.123Z');
    expect(namesOf(then)).toEqual(expect.arrayContaining(['early', 'same-instant']));
    expect(then.body).toEqual(list.body);
    expect(namesOf(await at('2026-03-02T08:00:01.122Z'))).not.toContain('early');
    expect((await at('2026-03-02T10:00:01.123999+02:00')).body).toEqual(then.body);
    expect((await at('2026-03-02t08:00:50z')).body).toEqual(then.body);
    expect(namesOf(await at('2026-03-02T08:01:01.123Z'))).not.toContain('early');
  });

  test('before the first event shows nothing', async () => {
    for (const when of ['0', '2026-03-02T08:00:00.122Z', '1970-01-01T00:00:00Z']) {
      const list = await get(`${CLAIMS}?asOf=${when}`);
      expect([list.code, list.body.items, versionOf(list)]).toEqual([200, [], '0']);
      expect((await get(`/api/v1/namespaces/alpha?asOf=${when}`)).code).toBe(404);
    }
    expect((await get(`/api/v1/namespaces/alpha?asOf=${BEGIN}`)).code).toBe(200);
  });

  test('has pages that all show the same position', async () => {
    for (const name of ['p-0', 'p-1', 'p-2', 'p-3']) {
      await send('POST', CLAIMS, claim(name, {}, { labels: { page: 'x' } }));
    }
    const asOf = versionOf(await get(`${CLAIMS}?limit=1`));
    await send('DELETE', `${CLAIMS}/p-3`);
    const query = `?labelSelector=page%3Dx&limit=2&asOf=${asOf}`;
    const first = await get(CLAIMS + query);
    await send('POST', CLAIMS, claim('p-1x', {}, { labels: { page: 'x' } }));
    const next = `&continue=${first.body.metadata.continue}`;
    const second = await get(CLAIMS + query + next);
    expect([...namesOf(first), ...namesOf(second)]).toEqual(['p-0', 'p-1', 'p-2', 'p-3']);
    expect([versionOf(first), versionOf(second)]).toEqual([asOf, asOf]);
    // The present's list is another one.
    const other = await get(`${CLAIMS}?labelSelector=page%3Dx&limit=2${next}`);
    expect(other.code).toBe(400);
    const one = await get(`${CLAIMS}?fieldSelector=metadata.name%3Dp-3&asOf=${asOf}`);
    expect(namesOf(one)).toEqual(['p-3']);
  });

  test('shows the facts of then, and no counts', async () => {
    await send('POST', CLAIMS, claim('counted', dual));
    const context = `${CONTEXTS}/net-a.dfw`;
    const asOf = versionOf(await get(`${CONTEXTS}?limit=1`));
    const before = (await get(context)).body;
    await send('PATCH', `${NETWORKS}/net-a`, { spec: { mtu: 1500 } });
    const past = (await get(`${context}?asOf=${asOf}`)).body;
    expect([before.status.mtu, past.status.mtu]).toEqual([1460, 1460]);
    expect((await get(context)).body.status.mtu).toBe(1500);
    expect(before.status.interfaces).toBeGreaterThan(0);
    expect(past.status.interfaces).toBeUndefined();
    const [subnet] = past.status.subnets;
    expect(Object.keys(subnet)).toEqual(['family', 'prefix', 'gateway']);
    const pool = (await get(`${POOLS}?asOf=${asOf}`)).body.items.at(-1);
    expect(pool.status.allocatedCIDR).toBeDefined();
    expect(pool.status).not.toHaveProperty('capacity');
    expect(pool.status).not.toHaveProperty('phase');
  });

  test('serves every kind', async () => {
    const asOf = versionOf(await get(`${CLAIMS}?limit=1`));
    const { paths } = (await get('/openapi.json')).body;
    const reads = Object.entries(paths as Record<string, { get?: { parameters?: object[] } }>)
      .filter(([path]) => /^\/apis?\/.*(s|\{name\})$/.test(path))
      .map(([path, { get }]) => ({ path, names: JSON.stringify(get?.parameters ?? []) }))
      .filter(({ names }) => names.includes('resourceVersion'));
    expect(reads.length).toBeGreaterThan(15);
    for (const { path, names } of reads) {
      expect(names).toContain('"asOf"');
      const url = path.replace('{namespace}', 'alpha').replace('{name}', 'nobody');
      expect([url, (await get(`${url}?asOf=${asOf}`)).code]).toEqual([
        url,
        path.includes('{name}') ? 404 : 200,
      ]);
    }
    expect((await get(`${INTERFACES}/counted/status?asOf=${asOf}`)).code).toBe(200);
  });

  test.each([
    '',
    'yesterday',
    '-1',
    '007',
    '1.5',
    '2026-03-02',
    '2026-03-02T08:00:00',
    '2026-02-30T08:00:00Z',
    '2026-03-02T08:00:00+99:00',
    '2030-01-01T00:00:00Z',
    '2026-03-02T08:30:00.000Z',
  ])('refuses %j', async (text) => {
    for (const url of [CLAIMS, `${CLAIMS}/counted`]) {
      const refused = await get(`${url}?asOf=${encodeURIComponent(text)}`);
      expect([refused.code, refused.body.reason]).toEqual([400, 'BadRequest']);
    }
  });

  test('of a position that has not happened yet is answered as such a resourceVersion is', async () => {
    const head = BigInt(versionOf(await get(`${CLAIMS}?limit=1`)));
    for (const position of [head + 1n, 9_999_999_999_999_999_999n]) {
      for (const url of [CLAIMS, `${CLAIMS}/counted`]) {
        const refused = await get(`${url}?asOf=${position}`);
        expect([refused.code, refused.body.reason]).toEqual([504, 'Timeout']);
        expect(refused.body.details.causes[0].reason).toBe('ResourceVersionTooLarge');
      }
    }
  });

  test('is refused with a watch, with a resourceVersion, and with writes', async () => {
    const before = versionOf(await get(`${CLAIMS}?limit=1`));
    const one = `${CLAIMS}/counted?asOf=1`;
    const refusals = [
      await get(`${CLAIMS}?asOf=1&watch=1`),
      await get(`${CLAIMS}?asOf=1&resourceVersion=1`),
      await get(`${CLAIMS}?asOf=1&resourceVersionMatch=NotOlderThan`),
      await get(`${one}&resourceVersion=1`),
      await send('POST', `${CLAIMS}?asOf=1`, claim('never')),
      await send('PUT', one, claim('counted', dual)),
      await send('PATCH', one, labelled('1')),
      await send('DELETE', one),
      await send('PATCH', `${INTERFACES}/counted/status?asOf=1`, { status: { vpc: 'v' } }),
      await send('POST', '/ledger/v1/claims:batch?asOf=1', { items: [{ create: claim('x') }] }),
    ];
    expect(refusals.map(({ code }) => code)).toEqual(refusals.map(() => 400));
    expect(versionOf(await get(`${GROUP}/locations?limit=1`))).toBe(before);
  });
});

describe('asOf of the present instant', () => {
  test('waits for its end, and is the same answer for ever', async () => {
    service.nowMs += 1_000;
    const url = `${CLAIMS}?asOf=${encodeURIComponent(new Date(service.nowMs).toISOString())}`;
    const reading = get(url);
    await send('POST', CLAIMS, claim('in-time', dual));
    service.nowMs += 1;
    const first = await reading;
    expect(namesOf(first)).toContain('in-time');
    await send('DELETE', `${CLAIMS}/in-time`);
    expect((await get(url)).body).toEqual(first.body);
  });
});
