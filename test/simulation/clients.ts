import type { Ledger } from '../../src/application/ledger.ts';
import type { LedgerAnswer, LedgerRequest } from '../../src/application/request.ts';
import { check } from './check.ts';
import { isExpected, type LedgerProcess } from './ledger-process.ts';
import { type ClientCommand, EXTRA_POOLS, RandomCommands } from './random-commands.ts';
import type { Reading } from './reading.ts';
import type { Seeded } from './seeded.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A command that a client has sent, and may send again. */
export interface Sent {
  readonly of: ClientCommand;
  readonly request: LedgerRequest;
  /** How often it has been sent. */
  times: number;
  /** Whether the ledger has acknowledged it. */
  isAcknowledged: boolean;
}

const SENT_KEPT = 50;
const PROJECT = 'addressSpace-project.';
const PLATFORM = 'addressSpace-platform';
const POOL = 'addressSpace-pool.';

/** Commands that may end what is retained. */
const DELETIONS = ['DeleteInterface', 'DeleteIPAllocation', 'ChangeMetadata'];

/** Commands whose repetition is told by their key. */
const keyOf = (commandId: string) => ({ key: commandId, requestHash: commandId, code: 201 });

function commandOf(of: ClientCommand): { readonly type: string } {
  return 'pool' in of ? of.pool : of.command;
}

function streamOf(of: ClientCommand): string {
  if (of.project !== undefined) return PROJECT + of.project;
  if (!('pool' in of)) return PLATFORM;
  const { name } = of.pool;
  return POOL + (name === EXTRA_POOLS[1] ? EXTRA_POOLS[0] : name);
}

function carryOut(ledger: Ledger, { of, request }: Sent): Promise<LedgerAnswer> {
  if (of.project !== undefined) return ledger.project(of.project, of.command, request);
  if ('pool' in of) return ledger.authoredPool(of.pool, request);
  return ledger.platform(of.command, request);
}

/**
 * The clients of the ledgers. They hold every answer against the log: what was acknowledged is
 * there, what was refused is not, and nothing of another project is told.
 */
export class Clients {
  readonly #time: VirtualTime;
  readonly #random: Seeded;
  readonly #reading: Reading;
  readonly #commands: RandomCommands;
  readonly #onFault: (fault: unknown) => void;
  readonly #sent: Sent[] = [];
  readonly #deletions: Set<string>;
  /** Commands without an answer, by the process that was asked. */
  readonly #inFlight = new Map<LedgerProcess, number>();
  answered = 0;
  readonly outcomes = new Map<string, number>();

  constructor(parts: {
    time: VirtualTime;
    random: Seeded;
    reading: Reading;
    onFault: (fault: unknown) => void;
    /** Is given the ids of commands that may end what is retained. */
    deletions: Set<string>;
  }) {
    this.#time = parts.time;
    this.#random = parts.random;
    this.#reading = parts.reading;
    this.#onFault = parts.onFault;
    this.#deletions = parts.deletions;
    this.#commands = new RandomCommands(parts.random);
  }

  /** Sends a new command, or one that was sent before, to a process that serves. */
  sendOne(process: LedgerProcess): void {
    const random = this.#random;
    const old = random.chance(0.1) && this.#sent.length > 0 ? random.pick(this.#sent) : undefined;
    if (old !== undefined) {
      this.send(process, old);
      return;
    }
    const of = this.#commands.next(process.parts.views);
    const dryRun = random.chance(0.04);
    // A pool's command with a key is told apart by the views alone, before the ledger is asked.
    const mayBeKeyed = !dryRun && !('pool' in of);
    const sent = this.#begin(of, dryRun, mayBeKeyed && random.chance(0.3));
    if (sent.request.idempotency !== undefined) {
      this.#sent.push(sent);
      if (this.#sent.length > SENT_KEPT) this.#sent.shift();
    }
    this.send(process, sent);
  }

  /** Sends a command and resolves with its answer; undefined when the ledger could not answer. */
  ask(process: LedgerProcess, of: ClientCommand): Promise<LedgerAnswer | undefined> {
    return this.send(process, this.#begin(of, false, false));
  }

  send(process: LedgerProcess, sent: Sent): Promise<LedgerAnswer | undefined> {
    const { ledger } = process.parts;
    const begin = this.#inFlight.get(process) ?? 0;
    this.#inFlight.set(process, begin + 1);
    sent.times += 1;
    const { isAcknowledged } = sent;
    return new Promise((resolve) => {
      this.#time.post(process.owner, async () => {
        let answer: LedgerAnswer | undefined;
        try {
          answer = await carryOut(ledger, sent);
          this.#judge(process, sent, answer, isAcknowledged);
        } catch (fault) {
          if (!isExpected(fault)) this.#onFault(fault);
        }
        this.#inFlight.set(process, (this.#inFlight.get(process) ?? 1) - 1);
        this.answered += 1;
        this.#count(sent, answer);
        resolve(answer);
      });
    });
  }

