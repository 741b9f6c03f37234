import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  fieldSetOf,
  fieldsV1Of,
  printedPath,
} from '../../../src/http/kube/ownership/field-path.ts';
import {
  allFields,
  changesBetween,
  merged,
  ownedFields,
} from '../../../src/http/kube/ownership/fields.ts';
import {
  type Managed,
  readManagedFields,
  writeManagedFields,
} from '../../../src/http/kube/ownership/managers.ts';
import {
  afterUpdate,
  applied,
  ownedBefore,
  settled,
  type Write,
} from '../../../src/http/kube/ownership/owners.ts';
import { shapeOf } from '../../../src/http/kube/ownership/shape.ts';
import { keyedList, SET_LIST } from '../../../src/ledger/list-types.ts';
import { limits } from '../../../src/limits.ts';

/** Every form that a field can have: scalars, maps, a set, a list by keys, a list as one field. */
const shape = shapeOf(
  z.object({
    spec: z.looseObject({
      set: z.array(z.string()).meta(SET_LIST).optional(),
      keyed: z
        .array(z.looseObject({ key: z.string() }))
        .meta(keyedList('key'))
        .nullish(),
    }),
  }),
);

const value = fc.constantFrom('x', 'y', 1, true, null);
const words = fc.constantFrom('a', 'b', 'c/d', 'e~f', '.');
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const keyed = fc.uniqueArray(
  fc.record({ key: fc.constantFrom('k1', 'k2', 'k3'), x: some(value), y: some(value) }),
  { selector: ({ key }) => key, minLength: 1, maxLength: 3 },
);
const configuration = fc
  .record({
    scalar: some(value),
    map: some(fc.dictionary(words, value, { minKeys: 1 })),
    deep: some(fc.record({ in: fc.dictionary(words, value, { minKeys: 1 }) })),
    set: some(fc.uniqueArray(fc.constantFrom('s1', 's2', 's3'), { minLength: 1 })),
    keyed: some(keyed),
    whole: some(fc.array(value)),
  })
  .map((spec) => JSON.parse(JSON.stringify({ spec })) as { spec: Record<string, unknown> });

/** Every part of a configuration that can be left out by itself. */
const PARTS = [
  ...['scalar', 'deep', 'whole', 'a', 'b', 'c/d', 'e~f', '.'],
  ...['s1', 's2', 's3', 'k1', 'k2', 'k3'],
];
const choice = fc.array(fc.boolean(), { minLength: PARTS.length, maxLength: PARTS.length });

/** The part of a configuration that is chosen. */
function part({ spec }: { spec: Record<string, unknown> }, chosen: readonly boolean[]) {
  const isIn = (name: string) => chosen[PARTS.indexOf(name)] === true;
  const chosenIn = (field: unknown, name: string): unknown => {
    if (name === 'map') {
      return Object.fromEntries(Object.entries(field as object).filter(([key]) => isIn(key)));
    }
    if (name === 'set') return (field as string[]).filter(isIn);
    if (name === 'keyed') return (field as { key: string }[]).filter(({ key }) => isIn(key));
    return isIn(name) ? field : [];
  };
  const left = Object.entries(spec)
    .map(([name, field]) => [name, chosenIn(field, name)] as const)
    .filter(([, field]) => typeof field !== 'object' || field === null || !isEmpty(field));
  return { spec: Object.fromEntries(left) };
}
const isEmpty = (field: object) => Object.keys(field).length === 0;

const managers = fc.constantFrom('one', 'two', 'three');
const write = (manager: string, operation: Managed['operation'] = 'Apply'): Write => ({
  self: { manager, operation, apiVersion: 'v1' },
  time: '2026-03-02T08:00:00Z',
  shape,
});

interface State {
  readonly value: unknown;
  readonly managed: readonly Managed[];
}
const NOTHING: State = { value: { spec: {} }, managed: [] };

