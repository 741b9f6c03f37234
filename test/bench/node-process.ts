import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A Node process that says `listening on <url>`. */
export class NodeProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  static async start(script: string, args: readonly string[]): Promise<NodeProcess> {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    const { promise: url, resolve } = Promise.withResolvers<string>();
    lines.on('line', (line) => {
      const found = /^listening on (\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`exit ${code}`)));
    return new NodeProcess(await Promise.race([url, ended]), child);
  }

  /** Resident memory in MiB; NaN where the system does not tell. */
  memoryMiB(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
    } catch {
      return Number.NaN;
    }
  }

  async stop(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.kill('SIGINT');
    await ended;
  }
}