  /** Commands that somebody may still answer. */
  inFlightOf(processes: readonly LedgerProcess[]): number {
    return processes.reduce((sum, process) => sum + (this.#inFlight.get(process) ?? 0), 0);
  }

  #begin(of: ClientCommand, dryRun: boolean, isKeyed: boolean): Sent {
    const commandId = this.#random.uuid();
    const actor = { issuer: 'simulation', subject: 'client', role: 'operator' };
    const key = isKeyed ? { idempotency: keyOf(commandId) } : {};
    const request = { commandId, correlationId: commandId, actor, dryRun, ...key };
    if (DELETIONS.includes(commandOf(of).type)) this.#deletions.add(commandId);
    return { of, request, times: 0, isAcknowledged: false };
  }

  #judge(process: LedgerProcess, sent: Sent, answer: LedgerAnswer, isAcknowledged: boolean): void {
    const { project } = sent.of;
    const { commandId, dryRun } = sent.request;
    const stream = streamOf(sent.of);
    const logged = this.#reading.chains.eventsOf(stream, commandId);
    if (answer.outcome === 'rejected') {
      // Of two that are under way at once one may be refused and the other carried out after it.
      const isUndone = logged.length === 0 || (sent.times > 1 && !isAcknowledged);
      const { reason, message } = answer.rejection;
      check(isUndone, () => {
        return `${this.#nameOf(sent)} stands in the log and is refused: ${reason}, ${message}`;
      });
      if (project !== undefined) this.#checkIsolated(project, JSON.stringify(answer.rejection));
      return;
    }
    const { views } = process.parts;
    check(views.position >= answer.position, 'an answer comes before the views show it');
    check(answer.stream === stream, `${stream} is asked and ${answer.stream} answers`);
    if (dryRun) {
      check(logged.length === 0, () => `the dry run of ${this.#nameOf(sent)} stands in the log`);
      return;
    }
    if (answer.outcome === 'repeated') {
      check(logged.length > 0, () => `${this.#nameOf(sent)} was never carried out`);
      check(answer.requestHash === commandId, 'the answer is another command’s');
      check(answer.revision === logged.at(-1)?.revision, 'it was carried out at another revision');
      sent.isAcknowledged = true;
      return;
    }
    this.#checkAcknowledged(sent, answer, stream);
    if (logged.length > 0) sent.isAcknowledged = true;
  }

  /** Invariant 9: an acknowledged answer is in the log. */
  #checkAcknowledged(
    sent: Sent,
    answer: Extract<LedgerAnswer, { outcome: 'decided' }>,
    stream: string,
  ): void {
    const { events, revision, firstRevision } = answer;
    if (events.length === 0) return;
    const logged = this.#reading.chains.eventsOf(stream, sent.request.commandId);
    const name = () => this.#nameOf(sent);
    check(logged.length === events.length, () => `${name()} is acknowledged and not in the log`);
    check(logged[0]?.revision === firstRevision, () => `${name()} begins elsewhere`);
    check(logged.at(-1)?.revision === revision, () => `${name()} ends elsewhere`);
    logged.forEach(({ type, data }, index) => {
      const told = JSON.stringify([events[index]?.type, events[index]?.data]);
      const isSame = told === JSON.stringify([type, data]);
      check(isSame, () => `${name()} is answered with ${told}, which is not what is in the log`);
    });
    if (sent.of.project !== undefined) {
      this.#checkIsolated(sent.of.project, JSON.stringify(events));
    }
  }

  /** Invariant 8: nothing of one project is in another's answers. */
  #checkIsolated(project: string, text: string): void {
    const foreign = this.#reading.foreignName(project, text);
    check(foreign === undefined, () => `an answer to ${project} tells of ${foreign}: ${text}`);
  }

  #nameOf({ of, request }: Sent): string {
    return `${commandOf(of).type} ${request.commandId} of ${of.project ?? 'the platform'}`;
  }

  #count({ of }: Sent, answer: LedgerAnswer | undefined): void {
    const outcome = answer === undefined ? 'unavailable' : answer.outcome;
    const detail = answer?.outcome === 'rejected' ? ` ${answer.rejection.reason}` : '';
    const key = `${commandOf(of).type} ${outcome}${detail}`;
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
  }
}