/** An apply, or undefined when it meets conflicts. */
function apply(state: State, manager: string, config: unknown, force = false): State | undefined {
  const by = write(manager);
  const result = applied(state.managed, state.value, config, force, by);
  if ('conflicts' in result) return undefined;
  const { value, managed } = result;
  const before = { before: state.managed, live: state.value, after: value };
  return { value, managed: settled(managed, before, by) };
}

function update(state: State, manager: string, value: unknown): State {
  const by = write(manager, 'Update');
  return { value, managed: afterUpdate(state.managed, state.value, value, by) };
}

const step = fc.record({ manager: managers, config: configuration, how: fc.constantFrom(0, 1, 2) });
const history = fc.array(step, { maxLength: 8 }).map((steps) =>
  steps.reduce<State>((state, { manager, config, how }) => {
    if (how === 0) return update(state, manager, config);
    return apply(state, manager, config, how === 1) ?? state;
  }, NOTHING),
);

const sorted = (managed: readonly Managed[]) => writeManagedFields(managed);
const fieldsOf = ({ managed }: State, manager: string) =>
  managed.find((one) => one.manager === manager && one.operation === 'Apply')?.fields ?? new Set();

describe('applying', () => {
  test('twice is as once', () => {
    fc.assert(
      fc.property(history, managers, configuration, (before, manager, config) => {
        const once = apply(before, manager, config, true) as State;
        const twice = apply(once, manager, config) as State;
        expect(twice.value).toEqual(once.value);
        expect(twice.managed).toBe(once.managed);
      }),
    );
  });

  test('makes the object say what the configuration says, and owns just that', () => {
    fc.assert(
      fc.property(history, managers, configuration, (before, manager, config) => {
        const after = apply(before, manager, config, true) as State;
        expect(merged(after.value, config, shape)).toEqual(after.value);
        expect(fieldsOf(after, manager)).toEqual(ownedFields(config, shape));
      }),
    );
  });

  test('of disjoint fields never conflicts', () => {
    fc.assert(
      fc.property(configuration, choice, (config, chosen) => {
        const mine = part(config, chosen);
        const theirs = part(
          config,
          chosen.map((one) => !one),
        );
        const first = apply(NOTHING, 'one', mine) as State;
        const both = apply(first, 'two', theirs) as State;
        expect(both).toBeDefined();
        expect(apply(both, 'one', mine)?.managed).toBe(both.managed);
      }),
    );
  });

  test('conflicts just where somebody else owns what would have another value', () => {
    fc.assert(
      fc.property(history, managers, configuration, (before, manager, config) => {
        const by = write(manager);
        const result = applied(before.managed, before.value, config, false, by);
        const forced = apply(before, manager, config, true) as State;
        const { set } = changesBetween(before.value, forced.value, shape);
        const others = before.managed.filter(
          (one) => one.manager !== manager || one.operation !== 'Apply',
        );
        const owned = others.flatMap(({ fields }) => [...fields.intersection(set)]);
        const found = 'conflicts' in result ? result.conflicts.map(({ field }) => field) : [];
        expect(found.sort()).toEqual(owned.sort());
      }),
    );
  });

  test('nothing after something takes it back, but for what others own too', () => {
    fc.assert(
      fc.property(configuration, choice, choice, (config, one, two) => {
        const before = apply(NOTHING, 'two', part(config, two)) as State;
        const both = apply(before, 'one', part(config, one)) as State;
        const after = apply(both, 'one', { spec: {} }) as State;
        expect(after.value).toEqual(before.value);
        expect(sorted(after.managed)).toEqual(sorted(before.managed));
      }),
    );
  });
});

