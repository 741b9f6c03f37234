import {
  List,
  OrderedMap,
  OrderedSet,
  Map as PersistentMap,
  Set as PersistentSet,
} from 'immutable';
import { describe, expect, it } from 'vitest';
import { freeSpace, give, take } from '../../src/addressing/free-space.ts';
import { parsePrefix } from '../../src/addressing/prefix.ts';
import { giveBlockAt, takeBlock, timedSpace } from '../../src/addressing/timed-space.ts';
import { limits } from '../../src/limits.ts';
import { encodeState, StateDecoder } from '../../src/snapshots/state-codec.ts';

// biome-ignore lint/suspicious/noExplicitAny: a state of any kind.
type Any = any;

function decoded(parts: Iterable<string>): Any {
  const decoder = new StateDecoder();
  for (const part of parts) decoder.add(part);
  return decoder.end();
}

/** What a state becomes on its way through a snapshot; its text must come out again. */
function passed(state: object): Any {
  const parts = [...encodeState(state)];
  const after = decoded(parts);
  expect([...encodeState(after)]).toEqual(parts);
  return after;
}

describe('a state that was kept', () => {
  it('has every plain value as it was, absent and undefined fields told apart', () => {
    const state = {
      ...{ no: undefined, nil: null, yes: true, not: false, text: 'grüße "\\\n', empty: '' },
      numbers: [0, 1, 31, 32, -1, 1.5, 2 ** 53 - 1, -(2 ** 53 - 1), 1e300],
      bigints: [0n, -5n, (1n << 128n) - 1n],
      nested: [[], {}, [{ a: [{ a: 1 }] }], { constructor: 'x' }] as unknown[],
    };
    expect(passed(state)).toStrictEqual(state);
    expect(Object.keys(passed(state))).toEqual(Object.keys(state));
  });

  it('has its collections, in order where they have one', () => {
    const state = {
      map: PersistentMap([
        ['b', 1],
        ['a', { x: 1 }],
      ] as [string, unknown][]),
      ordered: OrderedMap([
        ['b', 1],
        ['a', 2],
      ]),
      set: PersistentSet(['b', 'a']),
      orderedSet: OrderedSet(['b', 'a']),
      inner: {
        lines: PersistentMap({
          cause: OrderedMap([
            ['z', 1],
            ['y', 2],
          ]),
        }),
      },
    };
    const after = passed(state);
    expect(after.map.toJS()).toEqual(state.map.toJS());
    expect([...after.ordered]).toEqual([...state.ordered]);
    expect(after.set.equals(state.set)).toBe(true);
    expect([...after.orderedSet]).toEqual(['b', 'a']);
    expect([...after.inner.lines.get('cause').keys()]).toEqual(['z', 'y']);
  });

  it('has large maps in parts, equal values shared as they were', () => {
    const count = limits.snapshotPartEntriesMax * 2 + 1;
    const spec = { network: { name: 'default' }, families: ['IPv6'] };
    const entries = Array.from({ length: count }, (_, n) => [`nic-${n}`, { n, spec }] as const);
    const state = { revision: 7, claims: PersistentMap(entries), few: PersistentMap({ a: 1 }) };
    expect([...encodeState(state)]).toHaveLength(4);
    const { claims, revision, few } = passed(state);
    expect([claims.size, revision, few.get('a')]).toEqual([count, 7, 1]);
    expect(claims.get('nic-5')).toEqual({ n: 5, spec });
    expect(claims.get('nic-5').spec).toBe(claims.get(`nic-${count - 1}`).spec);
  });

  it('has large maps side by side, so that what one key has in two of them is said once', () => {
    const count = limits.snapshotPartEntriesMax * 3;
    const names = Array.from({ length: count }, (_, n) => `nic-${n}`);
    const claims = PersistentMap(names.map((name) => [name, { uid: `uid of ${name}` }]));
    const held = PersistentMap(names.map((name) => [name, { claim: `uid of ${name}` }]));
    const parts = [...encodeState({ claims, held })];
    expect(parts).toHaveLength(7);
    const [, ofClaims, ofHeld] = parts as [string, string, string];
    expect([ofClaims.includes('uid of'), ofHeld.includes('uid of')]).toEqual([true, false]);
    const after = passed({ claims, held: held.delete('nic-0') });
    expect(after.held.get('nic-7')).toEqual({ claim: 'uid of nic-7' });
    expect([after.claims.size, after.held.size]).toEqual([count, count - 1]);
  });

  it('is the same text whatever order its small maps were filled in', () => {
    const few = ['a', 'b', 'c', 'd'];
    const many = Array.from({ length: 100 }, (_, n) => `x${n}`);
    const filled = PersistentMap(many.map((name) => [name, 1])).merge(few.map((name) => [name, 1]));
    const past = many.reduce((map, name) => map.delete(name), filled);
    const straight = PersistentMap(few.reverse().map((name) => [name, 1]));
    expect([...past.keys()]).not.toEqual([...straight.keys()]);
    expect([...encodeState({ map: past })]).toEqual([...encodeState({ map: straight })]);
  });

  it('has its free space and its quarantine, block by block', () => {
    const range = parsePrefix('10.0.0.0/24');
    const blocks = ['10.0.0.4/32', '10.0.0.64/26', '10.0.0.1/32'].map(parsePrefix);
    let free = freeSpace(range);
    let timed = timedSpace(range);
    for (const [index, block] of blocks.entries()) {
      free = take(free, block);
      timed = giveBlockAt(takeBlock(timed, block), block, 1_000 - index);
    }
    const after = passed({ free, timed, whole: freeSpace(range) });
    expect(after.free).toEqual(free);
    expect(after.timed).toEqual(timed);
    // Leaves are known by identity: a decoded trie must be joined again where it becomes whole.
    const whole = blocks.reduce((space, block) => give(space, block), after.free);
    expect(whole.root).toBe(freeSpace(range).root);
    expect(after.whole.root).toBe(freeSpace(range).root);
  });
});

describe('what is no state', () => {
  it.each([
    ['a date', { at: new Date(0) }],
    ['a function', { run: () => {} }],
    ['a symbol', { mark: Symbol('x') }],
    ['a native map', { map: new Map() }],
    ['a collection of another kind', { list: List([1]) }],
    ['an instance', { error: new Error('x') }],
    ['not a number', { n: Number.NaN }],
    ['minus zero', { n: -0 }],
    ['a field that would be a prototype', JSON.parse('{"x": {"__proto__": 1}}')],
  ])('is a fault when it is written: %s', (_, state) => {
    expect(() => [...encodeState(state)]).toThrow(TypeError);
  });

  it.each([
    ['no parts', []],
    ['no JSON', ['[1,']],
    ['a part that ends early', ['[9,1,"a"]']],
    ['a shape that was not said', ['[8,0]']],
    ['a text that was not said', ['[9,1,"a",-2]']],
    ['a text that was forgotten', ['[9,2,"a","b",12,0,12,0]', '[16,"b","k",-2]', '[16,"a",-2]']],
    ['a record that was not said', ['[9,1,"a",10,0,0]']],
    ['an unknown code', ['[31,0]']],
    ['a trie that goes on', ['[11,"ff"]']],
    ['half a trie', ['[11,"/f"]']],
    ['a field that is no map', ['[9,1,"a",33]', '["a","x",33]']],
  ])('is refused when it is read: %s', (_, parts) => {
    expect(() => decoded(parts)).toThrow();
  });
});
