import { randomUUID } from 'node:crypto';
import { bodies, paths, send } from '../faults/process.ts';
import type { Bench, Figure } from './bench.ts';
import type { NodeProcess } from './node-process.ts';
import { startService } from './service-under-load.ts';

const CLIENTS_EACH = 16;
const PROCESSES = [1, 2, 4];
const PROJECTS = [1, 20];
/** A /20 each, so that none is full before the end. */
const LOCATIONS = 10;
const locationOf = (n: number) => `location-${n % LOCATIONS}`;

/**
 * Durable claims a second of several processes on one KurrentDB, and how evenly they are served:
 * each has clients of its own that ask again as soon as they are answered, and nowhere else.
 */
export const severalLedgers: Bench = {
  name: 'several-ledgers',
  async run({ quick, say, newDirectory }) {
    const url = process.env.KURRENTDB_URL;
    if (url === undefined) {
      process.stderr.write('\nNOT MEASURED: several ledgers. KURRENTDB_URL is not set.\n\n');
      return [];
    }
    const seconds = quick ? 10 : 30;
    const figures: Figure[] = [];
    const services: NodeProcess[] = [];
    const start = async () => services.push(await startService(newDirectory(), ['--store', url]));
    try {
      await start();
      const projects = await prepare(services[0] as NodeProcess, Math.max(...PROJECTS), say);
      const alone = new Map<number, number>();
      for (const processes of PROCESSES) {
        while (services.length < processes) await start();
        for (const count of PROJECTS) {
          say(`${processes} processes, ${count} projects`);
          const load = { projects: projects.slice(0, count), seconds };
          // A process that has just begun is slow at everything.
          await ratesOf(services, { ...load, seconds: seconds / 5 });
          const rates = await ratesOf(services, load);
          const total = rates.reduce((sum, rate) => sum + rate, 0);
          alone.set(count, alone.get(count) ?? total);
          const what = `${count} ${count === 1 ? 'project' : 'projects'}`;
          figures.push(totalOf(processes, what, total, alone.get(count) as number));
          if (processes > 1) figures.push(leastOf(processes, what, rates, total));
        }
      }
      return figures;
    } finally {
      await Promise.all(services.map((service) => service.stop()));
    }
  },
};

function totalOf(processes: number, what: string, value: number, alone: number): Figure {
  const name = `claims of ${processes} ${processes === 1 ? 'process' : 'processes'}, ${what}`;
  const baseline = { name: 'one process', value: alone };
  return { name, value, unit: 'claims/s', ...(processes === 1 ? {} : { baseline }) };
}

/** Where nothing is retried elsewhere, nobody should get less than half of what all get. */
function leastOf(processes: number, what: string, rates: readonly number[], total: number): Figure {
  return {
    name: `the slowest of ${processes} processes, ${what}`,
    value: Math.min(...rates),
    unit: 'claims/s',
    baseline: { name: 'their mean', value: total / rates.length },
    target: { of: 'ratio', atLeast: 0.5 },
  };
}

/** Projects that are present at every location, of names that no other run has. */
async function prepare(
  { url }: NodeProcess,
  count: number,
  say: (text: string) => void,
): Promise<string[]> {
  const make = async (path: string, body: unknown) => {
    const { code, body: answer } = await send(url, 'POST', path, body);
    // Locations are there from an earlier run.
    if (code !== 201 && code !== 409) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  };
  for (let n = 0; n < LOCATIONS; n += 1) {
    await make(paths.locations, { ...bodies.named(locationOf(n)), spec: {} });
  }
  const run = randomUUID().slice(0, 8);
  const projects = Array.from({ length: count }, (_, n) => `bench-${run}-${n}`);
  for (const project of projects) {
    say(`makes ${project}`);
    await make(paths.namespaces, bodies.named(project));
    await make(paths.of(project, 'networks'), bodies.network('default'));
    const claims = paths.of(project, 'networkinterfaceclaims');
    const first = Array.from({ length: LOCATIONS }, (_, n) => {
      return make(claims, bodies.claim(`first-${n}`, locationOf(n)));
    });
    await Promise.all(first);
  }
  return projects;
}

interface SharedLoad {
  readonly projects: readonly string[];
  readonly seconds: number;
}

/** Claims a second that each of the services has given to its own clients. */
async function ratesOf(
  services: readonly NodeProcess[],
  { projects, seconds }: SharedLoad,
): Promise<number[]> {
  const prefix = randomUUID().slice(0, 8);
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  const counts = services.map(() => 0);
  const client = async (service: number, n: number) => {
    const project = projects[n % projects.length] as string;
    const path = paths.of(project, 'networkinterfaceclaims');
    const { url } = services[service] as NodeProcess;
    for (let made = 0; performance.now() < endMs; made += 1) {
      const name = `${prefix}-${service}-${n}-${made}`;
      // However long it takes: who is starved is to be seen.
      const body = JSON.stringify(bodies.claim(name, locationOf(made)));
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method: 'POST', headers, body });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`${name}: ${text}`);
      counts[service] = (counts[service] ?? 0) + 1;
    }
  };
  const clients = services.flatMap((_, service) => {
    return Array.from({ length: CLIENTS_EACH }, (_none, n) => client(service, n));
  });
  await Promise.all(clients);
  return counts.map((count) => count / ((performance.now() - startMs) / 1_000));
}
