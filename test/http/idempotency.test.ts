import { describe, expect, test } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { CLAIMS, claim, INTERFACES, NETWORKS, network, world } from './world.ts';

const CLAIM = `${CLAIMS}/web-0`;
const key = (value: string) => ({ 'idempotency-key': value });

describe('a key', () => {
  test('makes the command\u2019s id and goes with it', async () => {
    const { ledger, post } = world();
    await post(CLAIMS, claim('web-0'), key('k1'));
    expect(ledger.sent[0]?.request).toMatchObject({
      commandId: uuidOf('idempotency-key', 'netalloc', 'insecure-http', 'k1'),
      idempotency: { key: 'k1', code: 201, requestHash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    await post(CLAIMS, claim('web-1'));
    expect(ledger.sent[1]?.request).not.toHaveProperty('idempotency');
  });

  test('gives the first answer again, whatever has happened since', async () => {
    const { ledger, post, patch, delete: remove } = world();
    const made = await post(CLAIMS, claim('web-0'), key('k1'));
    await patch(CLAIM, { metadata: { labels: { a: '1' } } });
    expect((await post(CLAIMS, claim('web-0'), key('k1'))).body).toEqual(made.body);
    await remove(CLAIM);
    const again = await post(CLAIMS, claim('web-0'), key('k1'));
    expect([again.code, again.body]).toEqual([201, made.body]);
    expect(ledger.sent).toHaveLength(3);
  });

  test('gives a generated name again', async () => {
    const { post } = world();
    const body = { ...claim('x'), metadata: { generateName: 'web-' } };
    const made = await post(CLAIMS, body, key('k1'));
    const again = await post(CLAIMS, body, key('k1'));
    expect(made.code).toBe(201);
    expect(again.body).toEqual(made.body);
    const other = await post(CLAIMS, body, key('k2'));
    expect(other.body.metadata.name).not.toBe(made.body.metadata.name);
  });

  test('stands for one request: another under it is refused before anything else', async () => {
    const { ledger, post, patch, request } = world();
    await post(CLAIMS, claim('web-0'), key('k1'));
    const refusals = [
      await post(CLAIMS, claim('web-1'), key('k1')),
      await post(CLAIMS, { nonsense: 1 }, key('k1')),
      await post(NETWORKS, network('net-a'), key('k1')),
      await post(`${CLAIMS}?fieldValidation=Warn`, claim('web-0'), key('k1')),
      await patch(CLAIM, { metadata: {} }, key('k1')),
      await request('POST', CLAIMS, JSON.stringify(claim('web-0')), key('k1')),
    ];
    for (const refused of refusals) {
      expect([refused.code, refused.body.reason]).toEqual([422, 'IdempotencyKeyReused']);
    }
    expect(ledger.sent).toHaveLength(1);
  });

  test('is the same request with its query in another order', async () => {
    const { post } = world();
    const queries = ['?fieldManager=a&pretty=0', '?pretty=0&fieldManager=a'];
    for (const query of queries) {
      expect((await post(CLAIMS + query, claim('web-0'), key('k1'))).code).toBe(201);
    }
  });

  test('of a refused request may be tried again', async () => {
    const { post } = world();
    const body = { ...claim('web-0') };
    await post(CLAIMS, body);
    expect((await post(CLAIMS, body, key('k1'))).code).toBe(409);
    expect((await post(CLAIMS, claim('web-1'), key('k1'))).code).toBe(201);
  });

  test('makes a deletion repeatable, with the same Status', async () => {
    const { ledger, post, delete: remove } = world();
    await post(CLAIMS, claim('web-0'));
    const gone = await remove(CLAIM, undefined, key('k1'));
    const again = await remove(CLAIM, undefined, key('k1'));
    expect(again.code).toBe(200);
    expect(again.body).toEqual(gone.body);
    expect(again.body.details.uid).toBeDefined();
    await post(CLAIMS, claim('web-0'));
    expect((await remove(CLAIM, undefined, key('k1'))).body).toEqual(gone.body);
    expect(ledger.views.get('NetworkInterfaceClaim', 'alpha', 'web-0')).toBeDefined();
  });

  test('makes updates and status reports repeatable, stale versions included', async () => {
    const { post, get, put, patch } = world();
    await post(CLAIMS, claim('web-0'));
    const { body } = await get(CLAIM);
    body.metadata.labels.a = '1';
    const first = await put(CLAIM, body, key('k1'));
    expect(first.code).toBe(200);
    await patch(CLAIM, { metadata: { labels: { a: '2' } } });
    expect((await put(CLAIM, body, key('k1'))).body).toEqual(first.body);
    const status = { conditions: [{ type: 'Prepared', status: 'True', reason: 'Done' }] };
    const url = `${INTERFACES}/web-0/status`;
    const reported = await patch(url, { status }, key('k2'));
    expect((await patch(url, { status }, key('k2'))).body).toEqual(reported.body);
  });

  test('repeats the removal of a last finalizer', async () => {
    const { post, patch, delete: remove } = world();
    await post(CLAIMS, claim('web-0', {}, { finalizers: ['x.io/y'] }));
    await remove(CLAIM);
    const body = { metadata: { finalizers: null } };
    const last = await patch(CLAIM, body, key('k1'));
    expect(last.body.kind).toBe('NetworkInterfaceClaim');
    expect((await patch(CLAIM, body, key('k1'))).body).toEqual(last.body);
  });

  test('that the ledger alone knows of is answered the same way', async () => {
    const { ledger, post } = world();
    const made = await post(CLAIMS, claim('web-0'), key('k1'));
    const views = ledger.views as { answered: unknown };
    views.answered = () => undefined;
    expect((await post(CLAIMS, claim('web-0'), key('k1'))).body).toEqual(made.body);
    const reused = await post(CLAIMS, claim('web-1'), key('k1'));
    expect([reused.code, reused.body.reason]).toEqual([422, 'IdempotencyKeyReused']);
    expect(ledger.sent).toHaveLength(3);
  });

  test.each(['', ' ', 'a b', 'k\u00e9', 'x'.repeat(256), 'a\tb'])(
    'like %j is refused',
    async (value) => {
      const { ledger, post } = world();
      const refused = await post(CLAIMS, claim('web-0'), key(value));
      expect(refused.code).toBe(400);
      expect(refused.body.message).toContain('Idempotency-Key must be 1 to 255');
      expect(ledger.sent).toHaveLength(0);
    },
  );
});
