import { beforeEach, describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { CLAIMS, claim, NAMESPACES, NETWORKS, network } from './world.ts';

const real = realService('delete-collection');

const namesIn = async (url: string): Promise<string[]> =>
  (await real.get(url)).body.items.map((one: { metadata: { name: string } }) => one.metadata.name);

/** Three claims, two of them of one team. */
beforeEach(async () => {
  await real.send('DELETE', CLAIMS);
  for (const [name, team] of Object.entries({ a: 'red', b: 'red', c: 'blue' })) {
    await real.send('POST', CLAIMS, claim(name, {}, { labels: { team } }));
  }
});

describe('deleting a collection', () => {
  test('ends all of its objects and gives their addresses back', async () => {
    const answer = await real.send('DELETE', CLAIMS, { propagationPolicy: 'Foreground' });
    expect([answer.code, answer.body]).toEqual([
      200,
      {
        ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' },
        details: { group: 'networking.datumapis.com', kind: 'networkinterfaceclaims' },
      },
    ]);
    expect(await namesIn(CLAIMS)).toEqual([]);
    expect(await namesIn(CLAIMS.replace('claims', 's'))).toEqual([]);
  });

  test('ends only those that its selectors select', async () => {
    await real.send('DELETE', `${CLAIMS}?labelSelector=team=red&fieldSelector=metadata.name!=b`);
    expect(await namesIn(CLAIMS)).toEqual(['b', 'c']);
  });

  test('of nothing is no failure', async () => {
    const answer = await real.send('DELETE', `${CLAIMS}?labelSelector=team=none`);
    expect(answer.code).toBe(200);
    expect(await namesIn(CLAIMS)).toEqual(['a', 'b', 'c']);
  });

  test('ends none in a dry run, however it is asked for', async () => {
    expect((await real.send('DELETE', `${CLAIMS}?dryRun=All`)).code).toBe(200);
    expect((await real.send('DELETE', CLAIMS, { dryRun: ['All'] })).code).toBe(200);
    expect(await namesIn(CLAIMS)).toEqual(['a', 'b', 'c']);
  });

  test('marks those that finalizers hold', async () => {
    await real.send('PATCH', `${CLAIMS}/a`, { metadata: { finalizers: ['example.com/hold'] } });
    expect((await real.send('DELETE', CLAIMS)).code).toBe(200);
    expect(await namesIn(CLAIMS)).toEqual(['a']);
    const { body } = await real.get(`${CLAIMS}/a`);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    await real.send('PATCH', `${CLAIMS}/a`, { metadata: { finalizers: null } });
  });

  test('ends with the first refusal, which names its object', async () => {
    await real.send('POST', NETWORKS, network('unused'));
    const refused = await real.send('DELETE', NETWORKS);
    expect([refused.code, refused.body.reason, refused.body.details.name]).toEqual([
      ...[409, 'InUse', 'net-a'],
    ]);
    expect(await namesIn(NETWORKS)).toEqual(['net-a']);
  });

  test.each([
    ['preconditions of another object', { preconditions: { uid: 'x' } }, '', {}, 409, 'UID'],
    ['a bad selector', undefined, '?labelSelector==', {}, 400, 'selector'],
    ['a bad option', { propagationPolicy: 'Later' }, '', {}, 422, 'propagationPolicy'],
    ['a key', undefined, '', { 'idempotency-key': 'k' }, 400, 'Idempotency-Key'],
  ])('with %s ends none', async (_what, body, query, headers, code, message) => {
    const refused = await real.send('DELETE', `${CLAIMS}${query}`, body, headers);
    expect([refused.code, refused.body.message]).toEqual([code, expect.stringContaining(message)]);
    expect(await namesIn(CLAIMS)).toEqual(['a', 'b', 'c']);
  });

  test('is not for projects', async () => {
    expect((await real.send('DELETE', NAMESPACES)).code).toBe(405);
  });
});
