import { builtInPlan } from '../ledger/plan.ts';
import type { Command } from './commands.ts';

/** Prints the built-in addressing plan as the JSON file that `--plan` takes. */
export const plan: Command = {
  summary: 'print the built-in addressing plan, the JSON that --plan takes',
  async run(_args, line) {
    line.print(JSON.stringify(builtInPlan(), null, 2));
    return 0;
  },
};
