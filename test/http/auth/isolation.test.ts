import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GROUP, location, NAMESPACES } from '../world.ts';
import { type Follower, type Guarded, guarded, pathsOf, populate } from './guarded.ts';
import { ipClaimsOf, type ProjectRequest, requestsIn, sendAs } from './isolated-commands.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const STEP_MS = 60_000;
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

/** Two projects that have a network each, and a class of public addresses that both may use. */
async function twoProjects() {
  const world = await guarded();
  await populate(world, ['alpha', 'beta']);
  const { operator, generation } = world;
  const spec = {
    ...{ ipFamily: 'IPv4', defaultPrefixLength: 32, projectQuota: 3, quarantine: '1m' },
    ...{ visibility: 'shared', projects: ['*'] },
  };
  await operator.post(`${IPAM}/ipclasses`, { metadata: { name: 'public' }, spec });
  const pool = { ipFamily: 'IPv4', cidr: '198.51.100.0/24', classNames: ['public'] };
  await operator.post(`${IPAM}/ippools`, { metadata: { name: 'edge' }, spec: pool });
  const compute = (project: string) =>
    world.be(project, { role: 'compute', projects: [generation(project)] });
  return { ...world, alpha: compute('alpha'), beta: compute('beta') };
}

/** Waits until the ledger has done by itself what it had to. */
async function quiet({ store, views }: Guarded): Promise<void> {
  for (let before = -1n; before !== (await store.head()); ) {
    before = await store.head();
    await views.reached(before);
    for (let turn = 0; turn < 30; turn += 1) await new Promise((done) => setImmediate(done));
  }
}

interface Step {
  readonly own: ProjectRequest;
  /** What happens in the other project before it. */
  readonly others: readonly ProjectRequest[];
}

const WATCHED = [
  ...['networkinterfaceclaims', 'networkinterfaces', 'networks', 'networkcontexts'].map((plural) =>
    pathsOf('alpha', plural),
  ),
  ipClaimsOf('alpha'),
  `${IPAM}/namespaces/alpha/ipallocations`,
  '/api/v1/namespaces/alpha/events',
];

/** Everything that alpha may read, and much that it may not. */
function readsAt(instant: string): readonly [url: string, headers?: object][] {
  const names = ['own-a', 'own-b', 'own-c'];
  const feed = '/ledger/v1/events?follow=false';
  return [
    ...WATCHED.flatMap((url): [string, object?][] => [
      ...([[url], [url, TABLE], [`${url}?limit=1`], [`${url}?asOf=${instant}`]] as [string][]),
      [url.replace('/namespaces/alpha', '')],
      [url.replace('/namespaces/alpha', '/namespaces/beta')],
      ...names.map((name): [string] => [`${url}/${name}`]),
      [`${url.replace('/alpha', '/beta')}/secret-a`],
    ]),
    [`${IPAM}/namespaces/alpha/ipallocations?fieldSelector=status.phase%3DQuarantined`],
    ...[feed, `${feed}&project=alpha`, `${feed}&project=beta`].map((url): [string] => [url]),
    ...['198.51.100.0/24', '10.128.0.0/9', '::/0'].map((address): [string] => [
      `${feed}&address=${encodeURIComponent(address)}`,
    ]),
    [`${feed}&stream=addressSpace-platform`],
    [`${feed}&stream=addressSpace-pool.edge`],
    ...['', '/alpha', '/beta', '/gamma'].map((name): [string] => [NAMESPACES + name]),
    ...['ippools', 'ippools/edge', 'ipclasses/public'].map((path): [string] => [`${IPAM}/${path}`]),
  ];
}

/** What alpha sees of a life: answers to all its requests, its watches, and its reads. */
async function seenIn(steps: readonly Step[], isAlone: boolean): Promise<readonly string[]> {
  const world = await twoProjects();
  const { alpha, beta, operator, time } = world;
  const beginMs = time.ms;
  const watches: Follower[] = [];
  for (const url of WATCHED) watches.push(await alpha.follow(`${url}?watch=1`));
  const seen: string[] = [];
  for (const [index, { own, others }] of steps.entries()) {
    time.ms = beginMs + (index + 1) * STEP_MS;
    await quiet(world);
    for (const request of isAlone ? [] : others) {
      await sendAs({ compute: beta, operator }, request);
      await quiet(world);
    }
    const { code, body } = await sendAs({ compute: alpha, operator }, own);
    seen.push(`${own.method} ${own.url} ${code} ${JSON.stringify(body)}`);
    await quiet(world);
  }
  const middle = new Date(beginMs + (steps.length * STEP_MS) / 2).toISOString();
  for (const [url, headers] of readsAt(middle)) {
    const { code, body } = await alpha.send('GET', url, undefined, headers);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    seen.push(`GET ${url} ${code} ${text}`);
  }
  alpha.end();
  for (const { lines, ended } of watches) {
    expect(await ended).toBe(true);
    seen.push(lines.join('\n'));
  }
  return seen;
}

