import { existsSync, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { kubeconfig as kubeconfigOf, readKubeconfig } from '../security/kubeconfig.ts';
import { tokenParts } from '../security/new-token.ts';
import { replaceFile } from '../security/private-file.ts';
import type { Command, CommandLine } from './commands.ts';
import { dataFiles } from './data-files.ts';

const USAGE = `Usage: netalloc kubeconfig [flags]

Writes a kubeconfig for a token, to standard output.

  --token-file <file>  what has the token's text, - for standard input (default operator.token)
  --output <file>      write it there, readable for its owner only
  --like <file>        a kubeconfig of the same server (default kubeconfig of the data directory)
  --server <url>       another address of the server
  --tls-ca <file>      another authority of its certificate
  --data <directory>   the data directory (NETALLOC_DATA, default ./netalloc-data)
  --tokens <file>      its tokens file (NETALLOC_TOKENS, default tokens.json in it)

For the operator of a data directory whose token is lost:

  netalloc token create --role operator --subject operator |
    netalloc kubeconfig --token-file - --output netalloc-data/kubeconfig`;

const OPTIONS = {
  'token-file': { type: 'string' },
  output: { type: 'string' },
  like: { type: 'string' },
  server: { type: 'string' },
  'tls-ca': { type: 'string' },
  data: { type: 'string' },
  tokens: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** A kubeconfig that cannot be made; the message says what is missing. */
export class KubeconfigRefused extends Error {
  override readonly name = 'KubeconfigRefused';
}

/** Writes a kubeconfig for a token. */
export const kubeconfig: Command = {
  summary: 'write a kubeconfig for a token',
  async run(args, line) {
    const values = parsed(args);
    if (values.help) {
      line.print(USAGE);
      return 0;
    }
    const files = dataFiles(values, line);
    const likePath = values.like ?? files.kubeconfig;
    const isThere = values.like !== undefined || existsSync(likePath);
    const like = isThere ? readKubeconfig(likePath) : undefined;
    const url = values.server ?? like?.url;
    if (url === undefined) {
      throw new KubeconfigRefused(`--server is required: there is no ${likePath} to take it from`);
    }
    if (!/^https:\/\/[^/]+$/.test(url)) {
      throw new KubeconfigRefused(`--server "${url}": must be like https://ledger.example:8470`);
    }
    const ownCa = existsSync(files.authority) ? files.authority : undefined;
    const caPath = values['tls-ca'] ?? (like === undefined ? ownCa : undefined);
    const authority = caPath === undefined ? like?.authority : readFileSync(caPath, 'utf8');
    const token = await tokenIn(values['token-file'] ?? files.operatorToken, line);
    const text = kubeconfigOf({ url, authority, token });
    if (values.output === undefined) line.print(text.trimEnd());
    else replaceFile(values.output, text, line.worldOf('error', 0).randomBytes);
    return 0;
  },
};

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new KubeconfigRefused(`${(error as Error).message}\n\n${USAGE}`);
  }
}

/** A token comes out of a file: what is typed on a command line is seen by others. */
async function tokenIn(path: string, { stdin }: Pick<CommandLine, 'stdin'>): Promise<string> {
  const isPiped = path === '-';
  const content = isPiped ? await buffer(stdin) : readFileSync(path);
  const text = content.toString('utf8').trim();
  if (tokenParts(text) !== undefined) return text;
  throw new KubeconfigRefused(`${isPiped ? 'standard input' : path} has no token of netalloc`);
}
