import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { expect, vi } from 'vitest';
import type { FoundKubectl } from './found-kubectls.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long one command may take. */
const COMMAND_MS_MAX = 60_000;

/** A kubectl with a home of its own, somebody's access, and a namespace that it begins in. */
export class Kubectl {
  readonly version: string;
  readonly minor: number;
  readonly namespace: string;
  readonly #path: string;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(found: FoundKubectl, home: string, access: KubeConfig, namespace: string) {
    mkdirSync(home, { recursive: true });
    this.#path = found.path;
    this.version = found.version;
    this.minor = found.minor;
    this.#home = home;
    this.namespace = namespace;
    const config = JSON.parse(access.exportConfig());
    for (const { context } of config.contexts) context.namespace = namespace;
    const KUBECONFIG = this.file('kubeconfig', config);
    this.#env = { PATH: process.env.PATH, HOME: home, KUBECONFIG };
  }

  /** Writes a file beside its kubeconfig, and gives its path. */
  file(name: string, content: object | string, mode = 0o600): string {
    const path = join(this.#home, name);
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Runs a command, given as it is typed; `more` are arguments that have spaces. */
  async run(typed: string, more: readonly string[] = [], env: object = {}): Promise<Ran> {
    const child = this.#spawn([...typed.split(' '), ...more], env);
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (part) => {
        texts[name] += part;
      });
    }
    const [code] = await once(child, 'close');
    return { code, ...texts };
  }

  /** What a command prints that has to succeed. */
  async ok(typed: string, more: readonly string[] = [], env: object = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(typed, more, env);
    expect({ typed, code, stderr: code === 0 ? '' : stderr }).toEqual({
      ...{ typed, code: 0, stderr: '' },
    });
    return stdout;
  }

  /** What a command complains of that has to fail. */
  async fails(typed: string, more: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.run(typed, more);
    expect({ typed, hasFailed: code !== 0, stdout }).toMatchObject({ typed, hasFailed: true });
    return stderr;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
  async json(typed: string): Promise<any> {
    return JSON.parse(await this.ok(`${typed} -o json`));
  }

  /** A table as its rows, each by the names of its columns. */
  async rows(typed: string, more: readonly string[] = []): Promise<Record<string, string>[]> {
    return rowsOf(await this.ok(typed, more));
  }

  /** Runs a command that goes on; `until` waits for something that it prints or complains of. */
  watching(typed: string) {
    const child = this.#spawn(typed.split(' '), {});
    let text = '';
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
    }
    const ended = once(child, 'close').then(([code]) => code);
    return {
      until: (what: RegExp) => vi.waitFor(() => expect(text).toMatch(what), { timeout: 30_000 }),
      text: () => text,
      ended,
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  #spawn(args: readonly string[], env: object) {
    return spawn(this.#path, args, {
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_MS_MAX,
    });
  }
}

/** The rows of a table; where a column begins is told by its title. */
export function rowsOf(table: string): Record<string, string>[] {
  const [head = '', ...lines] = table.trimEnd().split('\n');
  const titles = [...head.matchAll(/\S+(?: \S+)*/g)].map(({ 0: title, index }) => {
    return { title, index };
  });
  return lines.map((line) =>
    Object.fromEntries(
      titles.map(({ title, index }, n) => {
        return [title, line.slice(index, titles[n + 1]?.index).trim()];
      }),
    ),
  );
}
