import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { compareViews } from '../../src/verify/compare-views.ts';
import { loggedEvent } from './chains.ts';
import { check } from './check.ts';
import { Clients } from './clients.ts';
import { type FaultRates, type Network, NO_FAULTS } from './connection.ts';
import { LedgerProcess } from './ledger-process.ts';
import { smallPlan } from './plans.ts';
import { EXTRA_POOLS, PROJECTS } from './random-commands.ts';
import { Reading } from './reading.ts';
import { Seeded } from './seeded.ts';
import { VirtualTime } from './virtual-time.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const COMMANDS = 600;
const IN_FLIGHT_MAX = 24;
const PROCESSES_MAX = 3;
const A_MINUTE_MS = 60_000;
const SETTLE_MS = 10 * A_MINUTE_MS;
const DELETION_ROUNDS_MAX = 30;
/** How often all rows are compared when something has changed. */
const COMPARED_SHARE = 0.1;
/** Turns of the event loop that no settling may need: something would be going round for ever. */
const SETTLE_TURNS_MAX = 2_000_000;

/** What an episode was, in numbers. */
export interface Told {
  readonly commands: number;
  readonly turns: number;
  readonly events: number;
  readonly crashes: number;
  readonly outcomes: ReadonlyMap<string, number>;
}

/**
 * One life of a ledger, from an empty log until everything is given back: several processes on one
 * store, many clients, and all that can go wrong between them, in the order that a seed gives.
 */
export class Episode {
  readonly #random: Seeded;
  readonly #time: VirtualTime;
  readonly #network: Network;
  readonly #reading: Reading;
  readonly #clients: Clients;
  readonly #plan: ReturnType<typeof smallPlan>;
  readonly #deletions = new Set<string>();
  #processes: LedgerProcess[] = [];
  readonly #trace: ((line: string) => void) | undefined;
  #started = 0;
  #crashes = 0;
  #fault: { readonly error: unknown } | undefined;
  #clockOffMs = 0;

