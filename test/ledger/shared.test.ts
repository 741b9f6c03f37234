import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shared } from '../../src/ledger/shared.ts';

it('gives the kept value exactly for what is equal to it', () => {
  const few = fc.constantFrom(0, 1, 'a', 'b', null, true, [], {});
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof({ maxDepth: 3 }, few, tie('list'), tie('object')),
    list: fc.array(tie('json'), { maxLength: 2 }),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('json'), { maxKeys: 3 }),
  }));
  fc.assert(
    fc.property(json, json, (kept, value) => {
      expect(shared(kept, value)).toBe(isDeepStrictEqual(plain(kept), plain(value)) ? kept : value);
      expect(shared(kept, structuredClone(kept))).toBe(kept);
    }),
    { numRuns: 2_000 },
  );
  expect(shared(undefined, 'new')).toBe('new');
  expect(shared({ a: 1, b: 2 }, { b: 2, a: 1 })).toEqual({ a: 1, b: 2 });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
