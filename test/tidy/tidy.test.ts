import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../src/config.ts';
import { importsOf, ROOT, type Source, sourcesIn } from './sources.ts';

const sources = sourcesIn('src', 'projections');
const everything = [...sources, ...sourcesIn('test')];

const LINE_CHARS_MAX = 100;
const FUNCTION_LINES_MAX = 70;

function findings(files: readonly Source[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

it(`has no line over ${LINE_CHARS_MAX} characters, but for texts that cannot be broken`, () => {
  const isComment = /^ *(?:\/\/|\/?\*)/;
  const unbreakable = /(['"`]).{40,}\1|https?:/;
  const long = everything.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      if (line.length <= LINE_CHARS_MAX) return [];
      const isExcused = unbreakable.test(line) && !(isComment.test(line) && !/https?:/.test(line));
      return isExcused ? [] : [`${path}:${index + 1}`];
    }),
  );
  expect(long).toEqual([]);
});

it(`has no function over ${FUNCTION_LINES_MAX} lines`, () => {
  const long = sources.flatMap(({ path, text }) => {
    const lines = text.split('\n');
    return lines.flatMap((line, start) => {
      const indent = /^( *)(?:export )?(?:async )?(?:function\b|(?:#?\w+|get \w+)\(.*\{$)/.exec(
        line,
      );
      if (indent === null) return [];
      const length = lines.slice(start).indexOf(`${indent[1]}}`);
      return length >= FUNCTION_LINES_MAX ? [`${path}:${start + 1}: ${length + 1} lines`] : [];
    });
  });
  expect(long).toEqual([]);
});

it('leaves no unfinished mark', () => {
  const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|'));
  expect(findings(everything, marks)).toEqual([]);
});

it('knows the clock, randomness and the environment in the composition root only', () => {
  const outside = sources.filter(({ path }) => path !== 'src/main.ts');
  const effects = /Date\.now\(|new Date\(\)|Math\.random|randomUUID|process\.(env|argv|exit)/;
  expect(findings(outside, effects)).toEqual([]);
  expect(findings(sources, effects).length).toBeGreaterThan(0);
});

it('has no file that nothing imports', () => {
  // What a process or a thread begins with is imported by nobody.
  const entries = [
    'src/main.ts',
    'src/views/rows-thread.ts',
    'src/store/sqlite/checkpoint-thread.ts',
  ];
  const imported = new Set([...everything.flatMap(importsOf), ...entries]);
  expect(sources.map(({ path }) => path).filter((path) => !imported.has(path))).toEqual([]);
});

it('exports nothing that is used nowhere else', () => {
  const dead = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)]
      .map(([, name]) => name as string)
      .filter((name) => !everything.some((other) => other.path !== path && mentions(other, name)))
      .map((name) => `${path}: ${name}`),
  );
  expect(dead).toEqual([]);
});

function mentions({ text }: Source, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(text);
}

it('explains every dependency in the README', () => {
  const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const readme = read('README.md');
  const names = Object.keys({ ...dependencies, ...devDependencies });
  expect(names.filter((name) => !readme.includes(`| \`${name}\``))).toEqual([]);
});

it('explains every setting in the README', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const isExplained = ([name, { env }]: [string, { env: string }]) =>
    new RegExp(`^\\| \`--${name}\` +\\| \`${env}\` +\\| `, 'm').test(readme);
  expect(Object.entries(SETTINGS).filter((setting) => !isExplained(setting))).toEqual([]);
});
