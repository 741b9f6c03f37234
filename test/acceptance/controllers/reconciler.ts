/**
 * Has an object looked at whenever it may have changed: one look at a time, never two for changes
 * that one look sees together, and again a little later when a look fails.
 */
export class Reconciler {
  /** Looks that failed. Some always do, where several write to one object. */
  readonly failures: unknown[] = [];
  readonly #look: (key: string) => Promise<void>;
  readonly #retryMs: number;
  readonly #waiting = new Set<string>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(look: (key: string) => Promise<void>, retryMs = 100) {
    this.#look = look;
    this.#retryMs = retryMs;
  }

  /** Something may have changed. */
  add(key: string): void {
    if (this.#isStopped) return;
    this.#waiting.add(key);
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const retry of this.#retries) clearTimeout(retry);
    await this.#running;
  }

  async #run(): Promise<void> {
    for (const key of this.#waiting) {
      if (this.#isStopped) break;
      this.#waiting.delete(key);
      try {
        await this.#look(key);
      } catch (failure) {
        this.failures.push(failure);
        // Somebody else was first, or the ledger is away: the next look sees how things are then.
        this.#retry(key);
      }
    }
    this.#running = undefined;
  }

  #retry(key: string): void {
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.add(key);
    }, this.#retryMs);
    this.#retries.add(retry);
  }
}
