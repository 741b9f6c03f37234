import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

/** `npm run simulate -- --seed N --seconds S --episodes E [--verbose] [--trace]` */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    episodes: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
const result = await simulate({
  seed,
  seconds: Number(values.seconds),
  episodes: values.episodes === undefined ? undefined : Number(values.episodes),
  print: (line) => process.stdout.write(`${line}\n`),
  isVerbose: values.verbose,
  isTraced: values.trace,
});
process.exit(result.failure === undefined ? 0 : 1);
