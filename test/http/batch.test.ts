import { describe, expect, test } from 'vitest';
import { handOver } from '../../src/http/ledger/hand-over.ts';
import { limits } from '../../src/limits.ts';
import { realService } from './real-service.ts';
import { CLAIMS, claim, GROUP, NAMESPACES, network, world } from './world.ts';

const BATCH = '/ledger/v1/claims:batch';
const service = realService('batch');
const dual = { ipFamilies: ['IPv6', 'IPv4'] };

const create = (name: string, spec: object = dual, metadata: object = {}) => ({
  create: claim(name, spec, { namespace: 'alpha', ...metadata }),
});
const remove = (name: string, more: object = {}) => ({
  delete: { namespace: 'alpha', name, ...more },
});
const batch = async (items: unknown, query = '') => service.send('POST', BATCH + query, { items });
interface ItemAnswer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly object?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly status?: any;
}
const codes = (answer: { body: { items: ItemAnswer[] } }) =>
  answer.body.items.map(({ code }) => code);

describe('a batch', () => {
  test('answers each item in order, as the single request would have been', async () => {
    const answer = await batch([
      create('b-0'),
      create('b-0'),
      create('b-1', { interfaceName: 'no spaces' }),
      create('b-2', { nonsense: 1 }),
      create('b-3', dual, { namespace: 'nowhere' }),
      { create: claim('b-4') },
      { create: 'no object' },
      remove('nobody'),
      create('b-5'),
    ]);
    expect([answer.code, codes(answer)]).toEqual([
      200,
      [201, 409, 422, 400, 404, 422, 400, 404, 201],
    ]);
    const [made, taken, wrong, unknown, , placeless] = answer.body.items as ItemAnswer[];
    expect(made?.object).toEqual((await service.get(`${CLAIMS}/b-0`)).body);
    expect(made?.object.status.addresses).toHaveLength(2);
    expect(placeless?.status.details.causes[0].field).toBe('metadata.namespace');
    const singles = [
      [taken, claim('b-0', dual)],
      [wrong, claim('b-1', { interfaceName: 'no spaces' })],
      [unknown, claim('b-2', { nonsense: 1 })],
    ] as const;
    for (const [item, body] of singles) {
      expect(item?.status).toEqual((await service.send('POST', CLAIMS, body)).body);
    }
  });

  test('decides items of one name in their order, deletions of what it makes included', async () => {
    const answer = await batch([
      create('o-0'),
      remove('o-0'),
      create('o-0', dual, { finalizers: ['x.io/y'] }),
      remove('o-0'),
      remove('o-1'),
      create('o-1'),
    ]);
    expect(codes(answer)).toEqual([201, 200, 201, 200, 404, 201]);
    const [first, gone, second, marked] = answer.body.items as ItemAnswer[];
    expect(gone?.status.details.uid).toBe(first?.object.metadata.uid);
    expect(marked?.object.metadata.uid).toBe(second?.object.metadata.uid);
    expect(marked?.object.metadata.deletionTimestamp).toBeDefined();
  });

  test('deletes only the claim whose uid is named', async () => {
    const uid = '00000000-0000-4000-8000-000000000000';
    const answer = await batch([create('u-0'), remove('u-0', { uid })]);
    expect(codes(answer)).toEqual([201, 409]);
    const real = answer.body.items[0].object.metadata.uid;
    expect(codes(await batch([remove('u-0', { uid: real })]))).toEqual([200]);
  });

  test('has a key for each item, which means the same request for ever', async () => {
    const named = { ...create('x', dual, { generateName: 'k-' }), idempotencyKey: 'batch-1' };
    const { name: _, ...metadata } = named.create.metadata as Record<string, unknown>;
    const generated = { ...named, create: { ...named.create, metadata } };
    const items = [generated, { ...create('k-0'), idempotencyKey: 'batch-2' }];
    const first = await batch(items);
    expect(codes(first)).toEqual([201, 201]);
    const name = first.body.items[0].object.metadata.name;
    const deleted = [{ ...remove(name), idempotencyKey: 'batch-3' }];
    const gone = await batch(deleted);
    // The keys of an object have no order, so another order is the same request.
    const reordered = items.map(({ idempotencyKey, create: body }) => ({
      create: Object.fromEntries(Object.entries(body).reverse()),
      idempotencyKey,
    }));
    expect((await batch(reordered)).body).toEqual(first.body);
    expect((await batch(deleted)).body).toEqual(gone.body);
    const other = await batch([
      { ...create('k-1'), idempotencyKey: 'batch-2' },
      { ...remove('k-0'), idempotencyKey: 'batch-2' },
    ]);
    expect(other.body.items.map(({ status }: ItemAnswer) => status.reason)).toEqual([
      'IdempotencyKeyReused',
      'IdempotencyKeyReused',
    ]);
    const twice = await batch([
      { ...create('k-2'), idempotencyKey: 'batch-4' },
      { ...create('k-2'), idempotencyKey: 'batch-4' },
    ]);
    expect(codes(twice)).toEqual([201, 201]);
    expect(twice.body.items[1]).toEqual(twice.body.items[0]);
  });

  test('of a dry run changes nothing', async () => {
    const dry = await batch([create('d-0'), create('d-0'), remove('o-1')], '?dryRun=All');
    expect(codes(dry)).toEqual([201, 201, 200]);
    expect((await service.get(`${CLAIMS}/d-0`)).code).toBe(404);
    expect((await service.get(`${CLAIMS}/o-1`)).code).toBe(200);
    expect((await batch([create('d-0')], '?dryRun=None')).code).toBe(422);
  });

  test('takes unknown fields away with a warning where that is asked for', async () => {
    const answer = await batch([create('w-0', { nonsense: 1 })], '?fieldValidation=Warn');
    expect(codes(answer)).toEqual([201]);
    expect(answer.headers.get('warning')).toBe(
      '299 - "items[0]: unknown field \\"spec.nonsense\\""',
    );
    const quiet = await batch([create('w-1', { nonsense: 1 })], '?fieldValidation=Ignore');
    expect([codes(quiet), quiet.headers.get('warning')]).toEqual([[201], null]);
  });

  test.each([
    [undefined, 422],
    [[], 422],
    [{}, 422],
    [[create('e'), 'x'], 422],
    [[create('e'), {}], 422],
    [[create('e'), { ...create('e'), ...remove('e') }], 422],
    [[create('e'), { delete: { name: 'e' } }], 422],
    [[create('e'), { ...create('f'), idempotencyKey: 'a b' }], 422],
    [[create('e'), { ...create('f'), nonsense: 1 }], 400],
    [Array.from({ length: limits.batchItemsMax + 1 }, () => create('e')), 422],
  ])('with a malformed envelope does nothing: %#', async (items, code) => {
    const refused = await batch(items);
    expect([refused.code, refused.body.kind]).toEqual([code, 'Status']);
    expect((await service.get(`${CLAIMS}/e`)).code).toBe(404);
  });

  test('names the field of the envelope that is wrong', async () => {
    const refused = await batch([create('e'), { delete: { name: 'e' } }]);
    expect(refused.body.details.causes).toEqual([
      {
        reason: 'FieldValueRequired',
        message: 'Required value',
        field: 'items[1].delete.namespace',
      },
    ]);
  });

  test('may be larger than other bodies, up to a bound', async () => {
    const many = Array.from({ length: 32 }, (_, n) =>
      create(`l-${n}`, { nonsense: 'x'.repeat(limits.bodyBytesMax / 16) }),
    );
    expect(codes(await batch(many))).toEqual(many.map(() => 400));
    const text = `{"items":[${' '.repeat(limits.batchBodyBytesMax)}]}`;
    const refused = await service.send('POST', BATCH, text).catch(() => undefined);
    // The connection may be cut before all of it is sent.
    if (refused !== undefined) {
      expect(refused.code).toBe(413);
      expect(refused.body.message).toContain(String(limits.batchBodyBytesMax));
    }
  });

  test('of the greatest size goes to one project whole', async () => {
    await service.send('POST', NAMESPACES, { metadata: { name: 'large' } });
    const large = `${GROUP}/namespaces/large`;
    await service.send('POST', `${large}/networks`, network('net-a', { ipFamilies: ['IPv6'] }));
    const items = Array.from({ length: limits.batchItemsMax }, (_, n) =>
      create(`n-${n}`, {}, { namespace: 'large' }),
    );
    const answer = await batch(items);
    expect(new Set(codes(answer))).toEqual(new Set([201]));
    const names = answer.body.items.map(({ object }: ItemAnswer) => object.metadata.name);
    expect(names).toEqual(items.map((item) => item.create.metadata.name));
    const list = await service.get(`${large}/networkinterfaceclaims?limit=1`);
    expect(list.body.metadata.continue).toBeDefined();
    const addresses = answer.body.items.flatMap(({ object }: ItemAnswer) =>
      object.status.addresses.map(({ address }: { address: string }) => address),
    );
    expect(new Set(addresses).size).toBe(limits.batchItemsMax);
  }, 120_000);

  test('stands in the OpenAPI document, and takes no other method', async () => {
    const { paths } = (await service.get('/openapi.json')).body;
    expect(paths[BATCH].post.requestBody).toBeDefined();
    const refused = await service.get(BATCH);
    expect([refused.code, refused.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('answers an item that the ledger cannot take now with its 503', async () => {
    const { ledger, post } = world();
    const { LedgerUnavailable } = await import('../../src/application/request.ts');
    ledger.project = async () => {
      throw new LedgerUnavailable('too many commands wait', 7);
    };
    const answer = await post(BATCH, { items: [create('a'), remove('nobody')] });
    expect(answer.body.items.map(({ code }: ItemAnswer) => code)).toEqual([503, 404]);
    expect(answer.body.items[0].status.details.retryAfterSeconds).toBe(7);
  });
});

describe('handing over', () => {
  test('is in order, bounded, and one at a time of one subject', async () => {
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const items = ['a', 'b', 'a', 'c', 'd', 'e'];
    let inWork = 0;
    const done = handOver(items, {
      inFlightMax: 3,
      subjectOf: (item) => item,
      run: async (item, index) => {
        inWork += 1;
        log.push(`${item}${index}`);
        expect(inWork).toBeLessThanOrEqual(3);
        await new Promise<void>((resolve) => ends.push(resolve));
        inWork -= 1;
      },
    });
    expect(log).toEqual(['a0', 'b1']);
    ends[1]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['a0', 'b1']);
    ends[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['a0', 'b1', 'a2', 'c3', 'd4']);
    for (let ended = 2; ended < items.length; ended += 1) {
      ends[ended]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(log).toHaveLength(items.length);
  });
});
