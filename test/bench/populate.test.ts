import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { auditLog, readLog } from '../faults/audit.ts';
import { problemsIn } from '../verify/verified-directory.ts';
import { populate } from './populate.ts';

const directory = mkdtempSync(join(tmpdir(), 'netalloc-populate-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('writes a log that an independent reading finds nothing wrong with', async () => {
  const population = { projects: 2, locations: 2, claims: 10, rounds: 1 } as const;
  const reports: number[] = [];
  const populated = await populate(
    directory,
    { ...population, ipFamilies: ['IPv6', 'IPv4'] },
    (n) => reports.push(n),
  );
  const log = readLog(directory);
  expect(auditLog(log)).toEqual([]);
  expect(await problemsIn(directory)).toEqual([]);
  expect(log).toHaveLength(populated.events);
  expect(log.filter(({ type }) => type === 'InterfaceReady')).toHaveLength(80);
  expect(log.filter(({ type }) => type === 'InterfaceDeleted')).toHaveLength(40);
  expect(populated.interfaces).toBe(40);
  expect(reports.at(-1)).toBe(80);
});
