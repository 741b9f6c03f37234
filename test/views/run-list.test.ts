import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SqlValue } from '../../src/views/projection.ts';
import { RunList } from '../../src/views/run-list.ts';

type Run = readonly [statement: number, ...values: SqlValue[]];

const value: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.constant(null),
);
const run = fc.tuple(fc.nat(100), fc.array(value)).map(([n, values]): Run => [n, ...values]);

/** What another thread reads of these runs. */
function sent(runs: readonly Run[]): Run[] {
  const list = new RunList();
  for (const [statement, ...values] of runs) list.add(statement, ['', ...values]);
  expect(list.length).toBe(runs.length);
  const arrived: Run[] = [];
  new RunList(structuredClone(list.items)).forEach((statement, values) => {
    arrived.push([statement, ...values]);
  });
  return arrived;
}

/** As SQLite sees it: a whole number is one whatever its type. */
function stored(one: SqlValue): unknown {
  if (typeof one === 'number' || typeof one === 'bigint') return { integer: String(one) };
  return one;
}

it('brings every value to the other side as SQLite would store it here', () => {
  const whole = fc.array(run, { maxLength: 5 });
  fc.assert(
    fc.property(whole, (runs) => {
      expect(sent(runs).map((one) => one.map(stored))).toEqual(runs.map((one) => one.map(stored)));
    }),
  );
});

it('keeps positions exact that a number does not hold', () => {
  const position = 2n ** 53n + 1n;
  expect(sent([[3, position, 7n]])).toEqual([[3, position, 7]]);
});
