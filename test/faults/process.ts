import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ROOT } from '../tidy/sources.ts';

interface StartOptions {
  readonly script?: string;
  readonly env?: Record<string, string>;
  readonly flags?: readonly string[];
  /** With TLS and tokens, as it is for everybody; else plain HTTP: enough for most tests. */
  readonly isSecured?: boolean;
}

/** A netalloc process that a test may kill. */
export class ServiceProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  /** What it has printed. */
  readonly lines: readonly string[];
  readonly stderr: string[];

  private constructor(url: string, child: ChildProcess, lines: string[], stderr: string[]) {
    this.url = url;
    this.#child = child;
    this.lines = lines;
    this.stderr = stderr;
    this.#ended = endOf(child);
  }

  /** Starts `script` (the launcher by default) on a data directory; resolves when it listens. */
  static async start(
    data: string,
    { script = join(ROOT, 'src', 'bin.js'), env, flags = [], isSecured = false }: StartOptions = {},
  ): Promise<ServiceProcess> {
    const own = ['--listen', '127.0.0.1:0', '--data', data, '--log-level', 'warn'];
    if (!isSecured) own.push('--insecure-http');
    const child = spawn(process.execPath, [script, 'serve', ...own, ...flags], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stderr: string[] = [];
    child.stderr?.on('data', (chunk) => stderr.push(String(chunk)));
    const lines: string[] = [];
    const listening = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        lines.push(line);
        const url = /^listening on (\S+)$/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    const url = await Promise.race([listening, endOf(child)]);
    if (typeof url !== 'string' || !url.startsWith('http')) {
      throw new Error(`the service ended with ${url} before it listened:\n${stderr.join('')}`);
    }
    return new ServiceProcess(url, child, lines, stderr);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null> {
    return this.#ended;
  }
}

/** What a client takes out of a kubeconfig. */
export interface Access {
  readonly server: string;
  readonly authority: string;
  readonly headers: { readonly authorization: string };
}

/** Reads a kubeconfig, and has all requests of this process trust its authority. */
export function accessIn(path: string): Access {
  const { clusters, users } = JSON.parse(readFileSync(path, 'utf8'));
  const { server, 'certificate-authority-data': data } = clusters[0].cluster;
  const authority = Buffer.from(data, 'base64').toString();
  setDefaultCACertificates([...getCACertificates('default'), authority]);
  return { server, authority, headers: { authorization: `Bearer ${users[0].user.token}` } };
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return child.exitCode ?? child.signalCode;
  }
  const [code, signal] = await once(child, 'exit');
  return code ?? signal;
}

export interface Answer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they find them.
  readonly body: any;
}

/** One request with a JSON body. Rejects when the connection breaks. */
export async function send(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  return { code: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** Whether a request failed because the connection broke, and not by its answer. */
export function isBroken(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    (error.message === 'fetch failed' || error.message === 'terminated')
  );
}

const GROUP = '/apis/networking.datumapis.com/v1alpha';

/** Paths of the API that tests use. */
export const paths = {
  namespaces: '/api/v1/namespaces',
  namespace: (name: string) => `/api/v1/namespaces/${name}`,
  locations: `${GROUP}/locations`,
  location: (name: string) => `${GROUP}/locations/${name}`,
  of: (project: string, plural: string, name?: string) =>
    `${GROUP}/namespaces/${project}/${plural}${name === undefined ? '' : `/${name}`}`,
};

/** Bodies of the API that tests use. */
export const bodies = {
  named: (name: string) => ({ metadata: { name } }),
  network: (name: string, ipFamilies = ['IPv6', 'IPv4']) => ({
    metadata: { name },
    spec: { ipFamilies, ipam: { mode: 'Auto' } },
  }),
  claim: (name: string, location: string, spec: object = {}) => ({
    metadata: { name },
    spec: {
      network: { name: 'default' },
      location: { name: location },
      ipFamilies: ['IPv6', 'IPv4'],
      ...spec,
    },
  }),
};
