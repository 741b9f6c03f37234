import { expect, it } from 'vitest';
import { SEED } from '../seeds.ts';
import { Episode } from './episode.ts';
import { simulate } from './simulation.ts';

const SECONDS = 30;
/** An episode that has begun is played to its end, on whatever machine. */
const PATIENCE_MS = 300_000;
const print = (line: string) => process.stdout.write(`${line}\n`);

it(
  'keeps every invariant over crashes, conflicts, lost answers and jumping clocks',
  async () => {
    const { failure } = await simulate({ seed: SEED, seconds: SECONDS, print });
    expect(failure).toBeUndefined();
  },
  PATIENCE_MS,
);

it(
  'plays the same episode for the same seed',
  async () => {
    const told = async () => {
      const lines: string[] = [];
      await new Episode(1, (line) => lines.push(line)).play();
      return lines;
    };
    const first = await told();
    expect(first.length).toBeGreaterThan(100);
    expect(await told()).toEqual(first);
  },
  PATIENCE_MS,
);
