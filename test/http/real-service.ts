import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type Service, startService } from '../../src/service.ts';
import type { openStore } from '../../src/store/open-store.ts';
import { LOCATIONS, location, MERGE_PATCH, NAMESPACES, NETWORKS, network } from './world.ts';

export interface Answer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
  readonly headers: Headers;
}

export interface RealService {
  readonly url: string;
  /** The instant that the service's clock shows; tests move it on. */
  nowMs: number;
  /** What it has logged of faults; a test that provokes one takes it away. */
  readonly logged: string[];
  send(method: string, url: string, body?: unknown, headers?: object): Promise<Answer>;
  get(url: string): Promise<Answer>;
  /** Closes it before the file's tests are over. */
  close(): Promise<void>;
}

const START_MS = Date.parse('2026-03-02T08:00:00.123Z');

/** A service of the file's own over the ledger itself, in memory; it may log nothing.
 * `open` may give another store than that. */
export function realService(name: string, open?: typeof openStore): RealService {
  let service: Service | undefined;
  let ids = 0;
  const real: RealService = {
    nowMs: START_MS,
    logged: [],
    get url() {
      return (service as Service).url;
    },
    get: (url) => real.send('GET', url),
    send: async (method, url, body, headers = {}) => {
      const type = method === 'PATCH' ? MERGE_PATCH : 'application/json';
      const isText = typeof body === 'string';
      const response = await fetch(real.url + url, {
        method,
        headers: { 'content-type': type, ...headers },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
      });
      return { code: response.status, body: await response.json(), headers: response.headers };
    },
    close: async () => {
      await service?.close();
      service = undefined;
    },
  };
  beforeAll(async () => {
    const config = { listen: { host: '127.0.0.1', port: 0 }, data: '', store: 'memory' as const };
    service = await startService(
      {
        ...config,
        plan: undefined,
        location: undefined,
        logLevel: 'warn',
        timeOffsetSeconds: 0,
        security: undefined,
      },
      {
        clock: () => new Date(real.nowMs),
        newId: () => {
          ids += 1;
          return uuidOf(name, ids);
        },
        random: () => 0.5,
        randomBytes,
        log: pino({ level: 'warn' }, { write: (line: string) => real.logged.push(line) }),
        version: '0.0.0',
      },
      open,
    );
    await real.send('POST', NAMESPACES, { metadata: { name: 'alpha' } });
    await real.send('POST', LOCATIONS, location('dfw'));
    await real.send('POST', NETWORKS, network('net-a', { ipFamilies: ['IPv6', 'IPv4'] }));
  });
  afterAll(async () => {
    await real.close();
    expect(real.logged).toEqual([]);
  });
  return real;
}
