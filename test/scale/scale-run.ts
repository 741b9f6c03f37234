import { inspect } from 'node:util';
import { auditLog, type Block, logIn, overlapsAmong } from '../faults/audit.ts';
import { type Answer, bodies, paths, ServiceProcess, send } from '../faults/process.ts';
import { problemsIn } from '../verify/verified-directory.ts';

/** How large a run is. Half of the claims are of the policy Retain. */
export interface Scale {
  readonly projects: number;
  readonly locations: number;
  /** Of all projects and locations together, as many of each. */
  readonly claims: number;
  /** Requests of one claim that are under way at a time. */
  readonly connections: number;
  /** Claims in one request where they are sent in batches, of which two are under way. */
  readonly batch: number;
}

export interface ScaleReport {
  readonly seconds: Readonly<Record<Step, number>>;
  readonly interfaces: number;
  readonly events: number;
  /** What is wrong: nothing when everything is as it has to be. */
  readonly problems: readonly string[];
}

const BATCHES_AT_ONCE = 2;

type Step = 'create' | 'delete' | 'create again' | 'verify';
type Say = (text: string) => void;
type Policy = 'Delete' | 'Retain';

interface Claim {
  readonly project: string;
  readonly name: string;
  readonly location: string;
  readonly reclaimPolicy: Policy;
}

/** An interface as the API shows it. */
interface Nic {
  readonly project: string;
  readonly name: string;
  readonly isBound: boolean;
  readonly addresses: readonly string[];
}

/**
 * Has a real process create claims, delete them and create them again by the same names. Then looks
 * for any two interfaces that have an address in common, and for whatever else must not be: in what
 * the API shows and in the log, which is read by code that shares nothing with what decides: that
 * of a test, and that of `netalloc verify`.
 */
export async function scaleRun(directory: string, scale: Scale, say: Say): Promise<ScaleReport> {
  const service = await ServiceProcess.start(directory);
  const crowd = new Crowd(service.url, scale, say);
  const problems: string[] = [];
  const seconds = {} as Record<Step, number>;
  const timed = async (step: Step, work: () => Promise<unknown>) => {
    const startMs = performance.now();
    await work();
    seconds[step] = Math.round((performance.now() - startMs) / 100) / 10;
  };
  let last: readonly Nic[];
  try {
    await crowd.settle();
    await timed('create', () => crowd.createOneByOne());
    const first = await crowd.interfaces();
    await timed('delete', () => crowd.inBatches('delete'));
    const retained = await crowd.interfaces();
    await timed('create again', () => crowd.inBatches('create'));
    last = await crowd.interfaces();
    problems.push(...crowd.problemsOf(first, retained, last));
  } finally {
    service.kill('SIGTERM');
    await service.ended();
  }
  let events = 0;
  await timed('verify', async () => {
    say('verify');
    problems.push(...overlapsOf(last), ...auditLog(logIn(directory)));
    for (const problem of await problemsIn(directory)) problems.push(inspect(problem));
    for (const _ of logIn(directory)) events += 1;
  });
  return { seconds, interfaces: last.length, events, problems };
}

/** Private IPv6 is one space over all projects; each project's network has its own IPv4. */
function overlapsOf(nics: readonly Nic[]): string[] {
  const spaces = new Map<string, Block[]>();
  for (const { project, name, addresses } of nics) {
    for (const cidr of addresses) {
      const space = cidr.includes(':') ? 'IPv6' : project;
      const blocks = spaces.get(space) ?? [];
      blocks.push({ cidr, holder: `${project}/${name}` });
      spaces.set(space, blocks);
    }
  }
  return [...spaces.values()].flatMap(overlapsAmong);
}

/** Projects whose claims come, go and come again. */
class Crowd {
  readonly #url: string;
  readonly #scale: Scale;
  readonly #say: Say;
  readonly #claims: readonly Claim[];

