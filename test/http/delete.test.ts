import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  claim,
  INTERFACES,
  LOCATIONS,
  location,
  NAMESPACES,
  type World,
  world,
} from './world.ts';

const CLAIM = `${CLAIMS}/web-0`;

async function withClaim(metadata: object = {}): Promise<World> {
  const made = world();
  await made.post(CLAIMS, claim('web-0', {}, metadata));
  return made;
}

describe('deleting', () => {
  test('answers with a Status that names what is gone', async () => {
    const { ledger, get, delete: remove } = await withClaim();
    const { uid } = (await get(CLAIM)).body.metadata;
    const gone = await remove(CLAIM);
    expect(gone.code).toBe(200);
    expect(gone.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: {
        name: 'web-0',
        group: 'networking.datumapis.com',
        kind: 'networkinterfaceclaims',
        uid,
      },
    });
    expect(ledger.commands[1]).toEqual({ type: 'DeleteClaim', name: 'web-0', expect: {} });
    expect((await get(CLAIM)).code).toBe(404);
    expect((await remove(CLAIM)).code).toBe(404);
  });

  test('answers with the object while finalizers hold it, the second time unchanged', async () => {
    const { delete: remove } = await withClaim({ finalizers: ['x.io/y'] });
    const marked = await remove(CLAIM);
    expect(marked.code).toBe(200);
    expect(marked.body.kind).toBe('NetworkInterfaceClaim');
    expect(marked.body.metadata.deletionTimestamp).toBeDefined();
    const again = await remove(CLAIM);
    expect([again.code, again.body]).toEqual([200, marked.body]);
  });

  test('takes options from the body, the query, or an empty JSON body', async () => {
    const bodies: readonly [string, unknown, object][] = [
      ['', undefined, { 'content-type': 'application/json' }],
      ['', '', { 'content-type': 'application/json' }],
      ['', { propagationPolicy: 'Background', kind: 'DeleteOptions', apiVersion: 'v1' }, {}],
      ['', { propagationPolicy: 'Foreground', gracePeriodSeconds: 0, future: 1 }, {}],
      ['?propagationPolicy=Orphan&gracePeriodSeconds=30', undefined, {}],
    ];
    for (const [query, body, headers] of bodies) {
      const { request } = await withClaim();
      const gone = await request('DELETE', CLAIM + query, body, headers);
      expect([gone.code, gone.body.status]).toEqual([200, 'Success']);
    }
  });

  test.each([
    ['?propagationPolicy=Sometimes', undefined, 422, 'propagationPolicy: Unsupported value'],
    ['', { propagationPolicy: 'Sometimes' }, 422, 'propagationPolicy: Unsupported value'],
    ['', { gracePeriodSeconds: -1 }, 422, 'gracePeriodSeconds'],
    ['?gracePeriodSeconds=soon', undefined, 422, 'gracePeriodSeconds: Invalid value: "soon"'],
    ['?dryRun=Some', undefined, 422, 'dryRun: Unsupported value: "Some"'],
    ['', { dryRun: ['Some'] }, 422, 'dryRun: Unsupported value: "Some"'],
    ['', { dryRun: 'All' }, 422, 'dryRun: Invalid value'],
    ['', { preconditions: { uid: 7 } }, 422, 'preconditions.uid'],
    ['', { kind: 'Pod' }, 400, 'must be DeleteOptions'],
    ['', '[]', 400, 'must be a JSON object'],
    ['', '{', 400, 'not valid JSON'],
  ])('with %s %j is refused', async (query, body, code, message) => {
    const { ledger, delete: remove } = await withClaim();
    const refused = await remove(CLAIM + query, body);
    expect(refused.code).toBe(code);
    expect(refused.body.message).toContain(message);
    expect(ledger.sent).toHaveLength(1);
  });

  test('holds to preconditions', async () => {
    const { ledger, get, delete: remove } = await withClaim();
    const { uid, resourceVersion } = (await get(CLAIM)).body.metadata;
    const wrong = await remove(CLAIM, { preconditions: { uid: 'other' } });
    expect([wrong.code, wrong.body.reason]).toEqual([409, 'Conflict']);
    expect(wrong.body.message).toContain('Precondition failed: UID in precondition: other');
    expect((await remove(CLAIM, { preconditions: { resourceVersion: '1' } })).code).toBe(409);
    expect(ledger.sent).toHaveLength(1);
    const right = await remove(CLAIM, { preconditions: { uid, resourceVersion } });
    expect(right.code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({ expect: { uid, revision: 1 } });
  });

  test('as a dry run deletes nothing, whether body or query asks for it', async () => {
    const { ledger, get, delete: remove } = await withClaim();
    expect((await remove(CLAIM, { dryRun: ['All'] })).body.status).toBe('Success');
    expect((await remove(`${CLAIM}?dryRun=All`)).body.status).toBe('Success');
    expect(ledger.sent.slice(1).map(({ request }) => request.dryRun)).toEqual([true, true]);
    expect((await get(CLAIM)).code).toBe(200);
  });

  test('as a dry run shows what finalizers would hold', async () => {
    const { delete: remove } = await withClaim({ finalizers: ['x.io/y'] });
    const dry = await remove(`${CLAIM}?dryRun=All`);
    expect(dry.body.metadata.deletionTimestamp).toBeDefined();
    await remove(CLAIM);
    const again = await remove(`${CLAIM}?dryRun=All`);
    expect(again.body.kind).toBe('NetworkInterfaceClaim');
  });

  test('a location brings the number of interfaces that stand there', async () => {
    const { ledger, post, delete: remove } = world();
    await post(LOCATIONS, location('dfw'));
    ledger.interfacesAtLocations = 3;
    await remove(`${LOCATIONS}/dfw`);
    expect(ledger.sent[1]).toMatchObject({
      project: undefined,
      command: { type: 'DeleteLocation', name: 'dfw', standing: 3 },
    });
  });

  test('a namespace is a command of its project; reserved ones may not go', async () => {
    const { ledger, delete: remove, patch } = world();
    ledger.put('Namespace', '', 'netalloc-system');
    const refused = await remove(`${NAMESPACES}/netalloc-system`);
    expect([refused.code, refused.body.reason]).toEqual([403, 'Forbidden']);
    const changed = await patch(`${NAMESPACES}/netalloc-system`, { metadata: { labels: null } });
    expect([changed.code, changed.body.reason]).toEqual([403, 'Forbidden']);
    expect(ledger.sent).toHaveLength(0);
    expect((await remove(`${NAMESPACES}/alpha`)).code).toBe(200);
    expect(ledger.sent[0]).toMatchObject({
      project: 'alpha',
      command: { type: 'DeleteNamespace', expect: {} },
    });
  });

  test('an interface sends its own command', async () => {
    const { ledger, delete: remove } = await withClaim();
    expect((await remove(`${INTERFACES}/web-0`)).code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({ type: 'DeleteInterface', name: 'web-0' });
  });
});
