import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { durationMs } from '../ledger/durations.ts';
import { projectStream } from '../ledger/streams.ts';
import { type ProjectGeneration, ROLES, type Role } from '../security/identity.ts';
import { newToken } from '../security/new-token.ts';
import { changeTokenFile, readTokenFile, type StoredToken } from '../security/token-file.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Command, CommandLine } from './commands.ts';

const USAGE = `Usage:
  netalloc token create --role <role> --subject <name> [--project <name>]... [--location <name>]...
                        [--expires <duration>]
  netalloc token list
  netalloc token revoke <id>

  --data <directory>   the data directory (NETALLOC_DATA, default ./netalloc-data)
  --tokens <file>      the tokens file (NETALLOC_TOKENS, default tokens.json in it)
  --role <role>        ${ROLES.join(', ')}
  --subject <name>     whom events name as the actor
  --project <name>     a project of a compute token: the one that there is now
  --location <name>    a location of a provider token
  --expires <duration> such as 720h; for ever without it

A running service follows the file. Whoever can write to the data directory can make an operator's
token: that is the way back when it is lost.`;

const OPTIONS = {
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

/** Makes, lists and revokes tokens in the file of a data directory. */
export const token: Command = {
  summary: 'make, list and revoke tokens',
  async run(args, line) {
    const { values, positionals } = parsed(args);
    const [action, id, ...rest] = positionals;
    const data = values.data ?? line.env.NETALLOC_DATA ?? './netalloc-data';
    const path = values.tokens ?? line.env.NETALLOC_TOKENS ?? join(data, 'tokens.json');
    if (rest.length > 0 || (id !== undefined && action !== 'revoke') || values.help) {
      line.print(USAGE);
      return values.help ? 0 : 1;
    }
    if (action === 'create') line.print(await create(values, data, path, line));
    else if (action === 'list') for (const one of readTokenFile(path)) line.print(lineOf(one));
    else if (action === 'revoke' && id !== undefined) await revoke(path, id);
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

/** Makes a token and gives its text, which is nowhere kept. */
async function create(
  values: Values,
  data: string,
  path: string,
  line: CommandLine,
): Promise<string> {
  const { clock, randomBytes } = line.worldOf('error', 0);
  const { subject, project: names = [], location: locations = [] } = values;
  const role = roleOf(values.role);
  if (subject === undefined) throw new TokenCommandRefused('--subject is required');
  if (role === 'compute' && names.length === 0) {
    throw new TokenCommandRefused('a compute token needs a --project');
  }
  if (role === 'provider' && locations.length === 0) {
    throw new TokenCommandRefused('a provider token needs a --location');
  }
  const now = clock();
  const expiresAt = values.expires === undefined ? undefined : endOf(values.expires, now);
  const projects = await generationsOf(names, data, clock);
  const grant = { subject, role, projects, locations, expiresAt };
  const { text, stored } = newToken(grant, now, randomBytes);
  await changeTokenFile(path, (tokens) => [...tokens, stored]);
  return text;
}

function roleOf(text: string | undefined): Role {
  const role = ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw new TokenCommandRefused(`--role must be one of ${ROLES.join(', ')}`);
}

function endOf(text: string, now: Date): Date {
  const ms = durationMs(text);
  if (ms === undefined || ms <= 0) {
    throw new TokenCommandRefused(`--expires "${text}": must be a duration such as 720h`);
  }
  return new Date(now.getTime() + ms);
}

/** The present lives of projects, out of the log: a service may run on it meanwhile. */
async function generationsOf(
  names: readonly string[],
  directory: string,
  clock: () => Date,
): Promise<ProjectGeneration[]> {
  if (names.length === 0) return [];
  const store = openSqliteStore({ directory, clock, readOnly: true });
  try {
    return await Promise.all(
      names.map(async (name) => {
        let uid: string | undefined;
        for await (const events of store.readStream(projectStream(name), 0)) {
          for (const { type, data } of events) {
            if (type === 'AddressSpaceOpened') uid = (data as { generation: string }).generation;
            if (type === 'AddressSpaceClosed') uid = undefined;
          }
        }
        if (uid !== undefined) return { name, uid };
        throw new TokenCommandRefused(`there is no project "${name}" in ${directory}`);
      }),
    );
  } finally {
    await store.close();
  }
}

function revoke(path: string, id: string): Promise<void> {
  return changeTokenFile(path, (tokens) => {
    const left = tokens.filter((one) => one.id !== id);
    if (left.length < tokens.length) return left;
    throw new TokenCommandRefused(`there is no token "${id}": "netalloc token list" shows them`);
  });
}

function lineOf({ id, role, subject, projects, locations, expiresAt }: StoredToken): string {
  const scopes = [...projects.map(({ name }) => `project/${name}`), ...locations.map(locationText)];
  return [id, role, subject, scopes.join(',') || '-', expiresAt ?? 'never'].join('  ');
}

function locationText(name: string): string {
  return `location/${name}`;
}
