import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { CATEGORY } from '../ledger/streams.ts';
import type { OpenStoreOptions, StoreSetting } from '../store/open-store.ts';
import { Progress } from '../transfer/progress.ts';
import type { CommandLine } from './commands.ts';

/** Which log a command is about. */
export const LOG_FLAGS_HELP = `\
  --store sqlite|esdb://...  where the log is (NETALLOC_STORE, default sqlite)
  --data <directory>         sqlite's directory (NETALLOC_DATA, default ./netalloc-data)`;

/** A command about a log that cannot be carried out as it was written; the message says why. */
export class LogCommandRefused extends Error {
  override readonly name = 'LogCommandRefused';
}

export interface LogCommandOptions {
  readonly store: StoreSetting;
  readonly open: OpenStoreOptions;
  readonly progress: Progress;
  /** The flag of the command's own; absent for a pipe: where it was not given, or is `-`. */
  readonly file: string | undefined;
  /** Whether that flag was given. */
  readonly isFileGiven: boolean;
  /** Its own flags without a value that were given. */
  readonly switches: ReadonlySet<string>;
}

/** The flags that a command has of its own. */
interface OwnFlags {
  readonly file?: string;
  readonly switches?: readonly string[];
}

/** Reads the flags that commands about a whole log have; undefined where help is asked for. */
export function readLogOptions(
  args: readonly string[],
  line: CommandLine,
  usage: string,
  { file, switches = [] }: OwnFlags = {},
): LogCommandOptions | undefined {
  const named = ['store', 'data', ...(file === undefined ? [] : [file])];
  const options = {
    ...Object.fromEntries(named.map((name) => [name, { type: 'string' as const }])),
    ...Object.fromEntries(switches.map((name) => [name, { type: 'boolean' as const }])),
    help: { type: 'boolean' as const, short: 'h' },
  };
  let values: Record<string, string | boolean | undefined>;
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new LogCommandRefused(`${(error as Error).message}\n\n${usage}`);
  }
  if (values.help) return undefined;
  const flags = ['store', 'data'].flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, String(values[name])],
  );
  const path = file && (values[file] as string | undefined);
  const { store, data } = readConfig(flags, line.env);
  const { clock } = line.worldOf('error', 0);
  return {
    store,
    open: { directory: resolve(data), clock, categories: [CATEGORY] },
    progress: new Progress(clock, line.tell),
    file: path === '-' ? undefined : path,
    isFileGiven: path !== undefined,
    switches: new Set(switches.filter((name) => values[name] === true)),
  };
}
