/** Bounds of a histogram's buckets in seconds, for what takes from a fraction of a ms to long. */
export const SECONDS: readonly number[] = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];

/** How often something has happened, told apart by one label where it has one. */
export class Counter {
  readonly #counts = new Map<string, number>();

  /** Values that are shown from the beginning on, with 0. */
  constructor(values: readonly string[] = ['']) {
    for (const value of values) this.#counts.set(value, 0);
  }

  count(value = ''): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

/** How many of what was measured were at most so large. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[] = SECONDS) {
    this.#bounds = bounds;
    this.#counts = Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found === -1 ? this.#bounds.length : found;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sum += value;
  }

  /** The lines of the Prometheus text format. */
  lines(name: string): string[] {
    let count = 0;
    const buckets = [...this.#bounds, '+Inf'].map((bound, index) => {
      count += this.#counts[index] as number;
      return `${name}_bucket{le="${bound}"} ${count}`;
    });
    return [...buckets, `${name}_sum ${this.#sum}`, `${name}_count ${count}`];
  }
}

interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly lines: (name: string) => string[] | Promise<string[]>;
}

/** What is measured in this process, as the text format of Prometheus. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  counter(name: string, help: string, counter: Counter, label = ''): void {
    const lines = () =>
      [...counter.counts].map(([value, count]) =>
        label === '' ? `${name} ${count}` : `${name}{${label}="${value}"} ${count}`,
      );
    this.#metrics.set(name, { type: 'counter', help, lines });
  }

  histogram(name: string, help: string, histogram: Histogram): void {
    this.#metrics.set(name, { type: 'histogram', help, lines: (shown) => histogram.lines(shown) });
  }

  /** A value that is looked up when it is asked for; undefined leaves it out. */
  gauge(
    name: string,
    help: string,
    read: () => number | bigint | undefined | Promise<number | bigint | undefined>,
  ): void {
    const lines = async () => {
      const value = await read();
      return value === undefined ? [] : [`${name} ${value}`];
    };
    this.#metrics.set(name, { type: 'gauge', help, lines });
  }

  async text(): Promise<string> {
    const parts = [...this.#metrics].map(async ([name, { type, help, lines }]) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...(await lines(name)), ''].join('\n'),
    );
    return (await Promise.all(parts)).join('');
  }
}
