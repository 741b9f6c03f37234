import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What threads of a Node process do, by the names that the system has for them. */
const THREADS: readonly (readonly [role: string, name: RegExp])[] = [
  ['garbage and compiling', /V8Worker/],
  ['rows and checkpoints', /^WorkerThread/],
  ['files', /^libuv/],
];
export const SERVING = 'serving';

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

  /** Processor time so far, in us, by what threads do; nothing where the system does not tell. */
  processorUs(): Map<string, number> {
    const used = new Map<string, number>();
    const threads = `/proc/${this.#child.pid}/task`;
    try {
      for (const thread of readdirSync(threads)) {
        const name = readFileSync(`${threads}/${thread}/comm`, 'utf8').trim();
        const known = THREADS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other threads';
        const role = thread === String(this.#child.pid) ? SERVING : known;
        const [ns] = readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ');
        used.set(role, (used.get(role) ?? 0) + Number(ns) / 1_000);
      }
    } catch {
      used.clear();
    }
    return used;
  }

  async stop(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.kill('SIGINT');
    await ended;
  }
}
