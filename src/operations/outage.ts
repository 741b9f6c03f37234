import type { Logger } from 'pino';
import { limits } from '../limits.ts';

/**
 * Tells people once when the store goes away and once when it is back, however many calls fail
 * meanwhile; one that comes and goes is told of now and then.
 */
export class Outage {
  readonly #log: Pick<Logger, 'warn' | 'info'>;
  readonly #clock: () => Date;
  #calls = 0;
  /** The newest call that had begun when one failed: what began later tells that it is over. */
  #failedAt = -1;
  #beganMs: number | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #isTold = false;
  #failures = 0;
  /** How often the store has gone away. */
  count = 0;

  constructor(log: Pick<Logger, 'warn' | 'info'>, clock: () => Date) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Whether the store was away when it was last asked. */
  get isOn(): boolean {
    return this.#beganMs !== undefined;
  }

  /** A call begins; its number is given back with its answer. */
  begin(): number {
    this.#calls += 1;
    return this.#calls;
  }

  answered(call: number): void {
    if (this.#beganMs === undefined || call <= this.#failedAt) return;
    const awayMs = this.#clock().getTime() - this.#beganMs;
    if (this.#isTold) this.#log.info({ awayMs, failures: this.#failures }, 'the store is back');
    this.#beganMs = undefined;
    this.#isTold = false;
    this.#failures = 0;
  }

  failed(fault: Error): void {
    const nowMs = this.#clock().getTime();
    this.#failedAt = this.#calls;
    this.#failures += 1;
    if (this.#beganMs === undefined) {
      this.#beganMs = nowMs;
      this.count += 1;
    }
    if (this.#isTold || nowMs - this.#toldMs < limits.repeatedWarningMs) return;
    this.#isTold = true;
    this.#toldMs = nowMs;
    const { message: reason } = fault;
    this.#log.warn({ reason }, 'the store is away: commands are answered 503 until it is back');
  }
}
