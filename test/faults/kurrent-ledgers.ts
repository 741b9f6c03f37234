import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ClaimSource } from '../../src/config.ts';
import { CATEGORY } from '../../src/ledger/streams.ts';
import { type Service, startService } from '../../src/service.ts';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import type { Answer } from '../http/real-service.ts';
import { LOCATIONS, location, NAMESPACES, NETWORKS, network } from '../http/world.ts';

interface Settings {
  /** How far its clock is ahead. */
  readonly aheadMs?: number;
  readonly claimSources?: readonly ClaimSource[];
}

/** Ledgers, each with caches of its own, on a log of their own in a KurrentDB. */
export class KurrentLedgers {
  /** What the names of this log's streams begin with in the server. */
  readonly prefix = `test${randomUUID().slice(0, 8)}.`;
  readonly services: Service[] = [];
  readonly #url: string;
  #directory: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async start({ aheadMs = 0, claimSources }: Settings = {}): Promise<Service> {
    this.#directory ??= mkdtempSync(join(tmpdir(), 'netalloc-several-'));
    const data = join(this.#directory, String(this.services.length));
    const listen = { host: '127.0.0.1', port: 0 };
    const none = { plan: undefined, location: undefined, security: undefined };
    const settings = { ...none, logLevel: 'error', timeOffsetSeconds: 0, claimSources };
    const store = this.#url as `esdb${string}`;
    const service = await startService(
      { listen, data, store, ...settings },
      {
        clock: () => new Date(Date.now() + aheadMs),
        newId: randomUUID,
        random: Math.random,
        randomBytes,
        log: pino({ level: 'error' }),
        version: '0.0.0',
      },
      async () => new KurrentStore({ url: store, prefix: this.prefix, categories: [CATEGORY] }),
    );
    this.services.push(service);
    return service;
  }

  /** Makes the project alpha with a network, and a location. */
  async makeProject(): Promise<void> {
    const [first] = this.services as [Service];
    await send(first, 'POST', NAMESPACES, { metadata: { name: 'alpha' } });
    await send(first, 'POST', LOCATIONS, location('dfw'));
    await send(first, 'POST', NETWORKS, network('net-a', { ipFamilies: ['IPv6', 'IPv4'] }));
  }

  async close(): Promise<void> {
    await Promise.all(this.services.map((service) => service.close()));
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true });
  }
}

export async function send(
  { url }: Pick<Service, 'url'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: await response.json(), headers: response.headers };
}
