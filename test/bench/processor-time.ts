import type { Figure } from './bench.ts';
import type { NodeProcess } from './node-process.ts';

/**
 * What a load takes of the processors, each claim, by what threads of the serving process do. On a
 * busy machine it says more than a rate: it does not depend on who else wants to run.
 */
export class ProcessorTime {
  readonly #server: NodeProcess;
  readonly #usedUs = new Map<string, number>();
  #claims = 0;

  constructor(server: NodeProcess) {
    this.#server = server;
  }

  /** Runs a load that gives its rate, counts what it takes, and gives the rate. */
  async during(load: () => Promise<number>): Promise<number> {
    const before = this.#server.processorUs();
    const startMs = performance.now();
    const perSecond = await load();
    this.#claims += (perSecond * (performance.now() - startMs)) / 1_000;
    for (const [role, us] of this.#server.processorUs()) {
      const known = this.#usedUs.get(role) ?? 0;
      this.#usedUs.set(role, known + us - (before.get(role) ?? 0));
    }
    return perSecond;
  }

  /** Microseconds a claim of all threads; NaN where the system does not tell. */
  get totalUs(): number {
    if (this.#usedUs.size === 0) return Number.NaN;
    return [...this.#usedUs.values()].reduce((sum, us) => sum + us, 0) / this.#claims;
  }

  /** The total, beside that of another server, and its parts. */
  figures(load: string, bare?: ProcessorTime): Figure[] {
    const name = `processor time of a claim, ${load}`;
    const baseline = bare && { name: 'bare Fastify + zod', value: bare.totalUs };
    const total: Figure = { name, value: this.totalUs, unit: 'us' };
    const parts = [...this.#usedUs].map(([role, us]): Figure => {
      return { name: `- ${role}`, value: us / this.#claims, unit: 'us' };
    });
    return [baseline === undefined ? total : { ...total, baseline }, ...parts];
  }
}