  constructor(seed: number, trace?: (line: string) => void) {
    this.#trace = trace;
    this.#random = new Seeded(seed);
    this.#time = new VirtualTime(START, this.#random);
    this.#plan = smallPlan(this.#random);
    this.#reading = new Reading(PROJECTS, (commandId) => this.#deletions.has(commandId));
    const clock = () => new Date(this.#time.nowMs + this.#clockOffMs);
    this.#network = {
      time: this.#time,
      random: this.#random,
      store: new MemoryStore({ clock }),
      faults: this.#someFaults(),
      awayUntilMs: 0,
      onStored: (events, { position }) => this.#onStored(events, position),
    };
    const onFault = (error: unknown) => this.#onFault(error);
    const parts = { time: this.#time, random: this.#random, reading: this.#reading, onFault };
    this.#clients = new Clients({ ...parts, deletions: this.#deletions });
  }

  /** Plays it to its end. Rejects with the first thing that the ledger must never do. */
  async play(): Promise<Told> {
    const uninstall = this.#time.install();
    try {
      await this.#live();
      await this.#settle();
      await this.#checkSettled();
      await this.#giveEverythingBack();
    } finally {
      for (const process of this.#processes) process.crash();
      uninstall();
    }
    const { turns } = this.#time;
    const { answered: commands, outcomes } = this.#clients;
    const events = this.#reading.chains.length;
    return { commands, turns, events, crashes: this.#crashes, outcomes };
  }

  /** Where it is: for the report of a failure. */
  get place(): string {
    const { turns, nowMs } = this.#time;
    const at = new Date(nowMs).toISOString();
    return `turn ${turns}, ${at}, after ${this.#reading.chains.length} events`;
  }

  #someFaults(): FaultRates {
    const random = this.#random;
    const scale = random.pick([0, 0.2, 1, 1, 3]);
    const rate = (most: number) => random.next() * most * scale;
    return {
      ...{ lost: rate(0.03), answerLost: rate(0.03), late: rate(0.03) },
      ...{ repeated: rate(0.05), full: rate(0.02), unread: rate(0.03), slow: rate(0.05) },
    };
  }

  async #live(): Promise<void> {
    const random = this.#random;
    const clients = this.#clients;
    let begun = 0;
    while (begun < COMMANDS) {
      this.#disturb();
      const serving = this.#serving;
      const room = IN_FLIGHT_MAX - clients.inFlightOf(serving);
      if (serving.length > 0 && room > 0) {
        const burst = Math.min(room, random.pick([0, 1, 1, 2, 5, 12]));
        for (let n = 0; n < burst; n += 1) clients.sendOne(random.pick(serving));
        begun += burst;
      }
      const untilMs = this.#time.nowMs + random.pick([0, 1, 5, 50, 400]);
      for (let turns = random.below(60); turns > 0; turns -= 1) {
        if (!(await this.#turn(untilMs))) break;
      }
    }
  }

  /** Crashes, starts, clocks that jump, a store that goes away. */
  #disturb(): void {
    const random = this.#random;
    const alive = this.#alive;
    if (alive.length === 0 || (alive.length < PROCESSES_MAX && random.chance(0.03))) this.#start();
    if (random.chance(0.008) && alive.length > 0) this.#crash(random.pick(alive));
    if (random.chance(0.01) && alive.length > 0) {
      random.pick(alive).clockOffMs = random.chance(0.5) ? 0 : random.between(-20_000, 20_000);
    }
    if (random.chance(0.004)) this.#clockOffMs = random.between(-5_000, 5_000);
    if (random.chance(0.003)) {
      this.#network.awayUntilMs = this.#time.nowMs + random.between(10, 8_000);
    }
    if (random.chance(0.01)) this.#network.faults = this.#someFaults();
    if (random.chance(0.02)) this.#pass(random.between(1_000, 40_000));
  }

  /** Time goes by in which nobody is given a turn: machines sleep, and networks stand still. */
  #pass(ms: number): void {
    this.#time.nowMs += ms;
  }

  #start(): void {
    this.#started += 1;
    const process = new LedgerProcess(`ledger-${this.#started}`, {
      network: this.#network,
      plan: this.#plan,
      onFault: (fault) => this.#onFault(fault),
    });
    this.#trace?.(`${process.owner} starts`);
    this.#processes.push(process);
    process.start();
  }

