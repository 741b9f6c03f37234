import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { vi } from 'vitest';
import { ServiceProcess } from '../faults/process.ts';
import { ask } from './ask.ts';
import { makeToken } from './make-token.ts';
import { Passage } from './passage.ts';

/** Whose token a client has, and what of the ledger it reaches. */
export interface Client {
  readonly role: 'compute' | 'provider' | 'auditor' | 'operator';
  readonly subject: string;
  readonly projects?: readonly string[];
  readonly locations?: readonly string[];
}

/** A ledger process that serves TLS to who has a token, and may be stopped and started again. */
export class SecuredLedger {
  readonly data = mkdtempSync(join(tmpdir(), 'netalloc-clients-'));
  readonly #passages: Passage[] = [];
  readonly #logged: string[] = [];
  #process: ServiceProcess | undefined;

  static async start(): Promise<SecuredLedger> {
    const ledger = new SecuredLedger();
    await ledger.start();
    return ledger;
  }

  async start(): Promise<void> {
    const flags = ['--log-level', 'info'];
    this.#process = await ServiceProcess.start(this.data, { flags, isSecured: true });
    const port = Number(new URL(this.#process.url).port);
    for (const passage of this.#passages) passage.port = port;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    process.kill(signal);
    await process.ended();
    this.#logged.push(...process.stderr);
    this.#process = undefined;
  }

  /** Ends it, with all that it has left. */
  async remove(): Promise<void> {
    await this.stop();
    for (const passage of this.#passages) await passage.close();
    rmSync(this.data, { recursive: true, force: true });
  }

  /** What it has logged, over all its starts. */
  get logged(): string {
    return [...this.#logged, ...(this.#process?.stderr ?? [])].join('');
  }

  /** A way to the ledger that stays the same over its restarts, and can be cut. */
  async passage(): Promise<Passage> {
    const passage = await Passage.open(Number(new URL(this.#url).port));
    this.#passages.push(passage);
    return passage;
  }

  /** The kubeconfig that the first start left to its operator. */
  operator(passage: Passage): KubeConfig {
    const left = JSON.parse(readFileSync(join(this.data, 'kubeconfig'), 'utf8'));
    return this.#access(passage, left.users[0].user.token);
  }

  /** The kubeconfig of somebody with a token of their own, made as an operator makes it. */
  async access(client: Client, passage: Passage): Promise<KubeConfig> {
    const access = this.#access(passage, await makeToken(this.data, client));
    // The ledger looks at its tokens now and then.
    const isKnown = async () => (await ask(access, 'GET', '/version')).code === 200;
    await vi.waitUntil(isKnown, { timeout: 20_000 });
    return access;
  }

  #access(passage: Passage, token: string): KubeConfig {
    const config = new KubeConfig();
    const caData = readFileSync(join(this.data, 'ca.pem')).toString('base64');
    config.loadFromClusterAndUser(
      { name: 'netalloc', server: passage.url, caData, skipTLSVerify: false },
      { name: 'netalloc', token },
    );
    return config;
  }

  get #url(): string {
    if (this.#process === undefined) throw new Error('the ledger is not running');
    return this.#process.url;
  }
}