describe('owners', () => {
  test('own only what is there, whatever was written', () => {
    fc.assert(
      fc.property(history, ({ value, managed }) => {
        const present = allFields(value, shape);
        for (const { fields } of managed) {
          expect(fields.isSubsetOf(present)).toBe(true);
          expect(fields.size).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('are whoever has changed a field last, alone', () => {
    fc.assert(
      fc.property(history, configuration, (before, next) => {
        const after = update(before, 'writer', next);
        const { set } = changesBetween(before.value, next, shape);
        for (const { manager, operation, fields } of after.managed) {
          if (manager === 'writer') expect(set.isSubsetOf(fields)).toBe(true);
          else expect([operation, fields.isDisjointFrom(set)]).toEqual([operation, true]);
        }
      }),
    );
  });

  test('do not change with an update that changes nothing', () => {
    fc.assert(
      fc.property(history, (state) => {
        expect(update(state, 'writer', structuredClone(state.value)).managed).toBe(state.managed);
      }),
    );
  });

  test('are somebody from before, once they begin to be kept', () => {
    const value = { spec: { scalar: 1, set: ['s1'] } };
    const managed = ownedBefore(value, write('one'));
    const result = applied(managed, value, { spec: { scalar: 2 } }, false, write('one'));
    expect(result).toMatchObject({ conflicts: [{ with: { manager: 'before-first-apply' } }] });
  });

  test('who updated longest ago become one when there are too many', () => {
    let state = NOTHING;
    for (let index = 0; index < limits.updateManagersPerObjectMax + 5; index += 1) {
      const map = { ...(state.value as { spec: { map?: object } }).spec.map, [`m${index}`]: 1 };
      const by = { ...write(`m${index}`, 'Update'), time: `2026-03-02T08:00:${10 + index}Z` };
      const next = { spec: { map } };
      state = { value: next, managed: afterUpdate(state.managed, state.value, next, by) };
    }
    expect(state.managed).toHaveLength(limits.updateManagersPerObjectMax);
    const ancient = state.managed.find(({ manager }) => manager === 'ancient-changes');
    expect(ancient?.fields).toContain('f:spec/f:map/f:m0');
    const all = state.managed.reduce<ReadonlySet<string>>((a, b) => a.union(b.fields), new Set());
    expect(all).toEqual(allFields(state.value, shape));
  });
});

describe('FieldsV1', () => {
  test('says the same set when it is read again', () => {
    fc.assert(
      fc.property(configuration, (config) => {
        for (const fields of [ownedFields(config, shape), allFields(config, shape)]) {
          expect(fieldSetOf(fieldsV1Of(fields))).toEqual(fields);
        }
      }),
    );
  });

  test('is written as Kubernetes writes it', () => {
    const config = {
      spec: { map: { 'a/b': 1 }, set: ['s'], keyed: [{ key: 'k', x: 1 }], whole: [1] },
    };
    expect(fieldsV1Of(ownedFields(config, shape))).toEqual({
      'f:spec': {
        'f:map': { 'f:a/b': {} },
        'f:set': { 'v:"s"': {} },
        'f:keyed': { 'k:{"key":"k"}': { '.': {}, 'f:key': {}, 'f:x': {} } },
        'f:whole': {},
      },
    });
    expect([...ownedFields(config, shape)].map(printedPath)).toEqual([
      '.spec.map.a/b',
      '.spec.set[="s"]',
      '.spec.keyed[key="k"]',
      '.spec.keyed[key="k"].key',
      '.spec.keyed[key="k"].x',
      '.spec.whole',
    ]);
  });

  test.each([
    [{ 'f:a': 1 }],
    [{ a: {} }],
    [{ '.': {} }],
    [{ 'f:a': { '.': { 'f:b': {} } } }],
    ['text'],
    [null],
  ])('that is none (%j) is told apart', (tree) => {
    expect(fieldSetOf(tree)).toBeUndefined();
  });

  test('of entries that cannot be read makes no owners', () => {
    const entry = { manager: 'm', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1' };
    expect(readManagedFields([{ ...entry, fieldsV1: { 'f:a': { 'f:b': {} } } }])).toHaveLength(1);
    expect(readManagedFields([{ ...entry, fieldsV1: { x: {} } }])).toBeUndefined();
    expect(readManagedFields([{ ...entry, operation: 'Guess' }])).toBeUndefined();
    expect(readManagedFields({})).toBeUndefined();
    expect(readManagedFields(undefined)).toEqual([]);
  });
});
