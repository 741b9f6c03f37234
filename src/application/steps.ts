import type { Logger } from 'pino';
import { limits } from '../limits.ts';

/** One piece of work between streams. Doing it twice does no harm. */
export type Step = () => Promise<void>;

interface Waiting {
  step: Step;
  failures: number;
  tried: () => void;
}

/**
 * Steps between streams, each known by a key: asked for again while it waits, it is done once. A
 * few are under way at once, and one that fails goes to the back and is tried again after a while,
 * so that no project's trouble holds up the others.
 */
export class Steps {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /** Has a step done. Resolves when it has been tried once, whether or not it worked. */
  add(key: string, step: Step): Promise<void> {
    return new Promise((resolve) => this.#enqueue(key, { step, failures: 0, tried: resolve }));
  }

  /** Lets running steps end and forgets the rest: a later start finds them in the log. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { tried } of this.#waiting.values()) tried();
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #enqueue(key: string, waiting: Waiting): void {
    const same = this.#waiting.get(key);
    if (this.#closed) {
      waiting.tried();
    } else if (same === undefined) {
      this.#waiting.set(key, waiting);
    } else {
      const { tried } = same;
      same.tried = () => {
        tried();
        waiting.tried();
      };
    }
    this.#next();
  }

  #next(): void {
    for (const [key, waiting] of this.#waiting) {
      if (this.#running.size >= limits.stepsAtOnceMax) return;
      // What is asked for while it is being done may have to see more: it is done once more.
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.set(key, this.#run(key, waiting));
    }
  }

  async #run(key: string, { step, failures, tried }: Waiting): Promise<void> {
    try {
      await step();
    } catch (err) {
      this.#log.warn({ err, key, failures }, 'a step between streams failed and is tried again');
      this.#later(key, { step, failures: failures + 1, tried: () => {} });
    }
    tried();
    this.#running.delete(key);
    this.#next();
  }

  #later(key: string, waiting: Waiting): void {
    if (this.#closed) return;
    const { ownRetryDelayMsMin, ownRetryDelayMsMax } = limits;
    const grown = ownRetryDelayMsMin * 2 ** Math.min(waiting.failures, 16);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#enqueue(key, waiting);
      },
      Math.min(grown, ownRetryDelayMsMax),
    );
    timer.unref();
    this.#timers.add(timer);
  }
}
