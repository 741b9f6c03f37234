import type { SqlValue, Write } from './projection.ts';

/**
 * Runs of statements that write rows, as one flat list: each run's statement, how many values it
 * has, and these. To clone a list for each of them for another thread would cost more than writing.
 */
export class RunList {
  readonly items: SqlValue[];
  #length = 0;

  /** Begins with the items of another one, as another thread has sent them. */
  constructor(items: SqlValue[] = []) {
    this.items = items;
  }

  /** How many have been added. */
  get length(): number {
    return this.#length;
  }

  /** Adds a run of the statement at this place among all that write rows. */
  add(statement: number, write: Write): void {
    this.#length += 1;
    this.items.push(statement, write.length - 1);
    for (let at = 1; at < write.length; at += 1) {
      const value = write[at] as SqlValue;
      this.items.push(typeof value === 'bigint' ? shortest(value) : value);
    }
  }

  /** Gives the runs in their order. */
  forEach(run: (statement: number, values: SqlValue[]) => void): void {
    const { items } = this;
    for (let at = 0; at < items.length; ) {
      const first = at + 2;
      const end = first + (items[at + 1] as number);
      run(items[at] as number, items.slice(first, end));
      at = end;
    }
  }
}

/** Numbers are cloned at less cost, where they hold a position exactly. */
function shortest(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
