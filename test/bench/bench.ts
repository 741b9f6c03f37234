/** A figure, with what it is measured against in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: { readonly name: string; readonly value: number };
  /** What is aimed for: of the value, or of its ratio to the baseline. */
  readonly target?: { readonly of: 'value' | 'ratio'; readonly atLeast?: number; atMost?: number };
}

/** What a bench is given. */
export interface Setting {
  /** Small sizes and short times: whether it works, not how fast it is. */
  readonly quick: boolean;
  /** Tells what is being done now. */
  readonly say: (text: string) => void;
  /** A new directory, which is removed in the end. */
  readonly newDirectory: () => string;
  /**
   * A data directory whose log has so many interfaces, all deleted and made again so many times;
   * made once for all benches.
   */
  readonly populated: (interfaces: number, rounds?: number) => Promise<PopulatedLog>;
}

export interface PopulatedLog {
  readonly directory: string;
  readonly interfaces: number;
  readonly projects: number;
  readonly events: number;
}

export interface Bench {
  readonly name: string;
  run(setting: Setting): Promise<Figure[]>;
}

/** Value divided by baseline. */
export function ratioOf({ value, baseline }: Figure): number | undefined {
  return baseline && value / baseline.value;
}

/** Whether a target is reached; undefined where there is none. */
export function isReached(figure: Figure): boolean | undefined {
  const { target } = figure;
  if (target === undefined) return undefined;
  const value = target.of === 'ratio' ? (ratioOf(figure) ?? Number.NaN) : figure.value;
  return value >= (target.atLeast ?? -Infinity) && value <= (target.atMost ?? Infinity);
}

/** Seconds that work took, by the clock on the wall. */
export async function secondsOf(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1_000;
}

/** The value below which so large a part of the values is. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
