import { Episode } from './episode.ts';

export interface SimulationOptions {
  /** Of the first episode; the next ones count up from it. */
  readonly seed: number;
  /** No episode is begun after so long. */
  readonly seconds: number;
  readonly episodes?: number | undefined;
  readonly print: (line: string) => void;
  /** Tell how often which command was answered how. */
  readonly isVerbose?: boolean;
  /** Tell every event that is stored, and every process that starts or crashes. */
  readonly isTraced?: boolean;
}

export interface SimulationResult {
  readonly failure: Error | undefined;
}

/**
 * Plays episode after episode, and stops at the first that fails. An episode depends on its seed
 * alone, so that the one that failed is run again by itself.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, seconds, episodes = Number.POSITIVE_INFINITY, print } = options;
  const { performance } = globalThis;
  const startMs = performance.now();
  const sums = { commands: 0, turns: 0, events: 0, crashes: 0 };
  const outcomes = new Map<string, number>();
  const elapsed = () => (performance.now() - startMs) / 1_000;
  print(`simulation: seed ${seed}`);
  let played = 0;
  for (; played < episodes && (played === 0 || elapsed() < seconds); played += 1) {
    const episode = new Episode(seed + played, options.isTraced ? print : undefined);
    try {
      const told = await episode.play();
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += told[name];
      for (const [name, count] of told.outcomes) {
        outcomes.set(name, (outcomes.get(name) ?? 0) + count);
      }
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      print(`simulation: seed ${seed + played} failed at ${episode.place}: ${failure.stack}`);
      print(`again: npm run simulate -- --seed ${seed + played} --episodes 1`);
      return { failure };
    }
  }
  const rate = (count: number) => Math.round(count / elapsed());
  print(
    `simulation: ${played} episodes in ${elapsed().toFixed(1)} s: ${sums.commands} commands ` +
      `(${rate(sums.commands)}/s), ${sums.events} events, ${sums.crashes} crashes, ` +
      `${sums.turns} steps (${rate(sums.turns)}/s)`,
  );
  if (options.isVerbose) {
    for (const [name, count] of [...outcomes].toSorted()) print(`  ${count} ${name}`);
  }
  return { failure: undefined };
}
