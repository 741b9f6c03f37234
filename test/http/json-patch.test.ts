import { describe, expect, test } from 'vitest';
import { jsonPatched, readJsonPatch } from '../../src/http/kube/json-patch.ts';
import { limits } from '../../src/limits.ts';
import { NETWORKS, network, type World, world } from './world.ts';

const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const NET = `${NETWORKS}/net-a`;

async function withNetwork(): Promise<World> {
  const made = world();
  await made.post(NETWORKS, network('net-a', {}, { labels: { a: '1', 'x/y': '2' } }));
  return made;
}

const patched = (value: unknown, ...operations: object[]) =>
  jsonPatched(value, readJsonPatch(operations));

describe('operations', () => {
  test.each([
    ['add a member', { a: 1 }, { op: 'add', path: '/b', value: null }, { a: 1, b: null }],
    ['add over a member', { a: 1 }, { op: 'add', path: '/a', value: 2 }, { a: 2 }],
    ['add into a list', [1, 3], { op: 'add', path: '/1', value: 2 }, [1, 2, 3]],
    ['add after a list', [1], { op: 'add', path: '/-', value: 2 }, [1, 2]],
    ['add at its end', [1], { op: 'add', path: '/1', value: 2 }, [1, 2]],
    ['replace all', { a: 1 }, { op: 'replace', path: '', value: [] }, []],
    ['replace an item', [1, 2], { op: 'replace', path: '/0', value: 9 }, [9, 2]],
    ['remove', { a: { b: 1 } }, { op: 'remove', path: '/a/b' }, { a: {} }],
    ['remove an item', [1, 2], { op: 'remove', path: '/0' }, [2]],
    ['move', { a: 1 }, { op: 'move', from: '/a', path: '/b' }, { b: 1 }],
    ['move in a list', [1, 2, 3], { op: 'move', from: '/0', path: '/2' }, [2, 3, 1]],
    ['copy', { a: { b: 1 } }, { op: 'copy', from: '/a', path: '/c' }, { a: { b: 1 }, c: { b: 1 } }],
    ['test', { a: [1] }, { op: 'test', path: '/a', value: [1] }, { a: [1] }],
    ['escapes', { 'a/b': 1, 'c~d': 2 }, { op: 'remove', path: '/a~1b' }, { 'c~d': 2 }],
    ['escapes in order', { '~1': 1 }, { op: 'remove', path: '/~01' }, {}],
    ['an empty key', { '': 1 }, { op: 'remove', path: '/' }, {}],
  ])('%s', (_what, value, operation, result) => {
    const before = structuredClone(value);
    expect(patched(value, operation)).toEqual(result);
    expect(value).toEqual(before);
  });

  test('are applied to what those before have left, which shares nothing with them', () => {
    const operations = readJsonPatch([
      { op: 'add', path: '/a', value: { b: [] } },
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'add', path: '/c/b/-', value: 1 },
    ]);
    const result = { a: { b: [] }, c: { b: [1] } };
    expect(jsonPatched({}, operations)).toEqual(result);
    expect(jsonPatched({}, operations)).toEqual(result);
  });

  test.each([
    ['a test that fails', {}, { op: 'test', path: '/a', value: 1 }, 'nothing at its path'],
    ['a test of another value', { a: 2 }, { op: 'test', path: '/a', value: 1 }, 'is another'],
    ['a removal of nothing', {}, { op: 'remove', path: '/a' }, 'nothing at its path'],
    ['a replacement of nothing', {}, { op: 'replace', path: '/a', value: 1 }, 'nothing'],
    ['an addition below nothing', {}, { op: 'add', path: '/a/b', value: 1 }, 'nothing'],
    ['an addition below a text', { a: 'x' }, { op: 'add', path: '/a/b', value: 1 }, 'nothing'],
    ['an index beyond', [1], { op: 'add', path: '/2', value: 1 }, 'the list is shorter'],
    ['an index that is none', [1], { op: 'remove', path: '/01' }, 'no index'],
    ['the place after a list', [1], { op: 'remove', path: '/-' }, 'the list is shorter'],
    ['a move into itself', { a: {} }, { op: 'move', from: '/a', path: '/a/b' }, 'into itself'],
    ['a prototype', {}, { op: 'add', path: '/__proto__', value: {} }, 'not allowed'],
    ['what is inherited', {}, { op: 'copy', from: '/toString', path: '/a' }, 'nothing'],
  ])('%s cannot be applied', (_what, value, operation, message) => {
    expect(() => patched(value, operation)).toThrow(message);
  });

  test('copy no more than a body may have', () => {
    const doubling = Array.from({ length: 40 }, (_, index) => {
      return { op: 'copy', from: '', path: `/k${index}` };
    });
    expect(() => patched({ a: 'x'.repeat(1_000) }, ...doubling)).toThrow('it copies too much');
  });

  test.each([
    ['an unknown operation', { op: 'increment', path: '/a' }, 'op'],
    ['a path that is no pointer', { op: 'remove', path: 'a' }, 'path: must be a JSON pointer'],
    ['a path with a bad escape', { op: 'remove', path: '/~2' }, 'path: must be a JSON pointer'],
    ['no value', { op: 'add', path: '/a' }, 'value: is required'],
    ['no source', { op: 'copy', path: '/a' }, 'from'],
    ['what is no operation', 'add', 'operation 0'],
  ])('with %s are no patch', (_what, operation, message) => {
    expect(() => readJsonPatch([operation])).toThrow(message);
  });

  test('are bounded', () => {
    const many = Array.from({ length: limits.jsonPatchOperationsMax + 1 }, () => 1);
    expect(() => readJsonPatch(many)).toThrow('The allowed maximum operations');
  });
});

