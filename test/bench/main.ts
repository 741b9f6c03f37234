import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allocation } from './allocation.ts';
import { type Bench, type Figure, isReached, type PopulatedLog, ratioOf } from './bench.ts';
import { claimsOverHttp } from './claims-over-http.ts';
import { coldStart } from './cold-start.ts';
import { decideAndAppend } from './decide-and-append.ts';
import { fanOut } from './fan-out.ts';
import { lookUps } from './look-ups.ts';
import { populate } from './populate.ts';
import { rebuild } from './rebuild.ts';
import { severalLedgers } from './several-ledgers.ts';
import { tableOf } from './table.ts';

const BENCHES: readonly Bench[] = [
  claimsOverHttp,
  decideAndAppend,
  allocation,
  fanOut,
  rebuild,
  lookUps,
  coldStart,
  severalLedgers,
];

const USAGE = `usage: npm run bench -- [--only NAME] [--quick] [--json FILE]
  --only   one of ${BENCHES.map(({ name }) => name).join(', ')}; may be given more than once
  --quick  small sizes and short times
  --json   write the figures to a file, too`;

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const only = flags.only ?? BENCHES.map(({ name }) => name);
const unknown = only.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (flags.help || unknown.length > 0) {
  process.stderr.write(
    `${unknown.map((name) => `there is no bench ${name}\n`).join('')}${USAGE}\n`,
  );
  process.exit(flags.help ? 0 : 1);
}

const root = mkdtempSync(join(tmpdir(), 'netalloc-bench-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));

const newDirectory = () => mkdtempSync(join(root, 'data-'));
const populations = new Map<string, PopulatedLog>();
const PROJECTS = 50;
const LOCATIONS = 5;

async function populated(
  say: (text: string) => void,
  interfaces: number,
  rounds = 0,
): Promise<PopulatedLog> {
  const key = `${interfaces} ${rounds}`;
  const present = populations.get(key);
  if (present !== undefined) return present;
  const directory = newDirectory();
  const claims = interfaces / PROJECTS / LOCATIONS;
  const population = { projects: PROJECTS, locations: LOCATIONS, claims, rounds };
  const families = { ipFamilies: ['IPv6', 'IPv4'] } as const;
  const made = await populate(directory, { ...population, ...families }, (done) =>
    say(`makes a log: ${done} of ${interfaces * (rounds + 1)} interfaces`),
  );
  const log = { directory, ...made, projects: PROJECTS };
  populations.set(key, log);
  return log;
}

const figures: Figure[] = [];
for (const bench of BENCHES.filter(({ name }) => only.includes(name))) {
  const say = (text: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${bench.name}: ${text}`);
  };
  if (!process.stderr.isTTY) process.stderr.write(`${bench.name}\n`);
  const { quick } = flags;
  const setting = { quick, say, newDirectory, populated: populated.bind(undefined, say) };
  figures.push(...(await bench.run(setting)));
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
process.stdout.write(`${tableOf(figures)}\n`);
if (flags.json !== undefined) {
  const machine = { node: process.version, processors: availableParallelism() };
  const all = figures.map((figure) => {
    return { ...figure, ratio: ratioOf(figure), reached: isReached(figure) };
  });
  writeFileSync(flags.json, `${JSON.stringify({ machine, figures: all }, null, 2)}\n`);
}
process.exit(0);
