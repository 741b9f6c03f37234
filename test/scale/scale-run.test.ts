import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { overlapsAmong } from '../faults/audit.ts';
import { scaleRun } from './scale-run.ts';

const directory = mkdtempSync(join(tmpdir(), 'netalloc-scale-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('gives no address twice when claims of many projects come, go and come again', async () => {
  const scale = { projects: 4, locations: 5, claims: 800, connections: 16, batch: 200 };
  const steps: string[] = [];
  const report = await scaleRun(directory, scale, (text) => steps.push(text));
  expect(report.problems).toEqual([]);
  expect(report.interfaces).toBe(scale.claims);
  // A claim that is met anew is four events and ends with four; a retained one takes two each.
  expect(report.events).toBeGreaterThan(scale.claims * 8);
  expect(steps).toContain('create: 800 of 800');
}, 120_000);

it('finds blocks that overlap, wherever they stand in the order', () => {
  const blocksOf = (...cidrs: string[]) => cidrs.map((cidr) => ({ cidr, holder: 'x' }));
  expect(overlapsAmong(blocksOf('10.0.0.2/32', '10.0.0.0/31', '10.0.0.3/32'))).toEqual([]);
  expect(overlapsAmong(blocksOf('10.0.0.2/32', '10.0.0.1/32', '10.0.0.2/32'))).toHaveLength(1);
  const within = blocksOf('fd20::/64', 'fd20:0:0:1::/64', 'fd20::5:0:0/96', 'fd20::7:0:0/96');
  expect(overlapsAmong(within)).toHaveLength(2);
  expect(overlapsAmong([])).toEqual([]);
});