describe('a JSON patch', () => {
  test('changes an object', async () => {
    const { request, ledger } = await withNetwork();
    const answer = await request(
      'PATCH',
      NET,
      [
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'remove', path: '/metadata/labels/x~1y' },
        { op: 'replace', path: '/spec/mtu', value: 1500 },
      ],
      JSON_PATCH,
    );
    expect([answer.code, answer.body.spec.mtu]).toEqual([200, 1500]);
    expect(ledger.commands.at(-1)).toMatchObject({ metadata: { labels: { a: '1' } } });
  });

  test('that cannot be applied is 422 and writes nothing', async () => {
    const { request, ledger } = await withNetwork();
    const sent = ledger.sent.length;
    const operation = { op: 'test', path: '/spec/mtu', value: 9 };
    const refused = await request('PATCH', NET, [operation], JSON_PATCH);
    expect([refused.code, refused.body.reason]).toEqual([422, 'Invalid']);
    expect(refused.body.message).toBe(
      'the JSON patch cannot be applied: operation 0 (test "/spec/mtu"): the value is another',
    );
    expect(ledger.sent).toHaveLength(sent);
  });

  test('by a writer who names another version is a conflict', async () => {
    const { request } = await withNetwork();
    const operation = { op: 'replace', path: '/metadata/resourceVersion', value: '1' };
    const refused = await request('PATCH', NET, [operation], JSON_PATCH);
    expect([refused.code, refused.body.reason]).toEqual([409, 'Conflict']);
  });

  test.each([
    ['{}', 'must be a JSON list'],
    ['', 'the body is empty'],
    ['[{"op":"remove"}]', 'operation 0 of the JSON patch'],
    ['[{"op":"add","path":"/a","value":{"__proto__":1}}]', 'is not allowed'],
  ])('%j is refused', async (body, message) => {
    const { request } = await withNetwork();
    const refused = await request('PATCH', NET, body, JSON_PATCH);
    expect([refused.code, refused.body.message]).toEqual([400, expect.stringContaining(message)]);
  });

  test('that takes the object apart is refused', async () => {
    const { request } = await withNetwork();
    for (const path of ['', '/metadata', '/spec', '/kind']) {
      const remove = [{ op: 'remove', path }];
      const { code } = await request('PATCH', NET, remove, JSON_PATCH);
      expect([path, code < 500]).toEqual([path, true]);
    }
  });
});