/**
 * The same without what all projects have in common: positions, which move with every event of the
 * log, and which address of a shared pool is the next. Ids are numbered as they come.
 */
function withoutShared(seen: readonly string[]): readonly string[] {
  const numbered = new Map<string, string>();
  const number = (kind: string) => (text: string) => {
    const known = numbered.get(text);
    if (known !== undefined) return known;
    const name = `${kind}-${numbered.size}`;
    numbered.set(text, name);
    return name;
  };
  return seen.map((text) =>
    text
      .replace(/("(?:resourceVersion|position)"):"\d+"/g, '$1:"-"')
      .replace(/"platformRevision":\d+/g, '"platformRevision":0')
      .replace(/("own-\w\.)[0-9a-f]{16}"/g, '$1-"')
      .replace(/(quarantine:\d+):\d{19}/g, '$1:-')
      .replace(/"continue":"[^"]+"/g, '"continue":"-"')
      .replace(/"(hash|previoushash)":"\w+"/g, '"$1":"-"')
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, number('id'))
      .replace(/198\.51\.100\.(?!0(?:\/|%2F)24)\d+/g, number('address')),
  );
}

/** What operators do elsewhere, and with the other project as a whole. */
const elsewhere: fc.Arbitrary<ProjectRequest> = fc
  .constantFrom<[method: string, url: string, body?: object]>(
    ['POST', NAMESPACES, { metadata: { name: 'secret-p' } }],
    ['DELETE', `${NAMESPACES}/secret-p`],
    ['DELETE', `${NAMESPACES}/beta`],
    ['POST', `${GROUP}/locations`, location('secret-l')],
    ['DELETE', `${GROUP}/locations/secret-l`],
  )
  .map(([method, url, body]) => ({ by: 'operator', method, url, ...(body && { body }) }));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    own: requestsIn('alpha', 'own-', 200),
    others: fc.array(
      fc.oneof(
        { weight: 9, arbitrary: requestsIn('beta', 'secret-', 100) },
        { weight: 1, arbitrary: elsewhere },
      ),
      { maxLength: 4 },
    ),
  }),
  { minLength: 5, maxLength: 15 },
);

test('what a project sees is the same whatever happens in another one', {
  timeout: 300_000,
}, async () => {
  let shown = 0;
  const property = fc.asyncProperty(steps, async (all) => {
    const beside = await seenIn(all, false);
    const told = beside.filter((text) => !text.includes('/namespaces/beta/'));
    expect(told.filter((text) => text.includes('secret-'))).toEqual([]);
    const [one, other] = [withoutShared(await seenIn(all, true)), withoutShared(beside)];
    const differing = one.findIndex((text, index) => text !== other[index]);
    expect(other[differing]).toBe(one[differing]);
    expect(other).toHaveLength(one.length);
    shown += beside.join().length;
  });
  await fc.assert(property, { numRuns: 10, endOnFailure: true });
  expect(shown).toBeGreaterThan(100_000);
});

test('an address that another project holds is taken, and nobody says by whom', async () => {
  const { alpha, beta } = await twoProjects();
  const address = '198.51.100.77';
  const claimed = (name: string) => ({
    metadata: { name },
    spec: { className: 'public', address },
  });
  expect((await beta.post(ipClaimsOf('beta'), claimed('secret-a'))).code).toBe(201);
  const { code, body } = await alpha.post(ipClaimsOf('alpha'), claimed('own-a'));
  expect([code, body.reason]).toEqual([409, 'AddressTaken']);
  expect(JSON.stringify(body)).not.toMatch(/secret|beta/);
  const own = await beta.post(ipClaimsOf('beta'), claimed('secret-b'));
  expect([own.code, own.body.reason]).toEqual([409, 'AddressTaken']);
});

test('an idempotency key is the own of who uses it', async () => {
  const { alpha, beta } = await twoProjects();
  const headers = { 'idempotency-key': 'same' };
  const body = { metadata: { name: 'a' }, spec: { className: 'public' } };
  for (const [caller, project] of [
    [alpha, 'alpha'],
    [beta, 'beta'],
  ] as const) {
    const made = await caller.send('POST', ipClaimsOf(project), body, headers);
    expect([made.code, made.body.metadata.namespace]).toEqual([201, project]);
  }
});
