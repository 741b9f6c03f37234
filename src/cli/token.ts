import { parseArgs } from 'node:util';
import { ROLES } from '../security/identity.ts';
import { type ShownToken, type TokenRequest, tokenRequest } from '../security/token-request.ts';
import { ApiClient } from './api-client.ts';
import type { Command, CommandLine } from './commands.ts';
import { dataFiles } from './data-files.ts';
import { tableLines } from './text-table.ts';
import { commandsOnFiles, commandsOnServer, type TokenCommands } from './token-commands.ts';

const USAGE = `Usage:
  netalloc token create --role <role> --subject <name> [--project <name>]... [--location <name>]...
                        [--expires <duration>]
  netalloc token list
  netalloc token revoke <id>

  --kubeconfig <file>  have a server do it, by the kubeconfig of an operator; else it is done to
                       the files of a service on this machine, whether it runs or not:
  --data <directory>   its data directory (NETALLOC_DATA, default ./netalloc-data)
  --tokens <file>      its tokens file (NETALLOC_TOKENS, default tokens.json in it)

  --role <role>        ${ROLES.join(', ')}
  --subject <name>     whom events name as the actor
  --project <name>     a project of a compute token: the one that there is now
  --location <name>    a location of a provider token
  --expires <duration> such as 720h; for ever without it

What is done holds at once. Whoever can write to the data directory can make an operator's token:
that is the way back when it is lost.`;

const OPTIONS = {
  kubeconfig: { type: 'string' },
  data: { type: 'string' },
  tokens: { type: 'string' },
  role: { type: 'string' },
  subject: { type: 'string' },
  project: { type: 'string', multiple: true },
  location: { type: 'string', multiple: true },
  expires: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** A token command that cannot be carried out; the message says why. */
export class TokenCommandRefused extends Error {
  override readonly name = 'TokenCommandRefused';
}

/** Makes, lists and revokes tokens: of a data directory, or of a server. */
export const token: Command = {
  summary: 'make, list and revoke tokens',
  async run(args, line) {
    const { values, positionals } = parsed(args);
    const [action, id, ...rest] = positionals;
    if (rest.length > 0 || (id !== undefined && action !== 'revoke') || values.help) {
      line.print(USAGE);
      return values.help ? 0 : 1;
    }
    const commands = commandsOf(values, line);
    if (action === 'create') line.print(await commands.create(askedBy(values)));
    else if (action === 'list') for (const row of tableOf(await commands.list())) line.print(row);
    else if (action === 'revoke' && id !== undefined) await revoke(commands, id);
    else {
      line.print(USAGE);
      return 1;
    }
    return 0;
  },
};

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new TokenCommandRefused(`${(error as Error).message}\n\n${USAGE}`);
  }
}

type Values = ReturnType<typeof parsed>['values'];

function commandsOf(values: Values, line: CommandLine): TokenCommands {
  const { kubeconfig, data, tokens } = values;
  if (kubeconfig === undefined) {
    return commandsOnFiles(dataFiles(values, line), line.worldOf('error', 0));
  }
  if (data === undefined && tokens === undefined) return commandsOnServer(ApiClient.of(kubeconfig));
  throw new TokenCommandRefused('--kubeconfig is for a server, --data and --tokens are for files');
}

const FLAGS: Readonly<Record<string, string>> = { projects: 'project', locations: 'location' };

/** What the flags ask for; an error names the flag. */
function askedBy({ role, subject, project, location, expires }: Values): TokenRequest {
  for (const [flag, value] of Object.entries({ role, subject })) {
    if (value === undefined) throw new TokenCommandRefused(`--${flag} is required`);
  }
  const asked = { role, subject, projects: project, locations: location, expires };
  const result = tokenRequest.safeParse(asked);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: [field = ''], message }) => {
    return `--${FLAGS[String(field)] ?? String(field)}: ${message}`;
  });
  throw new TokenCommandRefused(problems.join('\n'));
}

async function revoke(commands: TokenCommands, id: string): Promise<void> {
  if (await commands.revoke(id)) return;
  throw new TokenCommandRefused(`there is no token "${id}": "netalloc token list" shows them`);
}

function tableOf(tokens: readonly ShownToken[]): readonly string[] {
  return tableLines(['ID', 'ROLE', 'SUBJECT', 'SCOPE', 'EXPIRES'], tokens.map(cellsOf));
}

function cellsOf({ id, role, subject, projects, locations, expiresAt }: ShownToken): string[] {
  const scopes = [...projects.map(({ name }) => `project/${name}`), ...locations.map(locationText)];
  return [id, role, subject, scopes.join(',') || '-', expiresAt ?? 'never'];
}

function locationText(name: string): string {
  return `location/${name}`;
}
