import type { SqlValue, Write } from './projection.ts';

/** A whole number that no number of JSON holds exactly, or one of the long texts. */
type Marked = readonly ['integer', string] | readonly ['text'];
type Item = string | number | null | Marked;

/** Runs on their way to another thread: all but the long texts is one JSON text. */
export interface RunTexts {
  readonly items: string;
  readonly texts: readonly string[];
}

const LONG_CHARS = 200;
const TEXT: Marked = ['text'];

/**
 * Runs of statements that write rows. They are one flat list, of each run's statement, its number of
 * values and these, since cloning them value by value for another thread would cost more than
 * writing them: as a list they go as one JSON text, but for long texts, which go as they are.
 */
export class RunList {
  readonly #items: Item[];
  readonly #texts: string[];
  #runs = 0;

  constructor(items: Item[] = [], texts: string[] = []) {
    this.#items = items;
    this.#texts = texts;
  }

  /** What another thread was told. */
  static read({ items, texts }: RunTexts): RunList {
    return new RunList(JSON.parse(items), texts as string[]);
  }

  /** How many have been added. */
  get runs(): number {
    return this.#runs;
  }

  /** Adds a run of the statement at this place among all that write rows. */
  add(statement: number, write: Write): void {
    this.#runs += 1;
    this.#items.push(statement, write.length - 1);
    for (let at = 1; at < write.length; at += 1) {
      const value = write[at] as SqlValue;
      if (typeof value === 'string' && value.length >= LONG_CHARS) {
        this.#texts.push(value);
        this.#items.push(TEXT);
      } else {
        this.#items.push(itemOf(value));
      }
    }
  }

  /** Gives the runs in their order. */
  forEach(run: (statement: number, values: SqlValue[]) => void): void {
    const items = this.#items;
    let nextText = 0;
    for (let at = 0; at < items.length; ) {
      const statement = items[at] as number;
      const end = at + 2 + (items[at + 1] as number);
      const values: SqlValue[] = [];
      for (at += 2; at < end; at += 1) {
        const item = items[at] as Item;
        if (typeof item !== 'object' || item === null) values.push(item);
        else if (item[0] === 'text') values.push(this.#texts[nextText++] as string);
        else values.push(BigInt(item[1]));
      }
      run(statement, values);
    }
  }

  written(): RunTexts {
    return { items: JSON.stringify(this.#items), texts: this.#texts };
  }
}

/** Positions travel as numbers where these hold them exactly. */
function itemOf(value: SqlValue): Item {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : ['integer', String(value)];
}
