import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import {
  claim,
  context,
  deleteClaim,
  deleteNetwork,
  finalizers,
  location,
  updateLocation,
  updateNetwork,
} from '../ledger/commands.ts';
import { labels } from '../views/living-world.ts';
import {
  CLAIMS,
  INITIAL,
  LOCATIONS,
  NICS,
  told,
  type Watch,
  type Watched,
  watched,
} from './watching.ts';
import { world as fakeWorld, GROUP } from './world.ts';

const ALL_CLAIMS = `${GROUP}/networkinterfaceclaims`;
const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const selector = (text: string) => `labelSelector=${encodeURIComponent(text)}`;
const fields = (text: string) => `fieldSelector=${encodeURIComponent(text)}`;

describe('a watch', () => {
  test.each(['', '&resourceVersion=', '&resourceVersion=0'])(
    'without a version begins with what there is: %s',
    async (version) => {
      const { run, watch, list } = await watched();
      await run(claim('b'));
      await run(claim('a'));
      const one = await watch(`${CLAIMS}?watch=true${version}`);
      expect(told(await one.atLeast(2))).toEqual(['ADDED b', 'ADDED a']);
      const { items } = await list(CLAIMS);
      expect(one.lines.map(({ object }) => object)).toEqual(items.toReversed());
      await run(labels('a', { app: 'web' }));
      await run(deleteClaim('b'));
      const lines = await one.atLeast(4);
      expect(told(lines).slice(2)).toEqual(['MODIFIED a', 'DELETED b']);
      expect(lines[2]?.object).toEqual((await list(CLAIMS)).items[0]);
    },
  );

  test('goes on after a version, with every later change once', async () => {
    const { run, watch, list } = await watched();
    await run(claim('a'));
    const { metadata, items } = await list(CLAIMS);
    await run(claim('b'));
    await run(deleteClaim('a'));
    const one = await watch(`${CLAIMS}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    await run(claim('c'));
    const lines = await one.atLeast(3);
    expect(told(lines)).toEqual(['ADDED b', 'DELETED a', 'ADDED c']);
    const { resourceVersion, ...rest } = lines[1]?.object.metadata ?? {};
    const { resourceVersion: first, ...before } = items[0].metadata;
    expect(rest).toEqual(before);
    expect(BigInt(resourceVersion)).toBeGreaterThan(BigInt(first));
    const again = await watch(`${CLAIMS}?watch=1&resourceVersion=${resourceVersion}`);
    expect(told(await again.atLeast(1))).toEqual(['ADDED c']);
  });

  /** Goes on from every line of a watch, and has the lines after that. */
  async function goesOnAnywhere({ watch }: Watched, path: string, whole: Watch): Promise<void> {
    const all = told(whole.lines);
    for (const [index, { object }] of whole.lines.entries()) {
      const missing = all.slice(index + 1);
      const again = await watch(
        `${path}?watch=1&resourceVersion=${object.metadata.resourceVersion}`,
      );
      // What it is sent once more is of the event that it was cut in.
      const lines = told(await again.atLeast(missing.length));
      expect(lines.slice(lines.length - missing.length)).toEqual(missing);
    }
  }

  test('that is cut amid the blocks of one interface misses none', async () => {
    const world = await watched();
    const { run, watch, list } = world;
    const path = `${IPAM}/namespaces/alpha/ipallocations`;
    const { metadata, items: before } = await list(path);
    await run(claim('a', { reclaimPolicy: 'Retain' }));
    await run(deleteClaim('a'));
    await run({ type: 'DeleteInterface', name: 'a', expect: {} });
    const { items: after } = await list(path);
    const whole = await watch(`${path}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    // Two blocks come, are retained and go, each time by one event; the presence's come and stay.
    const lines = told(await whole.atLeast(after.length - before.length + 6));
    expect(lines.slice(-4).map((line) => line.split(' ')[0])).toEqual([
      ...['MODIFIED', 'MODIFIED', 'DELETED', 'DELETED'],
    ]);
    await goesOnAnywhere(world, path, whole);
  });

  test('that is cut amid the objects that follow one event misses none', async () => {
    const world = await watched();
    const { run, watch, list } = world;
    const path = `${GROUP}/namespaces/alpha/networkcontexts`;
    const places = ['us', 'eu', 'asia'];
    for (const place of places.slice(1)) await run(location(place));
    for (const place of places) await run(context(`net.${place}`));
    const { metadata } = await list(path);
    await run(updateNetwork('net', { mtu: 1400 }));
    await run(deleteNetwork('net'));
    const whole = await watch(`${path}?watch=1&resourceVersion=${metadata.resourceVersion}`);
    const lines = told(await whole.atLeast(6));
    expect(lines.slice(0, 3).sort()).toEqual(places.map((one) => `MODIFIED net.${one}`).sort());
    await goesOnAnywhere(world, path, whole);
  });

  test('is answered at once, with an open end and no compression', async () => {
    const { watch } = await watched();
    const { response, lines } = await watch(`${ALL_CLAIMS}?watch`);
    expect([response.statusCode, lines]).toEqual([200, []]);
    expect(response.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      'transfer-encoding': 'chunked',
    });
    expect(response.headers).not.toHaveProperty('content-encoding');
  });

  test('covers one namespace or all, one name, and kinds without a namespace', async () => {
    const { run, watch } = await watched();
    await run({ type: 'CreateNamespace', metadata: {} }, 'beta');
    const paths = [
      CLAIMS,
      ALL_CLAIMS,
      `${GROUP}/namespaces/beta/networkinterfaceclaims`,
      `${CLAIMS}?${fields('metadata.name=b')}`,
      `${ALL_CLAIMS}?${fields('metadata.name=a')}`,
      LOCATIONS,
      `${LOCATIONS}?${fields('metadata.name=eu')}`,
      NICS,
    ];
    const watches = await Promise.all(
      paths.map((path) => watch(`${path}${path.includes('?') ? '&' : '?'}watch=1`)),
    );
    await run(location('eu'));
    await run(claim('a'));
    await run(claim('a'), 'beta');
    await run(claim('b'));
    await run(updateLocation('us', { draining: true }));
    const expected = [
      ['ADDED a', 'ADDED b'],
      ['ADDED a', 'ADDED a', 'ADDED b'],
      ['ADDED a'],
      ['ADDED b'],
      ['ADDED a', 'ADDED a'],
      ['ADDED us', 'ADDED eu', 'MODIFIED us'],
      ['ADDED eu'],
      ['ADDED a', 'ADDED b'],
    ];
    for (const [index, one] of watches.entries()) {
      const wanted = expected[index] as string[];
      expect(told(await one.atLeast(wanted.length))).toEqual(wanted);
    }
  });

  test('works for every kind that discovery lists', async () => {
    const { watch, list } = await watched();
    const ipam = '/apis/ipam.miloapis.com/v1alpha1';
    const roots = ['/api/v1', GROUP, ipam, '/apis/events.k8s.io/v1'];
    let count = 0;
    for (const root of roots) {
      const { resources } = await list(root);
      for (const { name, verbs, kind } of resources) {
        if (name.includes('/')) continue;
        expect([name, verbs.includes('watch')]).toEqual([name, true]);
        const path = `${root}/${name}`;
        const { items } = await list(path);
        const one = await watch(`${path}?watch=1&${INITIAL}`);
        const lines = await one.atLeast(items.length + 1);
        const added = lines.slice(0, -1).map(({ object }) => object);
        expect(new Set(added)).toEqual(new Set(items));
        expect(lines.at(-1)?.object.kind).toBe(kind);
        count += 1;
      }
    }
    expect(count).toBe(12);
  });

  test('sees objects come to match its selector, and leave it', async () => {
    const { run, watch, list } = await watched();
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1&${selector('app in (web,db)')}`);
    await run(labels('a', { app: 'web' }));
    await run(labels('a', { app: 'db' }));
    const { items } = await list(CLAIMS);
    await run(labels('a', { app: 'other' }));
    await run(labels('a', {}));
    const left = (await list(CLAIMS)).items[0];
    await run(labels('a', { app: 'web' }));
    await run(deleteClaim('a'));
    const lines = await one.atLeast(5);
    const sequence = ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a', 'DELETED a'];
    expect(told(lines)).toEqual(sequence);
    const { resourceVersion } = lines[2]?.object.metadata ?? {};
    // As it was when it last matched, but with the version of the change.
    expect(lines[2]?.object).toEqual({
      ...items[0],
      metadata: { ...items[0].metadata, resourceVersion },
    });
    expect(BigInt(resourceVersion)).toBeGreaterThan(BigInt(items[0].metadata.resourceVersion));
    expect(BigInt(resourceVersion)).toBeLessThan(BigInt(left.metadata.resourceVersion));
    const from = items[0].metadata.resourceVersion;
    const past = `${CLAIMS}?watch=1&${selector('app')}&resourceVersion=${from}`;
    const again = await watch(past);
    expect(told(await again.atLeast(4))).toEqual([
      'MODIFIED a',
      'DELETED a',
      'ADDED a',
      'DELETED a',
    ]);
  });

  test('of one name can have a selector that it does not match yet', async () => {
    const { run, watch } = await watched();
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1&${fields('metadata.name=a')}&${selector('app')}`);
    await run(labels('a', { app: 'web' }));
    await run(labels('a', {}));
    expect(told(await one.atLeast(2))).toEqual(['ADDED a', 'DELETED a']);
  });

  test('can select by fields of the status', async () => {
    const { run, watch } = await watched();
    await run(claim('a', { reclaimPolicy: 'Retain' }));
    const bound = await watch(`${NICS}?watch=1&${fields('status.phase!=Available')}`);
    const available = await watch(`${NICS}?watch=1&${fields('status.phase=Available')}`);
    await run(deleteClaim('a'));
    await run(claim('a', { reclaimPolicy: 'Retain' }));
    expect(told(await bound.atLeast(3))).toEqual(['ADDED a', 'DELETED a', 'ADDED a']);
    expect(told(await available.atLeast(2))).toEqual(['ADDED a', 'DELETED a']);
  });

  test('shows a deletion that finalizers hold up as it goes', async () => {
    const { run, watch } = await watched();
    await run(claim('a'));
    await run(finalizers('NetworkInterface', 'a', 'x/y'));
    const one = await watch(`${NICS}?watch=1`);
    await run(deleteClaim('a'));
    await run(finalizers('NetworkInterface', 'a'));
    const lines = await one.atLeast(3);
    expect(told(lines)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
    expect(lines[1]?.object.metadata.deletionTimestamp).toBeDefined();
  });

  test('is told nothing by a dry run, a refusal, or a write that changes nothing', async () => {
    const { run, watch, url } = await watched();
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1`);
    const body = JSON.stringify({ metadata: { labels: { app: 'x' } } });
    const headers = { 'content-type': 'application/merge-patch+json' };
    await fetch(`${url}${CLAIMS}/a?dryRun=All`, { method: 'PATCH', headers, body });
    await fetch(`${url}${CLAIMS}/a`, { method: 'PATCH', headers, body: '{}' });
    await run(claim('a'));
    await run(labels('a', { app: 'y' }));
    expect(told(await one.atLeast(2))).toEqual(['ADDED a', 'MODIFIED a']);
    expect(one.lines).toHaveLength(2);
  });
});

describe('where a watch cannot go on', () => {
  test.each([['1'], ['999999'], ['9223372036854775807']])(
    'from version %s it says so and ends',
    async (version) => {
      const { run, watch } = await watched({}, { window: { changesMax: 1 } });
      await run(claim('a'));
      await run(labels('a', { app: 'x' }));
      await run(labels('a', { app: 'y' }));
      const one = await watch(`${CLAIMS}?watch=1&resourceVersion=${version}`);
      expect([one.response.statusCode, await one.ended]).toEqual([200, true]);
      expect(one.lines).toEqual([
        {
          type: 'ERROR',
          object: expect.objectContaining({
            ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
            ...{ reason: 'Expired', code: 410 },
            message: expect.stringMatching(`too old resource version: ${version} \\(\\d+\\)`),
          }),
        },
      ]);
    },
  );

  test('too many watches are refused until one ends', async () => {
    const { url, watch } = await watched({ watchersMax: 2 });
    const first = await watch(`${CLAIMS}?watch=1`);
    await watch(`${CLAIMS}?watch=1`);
    const refused = await fetch(`${url}${CLAIMS}?watch=1`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ kind: 'Status', reason: 'TooManyRequests' });
    expect((await fetch(`${url}${CLAIMS}`)).status).toBe(200);
    first.stop();
    const again = async () => (await watch(`${CLAIMS}?watch=1`)).response.statusCode;
    await expect.poll(again, { timeout: 20_000 }).toBe(200);
  });

  test.each([
    ['sendInitialEvents=true', 422, 'Invalid'],
    ['sendInitialEvents=false', 422, 'Invalid'],
    ['sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1', 422, 'Invalid'],
    ['resourceVersionMatch=NotOlderThan&resourceVersion=1', 422, 'Invalid'],
    ['resourceVersion=x', 400, 'BadRequest'],
    ['resourceVersion=01', 400, 'BadRequest'],
    ['timeoutSeconds=soon', 400, 'BadRequest'],
    ['timeoutSeconds=-1', 400, 'BadRequest'],
    ['labelSelector=a%20b', 400, 'BadRequest'],
    ['fieldSelector=spec.x%3D1', 400, 'BadRequest'],
    ['asOf=2026-01-01T00:00:00Z', 400, 'BadRequest'],
  ])('with %s it is refused', async (query, code, reason) => {
    const { get } = fakeWorld();
    const refused = await get(`${CLAIMS}?watch=true&${query}`);
    expect([refused.code, refused.body.reason]).toEqual([code, reason]);
  });

  test('a HEAD request is that of a list', async () => {
    const { url } = await watched();
    const answer = await fetch(`${url}${CLAIMS}?watch=1`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('the events that a watch begins with', () => {
  test('end with a bookmark of that instant, also without any object', async () => {
    const { run, watch, list } = await watched();
    const empty = await watch(`${CLAIMS}?watch=1&${INITIAL}`);
    const mark = {
      kind: 'NetworkInterfaceClaim',
      apiVersion: 'networking.datumapis.com/v1alpha',
      metadata: {
        resourceVersion: (await list(CLAIMS)).metadata.resourceVersion,
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    };
    expect(await empty.atLeast(1)).toEqual([{ type: 'BOOKMARK', object: mark }]);
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1&${INITIAL}&resourceVersion=1`);
    await run(claim('b'));
    expect(told(await one.atLeast(3))).toEqual(['ADDED a', 'BOOKMARK', 'ADDED b']);
    expect(told(await empty.atLeast(3))).toEqual(['BOOKMARK', 'ADDED a', 'ADDED b']);
  });

  test('are sent for a version that is no longer known, and not for one to come', async () => {
    const { run, watch, url, views } = await watched({}, { window: { changesMax: 1 } });
    await run(claim('a'));
    await run(labels('a', { app: 'x' }));
    const one = await watch(`${CLAIMS}?watch=1&${INITIAL}&resourceVersion=1`);
    expect(told(await one.atLeast(2))).toEqual(['ADDED a', 'BOOKMARK']);
    const future = views.position + 1n;
    const refused = await fetch(`${url}${CLAIMS}?watch=1&${INITIAL}&resourceVersion=${future}`);
    expect(refused.status).toBe(504);
    expect(await refused.json()).toMatchObject({
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
  });

  test('are not sent to a client that wants none', async () => {
    const { run, watch } = await watched();
    await run(claim('a'));
    const none = INITIAL.replace('true', 'false');
    const one = await watch(`${CLAIMS}?watch=1&${none}`);
    await run(claim('b'));
    expect(told(await one.atLeast(1))).toEqual(['ADDED b']);
  });

  test('are those of one instant, however many there are', async () => {
    const { run, watch, list } = await watched({ chunkBytesMax: 2_000 });
    const count = limits.watchPageObjectsMax + 20;
    const names = Array.from({ length: count }, (_, i) => `l${String(i).padStart(4, '0')}`);
    await Promise.all(names.map((name) => run(location(name))));
    const before = await list(LOCATIONS);
    const one = await watch(`${LOCATIONS}?watch=1&${INITIAL}`);
    const late = names.slice(-5);
    for (const name of late) await run(updateLocation(name, { draining: true }));
    const lines = await one.atLeast(count + 2 + late.length);
    const added = lines.slice(0, count + 1);
    const byName = added.toSorted((a, b) => (told([a]) < told([b]) ? -1 : 1));
    expect(byName.map(({ object }) => object)).toEqual(before.items);
    expect(added.every(({ type }) => type === 'ADDED')).toBe(true);
    const end = lines[count + 1];
    expect([end?.type, end?.object.metadata.resourceVersion]).toEqual([
      'BOOKMARK',
      before.metadata.resourceVersion,
    ]);
    expect(told(lines).slice(count + 2)).toEqual(late.map((name) => `MODIFIED ${name}`));
  });

  test('are sent in the order of their versions, to go on from any of them', async () => {
    const { run, watch } = await watched();
    for (const name of ['b', 'a', 'c']) await run(claim(name));
    await run(labels('b', { app: 'x' }));
    const one = await watch(`${CLAIMS}?watch=1`);
    const lines = await one.atLeast(3);
    expect(told(lines)).toEqual(['ADDED a', 'ADDED c', 'ADDED b']);
    const { resourceVersion } = lines[1]?.object.metadata ?? {};
    const rest = await watch(`${CLAIMS}?watch=1&resourceVersion=${resourceVersion}`);
    expect((await rest.atLeast(1))[0]?.object).toEqual(lines[2]?.object);
  });
});
