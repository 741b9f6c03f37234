import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATEGORY } from '../../src/ledger/streams.ts';
import { type Service, startService } from '../../src/service.ts';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import type { Answer } from '../http/real-service.ts';
import {
  CLAIMS,
  claim,
  LOCATIONS,
  location,
  NAMESPACES,
  NETWORKS,
  network,
} from '../http/world.ts';
import { kurrentUrl } from '../store/kurrent-server.ts';

const url = await kurrentUrl();
const directory = mkdtempSync(join(tmpdir(), 'netalloc-several-'));
const prefix = `test${randomUUID().slice(0, 8)}.`;
const ledgers: Service[] = [];

/** A ledger with caches of its own on the log that all of them share. */
function startLedger(name: string): Promise<Service> {
  const config = { listen: { host: '127.0.0.1', port: 0 }, data: join(directory, name) };
  const settings = {
    ...{ plan: undefined, location: undefined, logLevel: 'error', security: undefined },
  };
  return startService(
    { ...config, ...settings, store: url as `esdb${string}`, timeOffsetSeconds: 0 },
    {
      clock: () => new Date(),
      newId: randomUUID,
      random: Math.random,
      randomBytes,
      log: pino({ level: 'error' }),
      version: '0.0.0',
    },
    async () => new KurrentStore({ url: url as string, prefix, categories: [CATEGORY] }),
  );
}

async function send(
  ledger: Service,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(ledger.url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: await response.json(), headers: response.headers };
}

describe.skipIf(url === undefined)('several ledgers on one KurrentDB', () => {
  beforeAll(async () => {
    for (const name of ['one', 'two', 'three']) ledgers.push(await startLedger(name));
    const [first] = ledgers as [Service];
    await send(first, 'POST', NAMESPACES, { metadata: { name: 'alpha' } });
    await send(first, 'POST', LOCATIONS, location('dfw'));
    await send(first, 'POST', NETWORKS, network('net-a', { ipFamilies: ['IPv6', 'IPv4'] }));
  });

  afterAll(async () => {
    await Promise.all(ledgers.map((ledger) => ledger.close()));
    rmSync(directory, { recursive: true });
  });

  it('give no address twice, lose no claim, and tell the same', async () => {
    const answers = await Promise.all(
      ledgers.flatMap((ledger, index) =>
        Array.from({ length: 100 }, (_, n) =>
          send(ledger, 'POST', CLAIMS, claim(`c-${index}-${n}`)),
        ),
      ),
    );
    expect(answers.filter(({ code }) => code !== 201)).toEqual([]);
    const given = answers.flatMap(({ body }) => body.status.addresses);
    const addresses = given.map(({ address }: { address: string }) => address);
    expect(new Set(addresses).size).toBe(addresses.length);
    const version = Math.max(...answers.map(({ body }) => Number(body.metadata.resourceVersion)));
    for (const ledger of ledgers) {
      const path = `${CLAIMS}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
      const { body } = await send(ledger, 'GET', path);
      const listed = body.items.flatMap((item: Answer['body']) => item.status.addresses);
      const told = listed.map(({ address }: { address: string }) => address);
      expect(told.toSorted()).toEqual(addresses.toSorted());
    }
  });

  it('let one of those who take the same name have it', async () => {
    const answers = await Promise.all(
      ledgers.map((ledger) => send(ledger, 'POST', CLAIMS, claim('wanted'))),
    );
    expect(answers.map(({ code }) => code).toSorted()).toEqual([201, 409, 409]);
  });
});
