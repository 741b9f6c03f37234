import { limits } from '../limits.ts';
import { objectsIn, type SpaceState } from './aggregate.ts';
import type { Mailbox } from './mailbox.ts';

/**
 * The mailboxes that are in memory, by name. When there are too many of them, or too much in them,
 * those that were used longest ago and are at rest leave, each with a snapshot of its state. What
 * comes due in one of them by itself wakes it again.
 */
export class Residents<S extends SpaceState, C> {
  readonly #open: (name: string) => Mailbox<S, C>;
  readonly #clock: () => Date;
  /** In the order of their last use, the oldest first. */
  readonly #mailboxes = new Map<string, Mailbox<S, C>>();
  /** Those that have left and have something to do later. */
  readonly #alarms = new Map<string, NodeJS.Timeout>();
  readonly #sweep: NodeJS.Timeout;

  constructor(open: (name: string) => Mailbox<S, C>, clock: () => Date) {
    this.#open = open;
    this.#clock = clock;
    this.#sweep = setInterval(() => this.#makeRoom(), limits.evictionMs).unref();
  }

  get names(): string[] {
    return [...this.#mailboxes.keys()];
  }

  /**
   * The mailbox of this name, to be used at once: once the event loop goes on it may have left, and
   * another one has taken its place.
   */
  get(name: string): Mailbox<S, C> {
    const present = this.#mailboxes.get(name);
    if (present !== undefined) {
      this.#mailboxes.delete(name);
      this.#mailboxes.set(name, present);
      return present;
    }
    clearTimeout(this.#alarms.get(name));
    this.#alarms.delete(name);
    // Before it is there: a mailbox that is not used yet is at rest, too.
    if (this.#mailboxes.size >= limits.residentMailboxesMax) this.#makeRoom(1);
    const mailbox = this.#open(name);
    this.#mailboxes.set(name, mailbox);
    return mailbox;
  }

  /** The mailbox of this name, if it is in memory; looking at it is no use of it. */
  peek(name: string): Mailbox<S, C> | undefined {
    return this.#mailboxes.get(name);
  }

  /** A name that has no stream keeps nothing in memory: anybody may ask for any name. */
  dropUnborn(name: string): void {
    const mailbox = this.#mailboxes.get(name);
    if (!mailbox?.isUnborn) return;
    mailbox.idle().then(() => {
      if (mailbox.isIdle && mailbox.isUnborn && this.#mailboxes.get(name) === mailbox) {
        this.#mailboxes.delete(name);
      }
    });
  }

  /** Has everything decided that was accepted, and keeps what is worth it while there is time. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    for (const alarm of this.#alarms.values()) clearTimeout(alarm);
    this.#alarms.clear();
    const mailboxes = [...this.#mailboxes.values()];
    await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
    await this.#keepInTime(mailboxes.reverse());
  }

  /** A snapshot that takes longer goes on being written, and is given up with its file. */
  async #keepInTime(mailboxes: readonly Mailbox<S, C>[]): Promise<void> {
    let isLate = false;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      isLate = true;
      late.resolve();
    }, limits.snapshotsAtCloseMsMax);
    for (const mailbox of mailboxes) {
      if (!isLate) await Promise.race([mailbox.keep(true), late.promise]);
    }
    clearTimeout(timer);
  }

  #makeRoom(coming = 0): void {
    let mailboxes = this.#mailboxes.size + coming;
    let objects = 0;
    for (const { state } of this.#mailboxes.values()) objects += objectsIn(state);
    const { residentMailboxesMax, residentObjectsMax } = limits;
    for (const [name, mailbox] of this.#mailboxes) {
      if (mailboxes <= residentMailboxesMax && objects <= residentObjectsMax) return;
      // The one that is used now stays, however large it is.
      if (mailboxes === 1) return;
      if (!mailbox.isAtRest) continue;
      mailboxes -= 1;
      objects -= objectsIn(mailbox.state);
      this.#evict(name, mailbox);
    }
  }

  #evict(name: string, mailbox: Mailbox<S, C>): void {
    const dueMs = mailbox.nextDueMs;
    mailbox.keep(true);
    mailbox.close();
    this.#mailboxes.delete(name);
    if (dueMs !== undefined) this.#setAlarm(name, dueMs);
  }

  #setAlarm(name: string, dueMs: number): void {
    const delay = Math.max(dueMs - this.#clock().getTime(), 0) + 1;
    const ring = () => {
      this.#alarms.delete(name);
      if (delay > limits.timerMsMax) this.#setAlarm(name, dueMs);
      // A mailbox that cannot read its stream tries again by itself.
      else this.get(name).load().catch(ignore);
    };
    this.#alarms.set(name, setTimeout(ring, Math.min(delay, limits.timerMsMax)).unref());
  }
}

const ignore = () => {};
