/**
 * Durations as Go writes them: decimal numbers with a unit (`h`, `m`, `s`, `ms`), such as `150s`,
 * `24h` or `1h30m`. https://pkg.go.dev/time#ParseDuration, without signs and smaller units.
 */
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|h|m|s)/g;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** One hundred years: far beyond any lease, and safe to add to any instant. */
const DURATION_MS_MAX = 100 * 365 * 24 * 3_600_000;

/** The text that was read last: of each claim's addresses mostly the same one is read. */
let read: { readonly text: string; readonly ms: number | undefined } = { text: '', ms: undefined };

/** Milliseconds of a duration text, or undefined when it is none or exceeds one hundred years. */
export function durationMs(text: string): number | undefined {
  if (text !== read.text) read = { text, ms: parsedMs(text) };
  return read.ms;
}

function parsedMs(text: string): number | undefined {
  if (text.length > 64 || !DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * (UNIT_MS[unit as string] as number);
  }
  return total <= DURATION_MS_MAX ? Math.round(total) : undefined;
}
