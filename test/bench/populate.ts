import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { Family } from '../../src/addressing/prefix.ts';
import { Ledger } from '../../src/application/ledger.ts';
import type { LedgerAnswer, LedgerRequest } from '../../src/application/request.ts';
import type { ClaimSpec } from '../../src/ledger/events.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';

/**
 * Fills a data directory with a large log, as a service would have written it: the ledger decides,
 * seals and appends, and only HTTP, views and waiting for answers are left out.
 */
export interface Population {
  readonly projects: number;
  /** Every project has a presence of its network at each of them. */
  readonly locations: number;
  /** Of each project at each location. A /20 has room for 4,092 IPv4 addresses. */
  readonly claims: number;
  readonly ipFamilies: readonly Family[];
  /** How often all claims are deleted and made again, with a quarantine's time in between. */
  readonly rounds?: number;
  readonly plan?: AddressingPlan;
  /** The instant at which the log ends; by default now. */
  readonly endsAtMs?: number;
}

export interface Populated {
  readonly interfaces: number;
  readonly events: number;
}

export const projectName = (n: number) => `project-${n}`;
export const locationName = (n: number) => `location-${n}`;
export const claimName = (location: number, n: number) => `nic-${location}-${n}`;
export const NETWORK = 'default';

/** Longer than any quarantine of the built-in plan's private addresses. */
const ROUND_MS = 200_000;
/** Claims decided at a time: enough to fill an append. */
const CLAIMS_AT_ONCE = 256;

const actor = { issuer: 'test', subject: 'populate', role: 'operator' };

/** Adds the population to the log of a data directory, which must be new or empty. */
export async function populate(
  directory: string,
  population: Population,
  onProgress: (done: number, ofClaims: number) => void = () => {},
): Promise<Populated> {
  const { projects, locations, claims, rounds = 0, endsAtMs = Date.now() } = population;
  const perRound = projects * locations * claims;
  let atMs = endsAtMs - (rounds + 1) * ROUND_MS - perRound * (2 * rounds + 1);
  const clock = () => new Date(atMs);
  const store = openSqliteStore({ directory, clock });
  const crowd = new Crowd(await ledgerOn(store, clock, population.plan), population, () => {
    atMs += 1;
  });
  try {
    await crowd.settle();
    for (let round = 0; round <= rounds; round += 1) {
      if (round > 0) await crowd.everyClaim('delete');
      atMs += ROUND_MS;
      await crowd.everyClaim('create', (done) => {
        onProgress(round * perRound + done, (rounds + 1) * perRound);
      });
    }
    await crowd.ledger.close();
    return { interfaces: perRound, events: Number(await store.head()) };
  } finally {
    await store.close();
  }
}

async function ledgerOn(store: Store, clock: () => Date, plan = builtInPlan()): Promise<Ledger> {
  let ids = 0;
  const newId = () => uuidOf('populate', ids++);
  const log = pino({ level: 'silent' });
  const viewed = async () => {};
  const random = () => 0;
  const deps = { store, log, clock, newId, random, viewed, answered: () => undefined };
  const ledger = await Ledger.open(deps, plan, false);
  for (const { name } of plan.pools) await ledger.settlePool(name);
  return ledger;
}

/** Projects that all want the same. */
class Crowd {
  readonly ledger: Ledger;
  readonly #population: Population;
  readonly #tick: () => void;

  constructor(ledger: Ledger, population: Population, tick: () => void) {
    this.ledger = ledger;
    this.#population = population;
    this.#tick = tick;
  }

