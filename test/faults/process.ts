import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../tidy/sources.ts';

/** A netalloc process that a test may kill. */
export class ServiceProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;
  readonly stderr: string[];

  private constructor(url: string, child: ChildProcess, stderr: string[]) {
    this.url = url;
    this.#child = child;
    this.stderr = stderr;
    this.#ended = endOf(child);
  }

  /** Starts `script` (the launcher by default) on a data directory; resolves when it listens. */
  static async start(
    data: string,
    options: { script?: string; env?: Record<string, string>; flags?: string[] } = {},
  ): Promise<ServiceProcess> {
    const script = options.script ?? join(ROOT, 'src', 'bin.js');
    const flags = ['--listen', '127.0.0.1:0', '--data', data, '--log-level', 'warn'];
    const child = spawn(process.execPath, [script, 'serve', ...flags, ...(options.flags ?? [])], {
      env: { PATH: process.env.PATH ?? '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stderr: string[] = [];
    child.stderr?.on('data', (chunk) => stderr.push(String(chunk)));
    const listening = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const url = /^listening on (\S+)$/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      });
    });
    const url = await Promise.race([listening, endOf(child)]);
    if (typeof url !== 'string' || !url.startsWith('http')) {
      throw new Error(`the service ended with ${url} before it listened:\n${stderr.join('')}`);
    }
    return new ServiceProcess(url, child, stderr);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null> {
    return this.#ended;
  }
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
