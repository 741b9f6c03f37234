import { extentOf, type Interval, meet } from '../../src/verify/intervals.ts';
import { NaiveReading } from '../../src/verify/naive-reading.ts';
import { Chains, type LoggedEvent } from './chains.ts';
import { check } from './check.ts';
import { Turns } from './turns.ts';

interface Held extends Interval {
  readonly text: string;
}

/**
 * A second opinion on all that is stored: the naive reading, and what only a test can know of its
 * log, as which commands were to delete something, and that names of projects occur nowhere else.
 * Throws at the first event that must not be.
 */
export class Reading {
  readonly chains = new Chains();
  readonly naive: NaiveReading;
  readonly #turns = new Turns();
  readonly #projectNames: readonly string[];

  constructor(projectNames: readonly string[], isDeletion: (commandId: string) => boolean) {
    this.#projectNames = projectNames;
    this.naive = new NaiveReading(({ commandId }) => isDeletion(commandId));
  }

  /** Reads the events of one append. */
  read(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      this.chains.add(event);
      const [violation] = this.naive.read(event);
      if (violation !== undefined) throw violation;
      this.#turns.read(event);
      const { stream, body } = event;
      const project = stream.split('addressSpace-project.')[1];
      const foreign = project === undefined ? undefined : this.foreignName(project, body);
      check(foreign === undefined, `the stream of ${project} tells of ${foreign}`);
    }
    this.naive.checkWhole();
  }

  /** What there is at present. */
  get ledger() {
    return this.naive.ledger;
  }

  /** The name of another project that a text tells of. */
  foreignName(own: string, text: string): string | undefined {
    return this.#projectNames.find((name) => name !== own && text.includes(name));
  }

  /**
   * The same once more over all pools at once, the slow way, without regard to who decided what:
   * what is held or withheld in one routing domain overlaps nothing.
   */
  checkDomains(): void {
    this.ledger.checkRanges();
    const domains = new Map<string, Held[]>();
    for (const pool of this.ledger.pools.values()) {
      let root = pool;
      while (root.parent !== undefined) root = root.parent;
      const isShared = root.ranges.every(
        ({ grant, text }) => grant !== undefined || this.ledger.rootRanges.has(text),
      );
      const domain = `${isShared ? 'platform' : root.name} ${pool.family}`;
      const blocks = domains.get(domain) ?? [];
      domains.set(domain, blocks);
      for (const block of pool.blocks) {
        if (block.state === 'Carved') continue;
        blocks.push({ ...extentOf(block), text: `${pool.textOf(block)} of ${pool.name}` });
      }
    }
    for (const blocks of domains.values()) {
      const sorted = blocks.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      sorted.forEach((block, index) => {
        const next = sorted[index + 1];
        check(next === undefined || !meet(block, next), `${block.text} meets ${next?.text}`);
      });
    }
  }

  /** Everything is given back. */
  checkEmpty(nowMs: number): void {
    const { projects, joins, grants, pools } = this.ledger;
    check(projects.size === 0, `projects ${[...projects.keys()]} are left`);
    check(joins.size === 0, `joins ${[...joins.keys()]} are left`);
    const { inForce } = grants;
    check(inForce.length === 0, () => `grants are left: ${inForce.join('; ')}`);
    for (const [name, pool] of pools) {
      check(!name.includes('.'), `pool ${name} is left`);
      pool.checkUnused();
      const { total, reserved, free } = pool.counts(nowMs);
      const isFree = BigInt(total) === BigInt(reserved) + BigInt(free);
      check(isFree, `pool ${name} does not come back to its reservations`);
    }
  }
}
