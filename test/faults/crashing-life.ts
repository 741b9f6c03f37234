import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../tidy/sources.ts';
import { readLog } from './audit.ts';
import { type Answer, isBroken, ServiceProcess, send } from './process.ts';

/** A step of a life: a request, or an object that is waited for. */
export type LifeStep =
  | readonly [method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object]
  | readonly [method: 'UNTIL', path: string, isIt: (answer: Answer) => boolean];

const script = join(ROOT, 'test', 'faults', 'crashing-service.ts');

/** Temporary data directories, and processes on them that end themselves at an append. */
export class CrashingLife {
  readonly #steps: readonly LifeStep[];
  readonly #flags: string[];
  readonly #made: string[] = [];

  constructor(steps: readonly LifeStep[], plan?: object) {
    this.#steps = steps;
    if (plan === undefined) {
      this.#flags = [];
      return;
    }
    const file = join(this.directory(), 'plan.json');
    writeFileSync(file, JSON.stringify(plan));
    this.#flags = ['--plan', file];
  }

  /** A new data directory; with what another one has, if one is named. */
  directory(from?: string): string {
    const made = mkdtempSync(join(tmpdir(), 'netalloc-crash-'));
    this.#made.push(made);
    if (from !== undefined) cpSync(from, made, { recursive: true });
    return made;
  }

  removeDirectories(): void {
    for (const made of this.#made) rmSync(made, { recursive: true, force: true });
  }

  start(data: string, env: Record<string, string> = {}): Promise<ServiceProcess> {
    return ServiceProcess.start(data, { script, env, flags: this.#flags });
  }

  /** Sends steps from one on; gives the index of the step that broke the connection, if one did. */
  async live(url: string, from: number, to = this.#steps.length): Promise<number | undefined> {
    for (const [index, step] of this.#steps.entries()) {
      if (index < from || index >= to) continue;
      try {
        await this.#take(url, index, step);
      } catch (error) {
        if (isBroken(error)) return index;
        throw error;
      }
    }
    return undefined;
  }

  /** Lives once without a crash and ends; gives how many appends that took. */
  async count(data: string, from: number, settled: Settled): Promise<number> {
    const before = new Set(readLogOf(data).map(({ metadata }) => metadata.commandId)).size;
    const service = await this.start(data);
    expect(await this.live(service.url, from)).toBeUndefined();
    await settled(service.url, data);
    service.kill('SIGTERM');
    expect(await service.ended()).toBe(0);
    return new Set(readLog(data).map(({ metadata }) => metadata.commandId)).size - before;
  }

  /** Lives with a crash at an append, then goes on; `restarted` looks at what it left. */
  async crash(
    data: string,
    env: { readonly CRASH_APPEND: string; readonly CRASH_WHEN: string },
    from: number,
    restarted: () => void | Promise<void>,
    settled: Settled,
  ): Promise<void> {
    let broken: number | undefined = from;
    try {
      const doomed = await this.start(data, env);
      broken = await this.live(doomed.url, from);
      // Commands that met in one append make the life an append shorter than it was before.
      if (broken === undefined) doomed.kill('SIGKILL');
      expect(await doomed.ended()).toBe('SIGKILL');
    } catch (error) {
      // The first appends are made before it listens.
      expect(String(error)).toContain('SIGKILL');
    }
    const service = await this.start(data);
    await restarted();
    if (broken !== undefined) expect(await this.live(service.url, broken)).toBeUndefined();
    await settled(service.url, data);
    service.kill('SIGTERM');
    expect(await service.ended()).toBe(0);
  }

  async #take(url: string, index: number, [method, path, what]: LifeStep): Promise<void> {
    if (method === 'UNTIL') {
      await until(url, path, what as (answer: Answer) => boolean);
      return;
    }
    const answer = await send(url, method, path, what, { 'idempotency-key': `step-${index}` });
    expect(answer.code, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  }
}

/** Resolves when all has been done that the life has led to. */
export type Settled = (url: string, data: string) => Promise<void>;

function readLogOf(data: string) {
  try {
    return readLog(data);
  } catch {
    return [];
  }
}

/** Asks until the answer is what is waited for. */
export async function until(
  url: string,
  path: string,
  isIt: (answer: Answer) => boolean,
): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (isIt(await send(url, 'GET', path))) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${path} did not become what it should`);
}