  /** Makes the locations, the projects and their networks. */
  async settle(): Promise<void> {
    const metadata = {};
    for (let n = 0; n < this.#population.locations; n += 1) {
      const spec = { projects: ['*'], draining: false };
      const command = { type: 'CreateLocation', name: locationName(n), spec, metadata } as const;
      requireDecided(await this.ledger.platform(command, this.#request()));
    }
    const ipFamilies = [...this.#population.ipFamilies];
    const spec = { ipFamilies, mtu: 1460, ipam: { mode: 'Auto' } } as const;
    for (let n = 0; n < this.#population.projects; n += 1) {
      const project = projectName(n);
      await this.#project(project, { type: 'CreateNamespace', metadata });
      await this.#project(project, { type: 'CreateNetwork', name: NETWORK, spec, metadata });
    }
  }

  /** Does the same with each claim, project after project. */
  async everyClaim(
    what: 'create' | 'delete',
    onProgress: (done: number) => void = () => {},
  ): Promise<void> {
    const { projects, locations, claims } = this.#population;
    const change = what === 'create' ? this.#create : this.#delete;
    let done = 0;
    for (let project = 0; project < projects; project += 1) {
      for (let location = 0; location < locations; location += 1) {
        for (let from = 0; from < claims; from += CLAIMS_AT_ONCE) {
          const count = Math.min(CLAIMS_AT_ONCE, claims - from);
          const changes = Array.from({ length: count }, (_, n) => {
            this.#tick();
            return change.call(this, projectName(project), location, from + n);
          });
          await Promise.all(changes);
          done += count;
        }
        onProgress(done);
      }
    }
  }

  async #create(project: string, location: number, n: number): Promise<void> {
    const spec: ClaimSpec = {
      network: { name: NETWORK },
      location: { name: locationName(location) },
      interfaceName: 'eth0',
      attachmentMode: 'Netns',
      ipFamilies: [...this.#population.ipFamilies],
      reclaimPolicy: 'Delete',
    };
    const name = claimName(location, n);
    const events = await this.#project(project, { type: 'RequestClaim', name, spec, metadata: {} });
    const waits = events.find(({ type }) => type === 'ClaimQueued');
    if (waits !== undefined) throw new Error(`${name} waits: ${JSON.stringify(waits.data)}`);
  }

  async #delete(project: string, location: number, n: number): Promise<void> {
    const name = claimName(location, n);
    await this.#project(project, { type: 'DeleteClaim', name, expect: {} });
  }

  async #project(project: string, command: Parameters<Ledger['project']>[1]) {
    return requireDecided(await this.ledger.project(project, command, this.#request()));
  }

  #request(): LedgerRequest {
    const commandId = this.ledger.newId();
    return { commandId, correlationId: commandId, actor, dryRun: false };
  }
}

function requireDecided(answer: LedgerAnswer) {
  if (answer.outcome !== 'decided') throw new Error(JSON.stringify(answer));
  return answer.events;
}

const USAGE = `usage: node test/bench/populate.ts --data DIR [--projects 50] [--locations 5]
       [--claims 4000] [--rounds 0] [--ipv6-only]`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      projects: { type: 'string', default: '50' },
      locations: { type: 'string', default: '5' },
      claims: { type: 'string', default: '4000' },
      rounds: { type: 'string', default: '0' },
      'ipv6-only': { type: 'boolean', default: false },
    },
  });
  if (values.data === undefined) throw new Error(USAGE);
  const [projects, locations, claims, rounds] = [
    values.projects,
    values.locations,
    values.claims,
    values.rounds,
  ].map(Number) as [number, number, number, number];
  const ipFamilies: Family[] = values['ipv6-only'] ? ['IPv6'] : ['IPv6', 'IPv4'];
  const population = { projects, locations, claims, rounds, ipFamilies };
  const startMs = performance.now();
  const seconds = () => ((performance.now() - startMs) / 1_000).toFixed(1);
  const populated = await populate(resolve(values.data), population, (done, of) => {
    process.stderr.write(`\r${done} of ${of} claims, ${seconds()} s `);
  });
  process.stderr.write('\n');
  process.stdout.write(`${JSON.stringify({ ...populated, seconds: Number(seconds()) })}\n`);
}

if (import.meta.main) await main();