  #crash(process: LedgerProcess): void {
    this.#trace?.(`${process.owner} crashes`);
    process.crash();
    this.#crashes += 1;
  }

  get #alive(): LedgerProcess[] {
    this.#processes = this.#processes.filter(({ state }) => state !== 'gone');
    return this.#processes;
  }

  get #serving(): LedgerProcess[] {
    return this.#alive.filter(({ state }) => state === 'serving');
  }

  /** One turn, and whether anything has gone wrong in it. */
  async #turn(untilMs: number): Promise<boolean> {
    const wasTaken = await this.#time.turn(untilMs);
    if (this.#fault !== undefined) throw this.#fault.error;
    this.#checkCounts();
    return wasTaken;
  }

  /** Lets everything that is begun come to its end, with nothing in its way. */
  async #settle(forMs = SETTLE_MS): Promise<void> {
    const network = this.#network;
    network.faults = NO_FAULTS;
    network.awayUntilMs = 0;
    this.#clockOffMs = 0;
    for (const process of this.#alive) process.clockOffMs = 0;
    if (this.#alive.length === 0) this.#start();
    await this.#run(this.#time.nowMs + forMs);
    check(this.#serving.length > 0, 'no ledger serves, though nothing is in its way');
  }

  async #run(untilMs: number): Promise<void> {
    const bound = this.#time.turns + SETTLE_TURNS_MAX;
    while (await this.#turn(untilMs)) {
      check(this.#time.turns < bound, 'the ledgers do not come to rest');
    }
  }

  #onFault(error: unknown): void {
    this.#fault ??= { error };
  }

  #onStored(events: Parameters<Network['onStored']>[0], position: bigint): void {
    try {
      // An append that was there already is acknowledged with its old numbers.
      if (position <= BigInt(this.#reading.chains.length)) return;
      const logged = events.map(loggedEvent);
      for (const { stream, revision, type, data } of this.#trace === undefined ? [] : logged) {
        this.#trace?.(`${stream} ${revision} ${type} ${JSON.stringify(data)}`);
      }
      this.#reading.read(logged);
    } catch (error) {
      this.#onFault(error);
    }
  }

  /**
   * Invariant 3: the counts of the views are those of the log, and add up. They are told as of the
   * reader's clock; of instants before the latest decision they say nothing sure.
   */
  #checkCounts(): void {
    const { chains, ledger, naive } = this.#reading;
    const { touched, pools } = ledger;
    if (touched.size === 0) return;
    for (const process of this.#serving) {
      const { views } = process.parts;
      if (views.position !== BigInt(chains.length)) continue;
      if (process.clock().toISOString() < naive.latestAt) continue;
      for (const name of touched) checkPool(process, name, pools.get(name));
      touched.clear();
      if (this.#random.chance(COMPARED_SHARE)) this.#compareViews(process);
      return;
    }
  }

  /** Invariant 7: the views show what the log says. */
  #compareViews({ owner, parts }: LedgerProcess): void {
    const [difference] = compareViews(parts.file.database, this.#reading.naive);
    check(difference === undefined, () => `views of ${owner}: ${JSON.stringify(difference)}`);
  }

  /** What holds when nothing is under way, whatever has happened before. */
  async #checkSettled(): Promise<void> {
    this.#reading.checkDomains();
    await this.#checkServed();
    await this.#checkViews();
  }

  /** Nobody is left waiting who could be met. */
  async #checkServed(): Promise<void> {
    const [process] = this.#serving as [LedgerProcess];
    for (const [project, { causes }] of this.#reading.ledger.projects) {
      const command = { type: 'ServeWaiting', causes: undefined } as const;
      const asked = this.#clients.ask(process, { project, command });
      await this.#run(this.#time.nowMs + A_MINUTE_MS);
      const answer = await asked;
      check(answer?.outcome === 'decided', `${project} cannot be served`);
      const served = answer.events.filter(({ type }) => type !== 'ClaimQueued');
      const isLeft = served.some(({ type }) => type.startsWith('Interface'));
      check(!isLeft, () => `${project} was left waiting for ${causes}: ${JSON.stringify(served)}`);
    }
  }

  /** Invariant 7: whoever reads the log has the same views, row by row. */
  async #checkViews(): Promise<void> {
    this.#start();
    await this.#run(this.#time.nowMs + A_MINUTE_MS);
    const [first, ...others] = this.#serving as [LedgerProcess, ...LedgerProcess[]];
    const rows = first.rows();
    const { chains, ledger } = this.#reading;
    const { pools, projects } = ledger;
    check(first.parts.views.position === BigInt(chains.length), 'the views are behind');
    for (const other of others) {
      const theirs = other.rows();
      const at = rows.findIndex((row, index) => row !== theirs[index]);
      const isSame = at < 0 && rows.length === theirs.length;
      check(isSame, () => `${first.owner} has ${rows[at]}, ${other.owner} ${theirs[at]}`);
    }
    this.#compareViews(first);
    for (const [name, pool] of pools) checkPool(first, name, pool);
    for (const [project] of projects) {
      for (const kind of ['NetworkInterfaceClaim', 'NetworkInterface', 'Network']) {
        const { items } = first.parts.views.list(kind, { namespace: project, limit: 1_000 });
        for (const { text } of items) {
          const foreign = this.#reading.foreignName(project, text);
          check(foreign === undefined, () => `${kind} of ${project} tells of ${foreign}`);
        }
      }
    }
  }

  /** Deletes everything; what is left in the end is what was there in the beginning. */
  async #giveEverythingBack(): Promise<void> {
    for (let round = 0; this.#reading.ledger.projects.size > 0; round += 1) {
      const left = [...this.#reading.ledger.projects.keys()];
      check(round < DELETION_ROUNDS_MAX, `projects ${left} cannot be deleted`);
      await this.#deleteOnce();
    }
    await this.#deletePools();
    for (const process of this.#alive) process.crash();
    this.#start();
    await this.#settle();
    const [process] = this.#serving as [LedgerProcess];
    const open = process.parts.views.openGrants();
    check(open.length === 0, () => `grants are open: ${JSON.stringify(open)}`);
    this.#reading.checkEmpty(process.clock().getTime());
    this.#checkCounts();
  }

  /** Quarantines end, then the pools go, a child before its parent. */
  async #deletePools(): Promise<void> {
    await this.#settle();
    const [process] = this.#serving as [LedgerProcess];
    for (const name of EXTRA_POOLS.toReversed()) {
      const pool = { type: 'DeletePool', name, expect: {} } as const;
      const asked = this.#clients.ask(process, { project: undefined, pool });
      await this.#run(this.#time.nowMs + A_MINUTE_MS);
      const answer = await asked;
      check(
        !this.#reading.ledger.pools.has(name),
        () => `${name} stays: ${JSON.stringify(answer)}`,
      );
    }
  }

  async #deleteOnce(): Promise<void> {
    const [process] = this.#serving as [LedgerProcess];
    const { views } = process.parts;
    for (const project of this.#reading.ledger.projects.keys()) {
      const kinds = ['NetworkInterfaceClaim', 'NetworkInterface', 'NetworkContext', 'Network'];
      const named = (kind: string) => {
        return views.list(kind, { namespace: project, limit: 1_000 }).items;
      };
      for (const kind of kinds) {
        for (const { name, object } of named(kind)) {
          if ((object.metadata.finalizers ?? []).length === 0) continue;
          const change = { type: 'ChangeMetadata', kind, name, expect: {}, metadata: {} } as const;
          this.#clients.ask(process, { project, command: change });
        }
      }
      for (const { name } of named('NetworkInterfaceClaim')) {
        this.#clients.ask(process, { project, command: { type: 'DeleteClaim', name, expect: {} } });
      }
      for (const { name } of named('IPClaim')) {
        const command = { type: 'DeleteIPClaim', name, expect: {} } as const;
        this.#clients.ask(process, { project, command });
      }
      for (const name of this.#reading.ledger.projects.get(project)?.blocks.allocations.keys() ??
        []) {
        const command = { type: 'DeleteIPAllocation', name, expect: {} } as const;
        this.#clients.ask(process, { project, command });
      }
      for (const { name } of named('NetworkInterface')) {
        const command = { type: 'DeleteInterface', name, expect: {} } as const;
        this.#clients.ask(process, { project, command });
      }
      await this.#run(this.#time.nowMs + 1_000);
      const command = { type: 'DeleteNamespace', expect: {} } as const;
      this.#clients.ask(process, { project, command });
    }
    await this.#run(this.#time.nowMs + A_MINUTE_MS);
  }
}

function checkPool(
  process: LedgerProcess,
  name: string,
  pool: ReturnType<Reading['ledger']['pools']['get']>,
): void {
  const told = process.parts.views.poolCounts(name);
  const counted = pool?.counts(process.clock().getTime());
  const text = (one: object | undefined) => JSON.stringify(Object.entries(one ?? {}).toSorted());
  check(text(told) === text(counted), () => {
    return `pool ${name} has ${text(counted)}, the views of ${process.owner} say ${text(told)}`;
  });
}
