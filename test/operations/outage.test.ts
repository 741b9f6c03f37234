import { beforeEach, expect, it } from 'vitest';
import { limits } from '../../src/limits.ts';
import { Outage } from '../../src/operations/outage.ts';

const START_MS = Date.parse('2030-01-01T00:00:00Z');
const gone = new Error('gone');
let nowMs: number;
let lines: [string, object][];
let outage: Outage;

beforeEach(() => {
  nowMs = START_MS;
  lines = [];
  const line = (level: string) => (fields: object) => lines.push([level, fields]);
  const log = { warn: line('warn'), info: line('info') } as never;
  outage = new Outage(log, () => new Date(nowMs));
});

it('is told of once when it begins and once when it ends, with how much failed', () => {
  for (let call = 0; call < 1_000; call += 1) {
    outage.begin();
    outage.failed(gone);
    nowMs += 100;
  }
  expect(outage.isOn).toBe(true);
  outage.answered(outage.begin());
  expect(lines).toEqual([
    ['warn', { reason: 'gone' }],
    ['info', { awayMs: 100_000, failures: 1_000 }],
  ]);
  expect(outage).toMatchObject({ isOn: false, count: 1 });
});

it('is not ended by an answer that was on its way when it began', () => {
  const before = outage.begin();
  outage.begin();
  outage.failed(gone);
  outage.answered(before);
  expect(outage.isOn).toBe(true);
  outage.answered(outage.begin());
  expect(outage.isOn).toBe(false);
});

it('is told of now and then only, where the store comes and goes', () => {
  for (let time = 0; time < 100; time += 1) {
    outage.begin();
    outage.failed(gone);
    outage.answered(outage.begin());
    nowMs += limits.repeatedWarningMs / 50;
  }
  expect(outage.count).toBe(100);
  expect(lines).toHaveLength(4);
});

it('says nothing of a store that answers', () => {
  outage.answered(outage.begin());
  expect(lines).toEqual([]);
});
