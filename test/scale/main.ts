import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scaleRun } from './scale-run.ts';

const { values } = parseArgs({
  options: {
    claims: { type: 'string', default: '100000' },
    locations: { type: 'string', default: '50' },
    projects: { type: 'string', default: '20' },
    connections: { type: 'string', default: '64' },
    batch: { type: 'string', default: '1000' },
  },
});
const [claims, locations, projects, connections, batch] = [
  values.claims,
  values.locations,
  values.projects,
  values.connections,
  values.batch,
].map(Number) as [number, number, number, number, number];
const directory = mkdtempSync(join(tmpdir(), 'netalloc-scale-'));
const startMs = performance.now();
const say = (text: string) => {
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
  process.stderr.write(`\r${seconds} s  ${text}`.padEnd(80));
};
try {
  const scale = { claims, locations, projects, connections, batch };
  const { problems, ...report } = await scaleRun(directory, scale, say);
  process.stderr.write('\n');
  process.stdout.write(`${JSON.stringify({ ...scale, ...report, problems: problems.length })}\n`);
  for (const problem of problems.slice(0, 20)) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
