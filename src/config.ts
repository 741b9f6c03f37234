import { isIP, isIPv4 } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { dnsLabel } from './ledger/names.ts';
import { limits } from './limits.ts';
import type { CertificateFiles } from './security/given-certificate.ts';
import type { StoreSetting } from './store/open-store.ts';

/** An address to listen on: `127.0.0.1:8470`, `[::1]:0`, `localhost:8470`. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const LISTEN = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/;

const listenAddress = z.string().transform((text, context): ListenAddress => {
  const [, v6, name, port] = LISTEN.exec(text) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) > 65_535) {
    context.addIssue({ code: 'custom', message: 'must be host:port, such as 127.0.0.1:8470' });
    return z.NEVER;
  }
  return { host, port: Number(port) };
});

/** Whether a host is this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

const onlyYes = z.enum(['1', 'true'], { message: 'can only be 1, or not be there' });

const HOST_NAME = /^(?=.{1,253}$)(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*$/i;

const hostNames = z
  .string()
  .transform((text) => text.split(','))
  .pipe(
    z
      .array(
        z.string().refine((name) => isIP(name) !== 0 || HOST_NAME.test(name), {
          message: 'must be names and addresses with commas between them',
        }),
      )
      .max(limits.certificateNamesMax),
  );

const storeSetting = z
  .string()
  .regex(
    /^(?:sqlite|memory|esdb(?:\+discover)?:\/\/\S+)$/,
    'must be sqlite, memory or esdb://host:port',
  );

/** A stream of claim commands, `claimCommands-<name>`, and the projects that they may be about. */
export interface ClaimSource {
  readonly name: string;
  readonly projects: readonly string[];
}

const CLAIM_SOURCE = /^([^=]+)=(.+)$/;

const claimSources = z.string().transform((text, context): ClaimSource[] => {
  const sources = text.split(';').map((one): ClaimSource => {
    const [, name = '', projects = ''] = CLAIM_SOURCE.exec(one) ?? [];
    return { name, projects: projects.split(',') };
  });
  const isName = (name: string) => dnsLabel.safeParse(name).success;
  const isSource = ({ name, projects }: ClaimSource) => isName(name) && projects.every(isName);
  const refuse = (message: string) => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (!sources.every(isSource)) {
    return refuse('must be source=project,project;source=project with lower-case names');
  }
  if (new Set(sources.map(({ name }) => name)).size < sources.length) {
    return refuse('names a source twice');
  }
  const { claimSourcesMax, claimSourceProjectsMax } = limits;
  if (sources.length > claimSourcesMax) return refuse(`has more than ${claimSourcesMax} sources`);
  if (sources.some(({ projects }) => projects.length > claimSourceProjectsMax)) {
    return refuse(`has a source with more than ${claimSourceProjectsMax} projects`);
  }
  return sources;
});

interface Setting {
  readonly env: string;
  readonly value: string;
  readonly fallback: string | undefined;
  readonly help: string;
  readonly schema: z.ZodType;
}

/** Every setting of the service: flag, environment variable, default. A flag wins. */
export const SETTINGS = {
  listen: {
    env: 'NETALLOC_LISTEN',
    value: 'host:port',
    fallback: '127.0.0.1:8470',
    help: 'where to listen; port 0 takes any free one',
    schema: listenAddress,
  },
  data: {
    env: 'NETALLOC_DATA',
    value: 'directory',
    fallback: './netalloc-data',
    help: 'where the log and the views are kept',
    schema: z.string().min(1),
  },
  store: {
    env: 'NETALLOC_STORE',
    value: 'sqlite|memory|esdb://...',
    fallback: 'sqlite',
    help: 'sqlite in the data directory, memory (lost at the end), or a KurrentDB',
    schema: storeSetting,
  },
  plan: {
    env: 'NETALLOC_PLAN',
    value: 'file',
    fallback: undefined,
    help: 'addressing plan for the first start; "netalloc plan" prints the built-in one',
    schema: z.string().min(1),
  },
  location: {
    env: 'NETALLOC_LOCATION',
    value: 'name',
    fallback: undefined,
    help: 'location of claims that name none',
    schema: dnsLabel,
  },
  'insecure-http': {
    env: 'NETALLOC_INSECURE_HTTP',
    value: '',
    fallback: undefined,
    help: 'plain HTTP without authentication, loopback only',
    schema: onlyYes,
  },
  tokens: {
    env: 'NETALLOC_TOKENS',
    value: 'file',
    fallback: undefined,
    help: 'who is let in; ledgers may share it (default tokens.json in the data directory)',
    schema: z.string().min(1),
  },
  'tls-cert': {
    env: 'NETALLOC_TLS_CERT',
    value: 'file',
    fallback: undefined,
    help: 'a certificate in place of our own, with those that lead to its authority',
    schema: z.string().min(1),
  },
  'tls-key': {
    env: 'NETALLOC_TLS_KEY',
    value: 'file',
    fallback: undefined,
    help: 'its private key',
    schema: z.string().min(1),
  },
  'tls-ca': {
    env: 'NETALLOC_TLS_CA',
    value: 'file',
    fallback: undefined,
    help: 'the authority for the kubeconfig, where the machines of clients do not trust it',
    schema: z.string().min(1),
  },
  'tls-san': {
    env: 'NETALLOC_TLS_SAN',
    value: 'name,...',
    fallback: undefined,
    help: 'further names of our own certificate; the kubeconfig has the first',
    schema: hostNames,
  },
  'claim-sources': {
    env: 'NETALLOC_CLAIM_SOURCES',
    value: 'source=project,...;...',
    fallback: undefined,
    help: 'streams of claim commands in KurrentDB and their projects, the same for all ledgers',
    schema: claimSources,
  },
  'log-level': {
    env: 'NETALLOC_LOG_LEVEL',
    value: 'level',
    fallback: 'info',
    help: 'fatal, error, warn, info, debug or trace',
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']),
  },
  'time-offset-seconds': {
    env: 'NETALLOC_TIME_OFFSET_SECONDS',
    value: 'seconds',
    fallback: '0',
    help: 'added to every instant, for tests and drills',
    schema: z
      .string()
      .regex(/^-?\d{1,10}$/, 'must be a whole number of seconds')
      .transform(Number),
  },
} as const satisfies Record<string, Setting>;

