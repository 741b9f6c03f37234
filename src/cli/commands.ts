import type { World } from '../service.ts';
import { demo } from './demo.ts';
import { exportLog } from './export-log.ts';
import { importLog } from './import-log.ts';
import { kubeconfig } from './kubeconfig.ts';
import { plan } from './plan.ts';
import { schemas } from './schemas.ts';
import { serve } from './serve.ts';
import { token } from './token.ts';
import { verify } from './verify.ts';

/** What a subcommand may use of the process it runs in. */
export interface CommandLine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  /** Says something to people beside what the command prints. */
  readonly tell: (text: string) => void;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: NodeJS.WritableStream;
  readonly worldOf: (logLevel: string, timeOffsetSeconds: number) => World;
  readonly untilSignal: () => Promise<NodeJS.Signals>;
}

export interface Command {
  readonly summary: string;
  /** Gives the exit code of the process. */
  run(args: readonly string[], line: CommandLine): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve,
  token,
  kubeconfig,
  verify,
  'export-log': exportLog,
  'import-log': importLog,
  demo,
  plan,
  schemas,
};

const HELP = ['help', '--help', '-h'];

/** Runs the subcommand that the first argument names. */
export async function runCommand(args: readonly string[], line: CommandLine): Promise<number> {
  const [name = 'help', ...rest] = args;
  if (HELP.includes(name)) {
    line.print(usage());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    line.print(usage());
    throw new UnknownCommand(`"${name}" is no command`);
  }
  return command.run(rest, line);
}

/** A subcommand that there is not. */
export class UnknownCommand extends Error {
  override readonly name = 'UnknownCommand';
}

function usage(): string {
  const rows = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(12)}${summary}`,
  );
  return ['Usage: netalloc <command> [flags]', '', ...rows].join('\n');
}
