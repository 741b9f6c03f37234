import { dirname, join } from 'node:path';
import type { CommandLine } from './commands.ts';

/** Where commands that work on files find those of a service. */
export interface DataFiles {
  readonly directory: string;
  readonly tokens: string;
  readonly operatorToken: string;
  readonly authority: string;
  readonly kubeconfig: string;
}

/** The files of a data directory, by the flags and variables that the service has, too. */
export function dataFiles(
  flags: { readonly data?: string | undefined; readonly tokens?: string | undefined },
  { env }: Pick<CommandLine, 'env'>,
): DataFiles {
  const directory = flags.data ?? env.NETALLOC_DATA ?? './netalloc-data';
  const tokens = flags.tokens ?? env.NETALLOC_TOKENS ?? join(directory, 'tokens.json');
  const shared = dirname(tokens);
  return {
    ...{ directory, tokens, kubeconfig: join(directory, 'kubeconfig') },
    ...{ operatorToken: join(shared, 'operator.token'), authority: join(shared, 'ca.pem') },
  };
}