type SettingName = keyof typeof SETTINGS;

/** How those who do not belong are kept out. */
export interface SecuritySettings {
  /** The tokens file. What else ledgers may share with it stands beside it. */
  readonly tokens: string;
  /** The files of a certificate in place of our own. */
  readonly given: CertificateFiles | undefined;
  /** Names and addresses by which clients reach the service, beside those of this machine. */
  readonly names: readonly string[];
}

export interface Config {
  readonly listen: ListenAddress;
  readonly data: string;
  readonly store: StoreSetting;
  readonly plan: string | undefined;
  readonly location: string | undefined;
  /** Undefined for plain HTTP without authentication, which is for loopback alone. */
  readonly security: SecuritySettings | undefined;
  readonly claimSources?: readonly ClaimSource[] | undefined;
  readonly logLevel: string;
  readonly timeOffsetSeconds: number;
}

/** A setting that is unknown or malformed; the message names it. */
export class InvalidSetting extends Error {
  override readonly name = 'InvalidSetting';
}

/** Reads settings from flags, then the environment, then defaults. Throws InvalidSetting. */
export function readConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Config {
  const flags = readFlags(args);
  refuseUnknownVariables(env);
  const read = (name: SettingName) => {
    const setting: Setting = SETTINGS[name];
    const flag = flags[name];
    const text = flag ?? env[setting.env] ?? setting.fallback;
    if (text === undefined) return undefined;
    const parsed = setting.schema.safeParse(text);
    if (parsed.success) return parsed.data;
    const source = flag !== undefined ? `--${name}` : setting.env;
    const problem = parsed.error.issues.map((issue) => issue.message).join('; ');
    // A connection string may hold a password.
    const shown = text.replace(/\/\/[^/]*@/, '//');
    throw new InvalidSetting(`${source}="${shown}": ${problem}`);
  };
  const listen = read('listen') as ListenAddress;
  const data = read('data') as string;
  return {
    listen,
    data,
    store: read('store') as StoreSetting,
    plan: read('plan') as string | undefined,
    location: read('location') as string | undefined,
    security: securityOf(read, listen, data),
    claimSources: read('claim-sources') as ClaimSource[] | undefined,
    logLevel: read('log-level') as string,
    timeOffsetSeconds: read('time-offset-seconds') as number,
  };
}

function securityOf(
  read: (name: SettingName) => unknown,
  { host }: ListenAddress,
  data: string,
): SecuritySettings | undefined {
  const text = (name: SettingName) => read(name) as string | undefined;
  const names = read('tls-san') as string[] | undefined;
  if (read('insecure-http') === undefined) {
    const tokens = resolve(text('tokens') ?? join(data, 'tokens.json'));
    return { tokens, given: certificateFiles(text), names: names ?? [] };
  }
  const others: SettingName[] = ['tokens', 'tls-cert', 'tls-key', 'tls-ca', 'tls-san'];
  const other = others.find((name) => read(name) !== undefined);
  if (other !== undefined) {
    throw new InvalidSetting(`--insecure-http and --${other} exclude one another`);
  }
  if (isLoopback(host)) return undefined;
  throw new InvalidSetting(
    `--insecure-http has no authentication and listens on loopback only, not on ${host}: ` +
      'without it the service has TLS and tokens, and may listen anywhere',
  );
}

function certificateFiles(
  text: (name: SettingName) => string | undefined,
): CertificateFiles | undefined {
  const [certificate, key, authority] = [text('tls-cert'), text('tls-key'), text('tls-ca')];
  if (certificate !== undefined && key !== undefined) {
    const files = { certificate: resolve(certificate), key: resolve(key) };
    return { ...files, authority: authority === undefined ? undefined : resolve(authority) };
  }
  if (certificate === undefined && key === undefined && authority === undefined) return undefined;
  throw new InvalidSetting('--tls-cert and --tls-key are given together; --tls-ca only with them');
}

function readFlags(args: readonly string[]): Partial<Record<SettingName, string>> {
  const options = Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { value }]) => [
      name,
      { type: value === '' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, value === true ? '1' : String(value)]),
    );
  } catch (error) {
    throw new InvalidSetting(`${(error as Error).message} (see "netalloc serve --help")`);
  }
}

function refuseUnknownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const known = new Set<string>(Object.values(SETTINGS).map((setting) => setting.env));
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith('NETALLOC_') && !known.has(name),
  );
  if (unknown.length > 0) {
    throw new InvalidSetting(`unknown environment variable ${unknown.join(', ')}`);
  }
}

/** The settings as a person reads them. */
export function describeSettings(): string {
  const rows = Object.entries(SETTINGS).map(([name, { value, env, fallback, help }]) => [
    `  --${name}${value === '' ? '' : ` <${value}>`}`,
    env,
    `${help}${fallback === undefined ? '' : ` (default ${fallback})`}`,
  ]);
  const widths = [0, 1].map((column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows
    .map(([flag = '', env = '', help = '']) =>
      [flag.padEnd(widths[0] as number), env.padEnd(widths[1] as number), help].join('  '),
    )
    .join('\n');
}
