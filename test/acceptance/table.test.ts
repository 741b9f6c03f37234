import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STATUS_CODES } from '../../src/http/status.ts';
import { ROOT } from '../tidy/sources.ts';

const read = (path: string) => readFileSync(join(ROOT, 'test', path), 'utf8');

/** The titles of a file's tests, as they are written. */
function titlesIn(path: string): Set<string> {
  const titles = read(path).matchAll(/\(\s*(['"`])((?:(?!\1).)+)\1,/g);
  return new Set([...titles].map(([, , title]) => title as string));
}

/** Rows of the table: what is in its second column. */
const rows = read('SCENARIOS.md')
  .split('\n')
  .filter((line) => /^\| (?!Situation|---)/.test(line))
  .map((line) => line.split(' | ').slice(1).join(' | '));
const namedTests = rows.flatMap((row) =>
  [...row.matchAll(/`([\w/-]+\.test\.ts): ([^`]+)`/g)].map(([, path, title]) => {
    return { path: path as string, title: title as string };
  }),
);

test('every row of the table names a test, or the rule by which it does not apply', () => {
  expect(rows.length).toBeGreaterThan(80);
  const bare = rows.filter(
    (row) => !row.includes('.test.ts: ') && !/^not applicable: \w/.test(row),
  );
  expect(bare).toEqual([]);
});

test('every test that the table names is there', () => {
  const absent = namedTests.filter(({ path, title }) => !titlesIn(path).has(title));
  expect(absent).toEqual([]);
});

test('every rule of a claim’s life and every reason of a refusal has a test of its name', () => {
  const titles = ['lifecycle', 'waiting-and-time'].flatMap((name) => [
    ...titlesIn(`acceptance/${name}.test.ts`),
  ]);
  const rules = Array.from({ length: 19 }, (_, n) => `L${n + 1} `);
  expect(rules.filter((rule) => !titles.some((title) => title.startsWith(rule)))).toEqual([]);
  const reasons = titlesIn('acceptance/refusals.test.ts');
  expect(Object.keys(STATUS_CODES).filter((reason) => !reasons.has(reason))).toEqual([]);
});
