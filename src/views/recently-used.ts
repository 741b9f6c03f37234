/** Values before the older half of them is forgotten. */
const HALF_MAX = 2_048;

/**
 * What was used last, by key, in two halves: what is used moves to the newer one, and when that is
 * full the older one is dropped. So nothing has to be kept in order.
 */
export class RecentlyUsed<T> {
  #newer = new Map<string, T>();
  #older = new Map<string, T>();

  get(key: string): T | undefined {
    const value = this.#newer.get(key);
    if (value !== undefined) return value;
    const old = this.#older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    if (this.#newer.size >= HALF_MAX) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }

  delete(key: string): void {
    this.#newer.delete(key);
    this.#older.delete(key);
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
