import { Ledger } from '../../src/application/ledger.ts';
import { Recovery } from '../../src/application/recovery.ts';
import { LedgerUnavailable } from '../../src/application/request.ts';
import type { AddressingPlan } from '../../src/ledger/plan.ts';
import { StoreFull, StoreUnavailable, WrongExpectedRevision } from '../../src/store/store.ts';
import { FollowingViews } from '../../src/views/following-views.ts';
import { ViewsBehind } from '../../src/views/views.ts';
import { ViewsFile } from '../../src/views/views-file.ts';
import { Connection, type Network } from './connection.ts';
import type { Owner } from './virtual-time.ts';

/** What goes wrong when the store does, and is no mistake of the program. */
const EXPECTED = [
  LedgerUnavailable,
  StoreFull,
  StoreUnavailable,
  ViewsBehind,
  WrongExpectedRevision,
];

export function isExpected(fault: unknown): boolean {
  return EXPECTED.some((known) => fault instanceof known);
}

/** What a process is started with. */
export interface Surroundings {
  readonly network: Network;
  readonly plan: AddressingPlan;
  /** Is told what a correct program never meets. */
  readonly onFault: (fault: unknown) => void;
}

/** The parts of a ledger that serves. */
interface Serving {
  readonly ledger: Ledger;
  readonly views: FollowingViews;
  readonly recovery: Recovery;
  readonly file: ViewsFile;
}

/**
 * One process of the ledger, from the application inwards: its ledger, views and recovery, its own
 * clock, and its way to the common store.
 */
export class LedgerProcess {
  readonly owner: Owner;
  /** How far its clock is off. */
  clockOffMs = 0;
  state: 'starting' | 'serving' | 'gone' = 'starting';
  #parts: Serving | undefined;
  readonly #surroundings: Surroundings;
  readonly #connection: Connection;

  constructor(owner: Owner, surroundings: Surroundings) {
    this.owner = owner;
    this.#surroundings = surroundings;
    this.#connection = new Connection(surroundings.network, owner);
  }

  readonly clock = (): Date => new Date(this.#surroundings.network.time.nowMs + this.clockOffMs);

  get parts(): Serving {
    if (this.#parts === undefined) throw new Error(`${this.owner} does not serve`);
    return this.#parts;
  }

  /** Starts it; one that cannot start for want of the store is gone again. */
  start(): void {
    const { network, onFault } = this.#surroundings;
    network.time.post(this.owner, () => {
      this.#open().catch((fault) => {
        if (!isExpected(fault)) onFault(fault);
        this.crash();
      });
    });
  }

  /** Ends it in the middle of whatever it does. */
  crash(): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.#surroundings.network.time.kill(this.owner);
    this.#connection.cut();
    this.#parts?.file.close();
  }

  /** All rows of its views. */
  rows(): string[] {
    const { database } = this.parts.file;
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all() as { name: string }[];
    return tables.flatMap(({ name }) => {
      const statement = database.prepare(`SELECT * FROM "${name}"`);
      statement.setReadBigInts(true);
      return statement
        .all()
        .map((row) => `${name} ${JSON.stringify(row, (_, value) => plain(value))}`)
        .toSorted();
    });
  }

  async #open(): Promise<void> {
    const { network, plan, onFault } = this.#surroundings;
    const store = this.#connection;
    const { clock } = this;
    const log = this.#log();
    const head = await store.head();
    const file = ViewsFile.create(undefined);
    const views = new FollowingViews(file, head, { store, clock, log });
    views.fault.then(onFault);
    const ledger = await Ledger.open(
      {
        ...{ store, log, clock, newId: network.random.uuid, random: network.random.next },
        viewed: (position) => views.reached(position),
        answered: (commandId) => views.answered(commandId),
      },
      plan,
      false,
    );
    await views.ready;
    const recovery = new Recovery({ ledger, views, log, clock });
    views.onApplied((events) => recovery.react(events));
    this.#parts = { ledger, views, recovery, file };
    await recovery.start();
    this.state = 'serving';
  }

  /** A log that nobody reads, but for what should not be in it. */
  #log() {
    const quiet = () => {};
    const judge = (entry: { readonly err?: unknown }) => {
      if (entry.err !== undefined && !isExpected(entry.err)) this.#surroundings.onFault(entry.err);
    };
    return { debug: quiet, info: quiet, warn: judge, error: judge, fatal: judge } as never;
  }
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