  constructor(url: string, scale: Scale, say: Say) {
    this.#url = url;
    this.#scale = scale;
    this.#say = say;
    const { projects, locations, claims } = scale;
    this.#claims = Array.from({ length: claims }, (_, n) => ({
      project: `project-${n % projects}`,
      location: `location-${Math.floor(n / projects) % locations}`,
      reclaimPolicy: Math.floor(n / projects / locations) % 2 === 0 ? 'Delete' : 'Retain',
      name: `nic-${n}`,
    }));
  }

  async settle(): Promise<void> {
    const names = (kind: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${kind}-${n}`);
    for (const name of names('location', this.#scale.locations)) {
      requireDone(await this.#post(paths.locations, bodies.named(name)), 201);
    }
    for (const name of names('project', this.#scale.projects)) {
      requireDone(await this.#post(paths.namespaces, bodies.named(name)), 201);
      const networks = paths.of(name, 'networks');
      requireDone(await this.#post(networks, bodies.network('default')), 201);
    }
  }

  createOneByOne(): Promise<void> {
    return this.#each('create', this.#claims, this.#scale.connections, async (claim) => {
      const path = paths.of(claim.project, 'networkinterfaceclaims');
      requireDone(await this.#post(path, bodyOf(claim)), 201);
    });
  }

  inBatches(what: 'create' | 'delete'): Promise<void> {
    const { batch } = this.#scale;
    const count = Math.ceil(this.#claims.length / batch);
    const batches = Array.from({ length: count }, (_, n) =>
      this.#claims.slice(n * batch, (n + 1) * batch),
    );
    return this.#each(`${what} in batches`, batches, BATCHES_AT_ONCE, async (claims) => {
      const items = claims.map((claim) => {
        const { project: namespace, name } = claim;
        if (what === 'delete') return { delete: { namespace, name } };
        const body = bodyOf(claim);
        return { create: { ...body, metadata: { ...body.metadata, namespace } } };
      });
      const answer = await this.#post('/ledger/v1/claims:batch', { items });
      requireDone(answer, 200);
      const code = what === 'create' ? 201 : 200;
      for (const item of answer.body.items) requireDone({ ...item, body: item }, code);
    });
  }

  /** All interfaces that there are. */
  async interfaces(): Promise<Nic[]> {
    const nics: Nic[] = [];
    for (let n = 0; n < this.#scale.projects; n += 1) {
      const project = `project-${n}`;
      let next = '';
      do {
        const query = `?limit=5000${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
        const path = paths.of(project, 'networkinterfaces') + query;
        const answer = await send(this.#url, 'GET', path);
        requireDone(answer, 200);
        for (const { metadata, spec } of answer.body.items) {
          const addresses = spec.addresses.map(({ address }: { address: string }) => address);
          const isBound = spec.claimRef !== undefined;
          nics.push({ project, name: metadata.name, isBound, addresses });
        }
        next = answer.body.metadata.continue ?? '';
      } while (next !== '');
      this.#say(`list: ${nics.length} interfaces`);
    }
    return nics;
  }

  /** What is wrong with the interfaces after the first creation, the deletion and the second. */
  problemsOf(first: readonly Nic[], retained: readonly Nic[], last: readonly Nic[]): string[] {
    const problems: string[] = [];
    const expectAll = (when: string, nics: readonly Nic[], claims: readonly Claim[]) => {
      const there = new Set(nics.map(keyOf));
      const missing = claims.filter((claim) => !there.has(keyOf(claim)));
      if (there.size !== claims.length || missing.length > 0) {
        problems.push(`${when}: ${there.size} interfaces for ${claims.length} claims`);
      }
    };
    const kept = this.#claims.filter(({ reclaimPolicy }) => reclaimPolicy === 'Retain');
    expectAll('first', first, this.#claims);
    expectAll('retained', retained, kept);
    expectAll('last', last, this.#claims);
    const before = new Map(first.map((nic) => [keyOf(nic), nic.addresses.join()]));
    const after = new Map(last.map((nic) => [keyOf(nic), nic.addresses.join()]));
    for (const nic of retained) {
      if (nic.isBound) problems.push(`${keyOf(nic)} is bound to a claim that is gone`);
      if (nic.addresses.join() !== before.get(keyOf(nic)))
        problems.push(`${keyOf(nic)} has changed`);
    }
    for (const key of kept.map(keyOf)) {
      if (before.get(key) !== after.get(key))
        problems.push(`${key} has not got its addresses back`);
    }
    for (const nic of [...first, ...last]) {
      if (!nic.isBound) problems.push(`${keyOf(nic)} is not bound`);
      if (nic.addresses.length !== 2) problems.push(`${keyOf(nic)} has not two addresses`);
    }
    return problems;
  }

  #post(path: string, body: unknown): Promise<Answer> {
    return send(this.#url, 'POST', path, body);
  }

  /** Does something with each of many, some at a time, and says how far it is. */
  async #each<T>(
    what: string,
    all: readonly T[],
    atOnce: number,
    work: (one: T) => Promise<void>,
  ): Promise<void> {
    let begun = 0;
    const worker = async () => {
      while (begun < all.length) {
        const one = all[begun] as T;
        begun += 1;
        await work(one);
        if (begun % Math.ceil(all.length / 100) === 0)
          this.#say(`${what}: ${begun} of ${all.length}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }
}

function bodyOf({ name, location, reclaimPolicy }: Claim) {
  return bodies.claim(name, location, { reclaimPolicy });
}

function keyOf({ project, name }: { readonly project: string; readonly name: string }): string {
  return `${project}/${name}`;
}

function requireDone({ code, body }: Answer, expected: number): void {
  if (code !== expected) throw new Error(`${code}: ${JSON.stringify(body).slice(0, 1_000)}`);
}
