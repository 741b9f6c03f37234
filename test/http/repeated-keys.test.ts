import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countKeys, repeatedKeys } from '../../src/http/repeated-keys.ts';
import { CLAIMS, claim, NAMESPACES, NETWORKS, world } from './world.ts';

const keysIn = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce<number>(
        (sum, child) => sum + keysIn(child),
        Array.isArray(value) ? 0 : Object.keys(value).length,
      );

test('the keys of a text are those of its value, unless some are repeated', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect([text, countKeys(Buffer.from(text))]).toEqual([text, keysIn(JSON.parse(text))]);
      expect([text, repeatedKeys(text, 9)]).toEqual([text, []]);
    }),
  );
});

test.each([
  ['{"a":1,"a":2}', [['a']]],
  ['{"a":1,"\\u0061":2}', [['a']]],
  ['{"a":{"b":1},"a":{"b":1}}', [['a']]],
  ['{"a":{"a":1},"b":{"a":1}}', []],
  ['{"a":"\\"a\\":","b":"{\\"b\\":1,","c":"\\\\"}', []],
  [
    '[[{"x":0}],[1,{"y":[2,{"z":1 , "z"\n:2}],"y":3}]]',
    [
      [1, 1, 'y', 1, 'z'],
      [1, 1, 'y'],
    ],
  ],
  ['{"a":[{"b":1},{"b":1},{"b":1,"b":2}]}', [['a', 2, 'b']]],
  ['{"":1,"":2}', [['']]],
])('repeated keys are found where they are: %s', (text, paths) => {
  expect(repeatedKeys(text, 9)).toEqual(paths);
});

test('no more are looked for than are wanted', () => {
  const text = `{${'"a":1,'.repeat(100)}"b":1}`;
  expect(repeatedKeys(text, 3)).toEqual([['a'], ['a'], ['a']]);
});

describe('a body with fields that are there twice', () => {
  const body = JSON.stringify(claim('a')).replace('"name":"a"', '"name":"b","name":"a"');
  const named = 'duplicate field "metadata.name"';

  test.each(['', '?fieldValidation=Strict'])('is refused: %s', async (query) => {
    const { ledger, post } = world();
    const refused = await post(CLAIMS + query, body);
    expect([refused.code, refused.body.reason]).toEqual([400, 'BadRequest']);
    expect(refused.body.message).toContain(`strict decoding error: ${named}`);
    expect(ledger.sent).toHaveLength(0);
  });

  test('is read with a warning, or in silence, where that is asked for', async () => {
    const { post } = world();
    const warned = await post(`${CLAIMS}?fieldValidation=Warn`, body);
    expect([warned.code, warned.body.metadata.name]).toEqual([201, 'a']);
    expect(warned.headers.warning).toEqual(['299 - "duplicate field \\"metadata.name\\""']);
    const quiet = await world().post(`${CLAIMS}?fieldValidation=Ignore`, body);
    expect([quiet.code, quiet.headers.warning]).toEqual([201, undefined]);
  });

  test('is refused as a patch, too', async () => {
    const { ledger, patch } = world();
    ledger.put('Network', 'alpha', 'n', { spec: { mtu: 1460 } });
    const url = `${NETWORKS}/n`;
    const json = { 'content-type': 'application/json-patch+json' };
    const apply = { 'content-type': 'application/apply-patch+yaml' };
    const twice = '{"spec":{"mtu":1400,"mtu":1500}}';
    const operation = '[{"op":"test","path":"/spec/mtu","value":1,"value":1460}]';
    const codes = [
      await patch(url, twice),
      await patch(url, operation, json),
      await patch(`${url}?fieldManager=m`, twice, apply),
    ].map(({ code, body }) => [code, body.message]);
    expect(codes).toEqual([
      [400, expect.stringContaining('duplicate field "spec.mtu"')],
      [400, expect.stringContaining('duplicate field "[0].value"')],
      [400, expect.stringContaining('duplicate field "spec.mtu"')],
    ]);
  });

  test('is refused where nothing says what else would count', async () => {
    const { delete: remove, post } = world();
    const uid = '{"preconditions":{"uid":"x","uid":"y"}}';
    const refused = await remove(`${NAMESPACES}/alpha`, uid);
    expect([refused.code, refused.body.message]).toEqual([
      400,
      'duplicate field "preconditions.uid"',
    ]);
    const batch = '{"items":[{"delete":{"namespace":"a","namespace":"b","name":"c"}}]}';
    expect((await post('/ledger/v1/claims:batch', batch)).body.message).toContain(
      'duplicate field "items[0].delete.namespace"',
    );
  });
});
