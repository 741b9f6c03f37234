import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { logLines } from '../../src/operations/log-lines.ts';
import { type Service, startService } from '../../src/service.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import {
  CLAIMS,
  claim,
  LOCATIONS,
  location,
  NAMESPACES,
  NETWORKS,
  network,
} from '../http/world.ts';

const clock = () => new Date();
const lines: { level: number; msg: string }[] = [];
let isAway = false;
let service: Service;

/** A store that can be away: nothing of it answers then, and nothing is stored. */
class LeavingStore extends MemoryStore {
  readonly isShared = true;

  override async append(...args: Parameters<MemoryStore['append']>) {
    refuseWhenAway();
    return super.append(...args);
  }

  override async *readStream(...args: Parameters<MemoryStore['readStream']>) {
    refuseWhenAway();
    yield* super.readStream(...args);
  }

  override async head() {
    refuseWhenAway();
    return super.head();
  }
}

function refuseWhenAway(): void {
  if (isAway) throw new StoreUnavailable('it is away');
}

beforeAll(async () => {
  const log = pino(
    { level: 'info', ...logLines(clock) },
    { write: (line) => lines.push(JSON.parse(line)) },
  );
  service = await startService(
    {
      ...{ listen: { host: '127.0.0.1', port: 0 }, data: '', store: 'memory', plan: undefined },
      ...{ location: undefined, logLevel: 'info', timeOffsetSeconds: 0, security: undefined },
    },
    { clock, newId: randomUUID, random: Math.random, randomBytes, log, version: '0.0.0' },
    async () => new LeavingStore({ clock }),
  );
  await send('POST', NAMESPACES, { metadata: { name: 'alpha' } });
  await send('POST', LOCATIONS, location('dfw'));
  await send('POST', NETWORKS, network('net-a'));
});

afterAll(() => service.close());

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(service.url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const retryAfter = response.headers.get('retry-after');
  return { code: response.status, retryAfter, text: await response.text() };
}

/** The value of a sample in what Prometheus would read. */
async function sample(name: string): Promise<number> {
  const { text } = await send('GET', '/metrics');
  const found = text.split('\n').find((line) => line.startsWith(`${name} `));
  return Number(found?.slice(name.length));
}

test('a store that is away is answered 503, told of twice, and come back from by itself', async () => {
  expect((await send('POST', CLAIMS, claim('before'))).code).toBe(201);
  expect(await send('GET', '/readyz')).toMatchObject({ code: 200, text: 'ok' });
  expect(await sample('netalloc_store_up')).toBe(1);
  const conflictsBefore = await sample('netalloc_appends_total{outcome="conflict"}');
  lines.length = 0;
  isAway = true;
  const asked = Array.from({ length: 40 }, (_, n) => send('POST', CLAIMS, claim(`away-${n}`)));
  const reads = Array.from({ length: 40 }, () => send('GET', CLAIMS));
  for (const answer of await Promise.all([...asked, ...reads])) {
    expect(answer).toMatchObject({ code: 503, retryAfter: '5' });
  }
  // What informers ask for is what is here.
  expect((await send('GET', `${CLAIMS}?resourceVersion=0`)).code).toBe(200);
  expect(await send('GET', '/readyz')).toMatchObject({ code: 503, text: 'store: it is away' });
  expect(await sample('netalloc_store_up')).toBe(0);
  expect(await sample('netalloc_store_outages')).toBe(1);
  expect(await sample('netalloc_appends_total{outcome="unavailable"}')).toBeGreaterThan(0);
  isAway = false;
  expect((await send('POST', CLAIMS, claim('after'))).code).toBe(201);
  expect(await send('GET', '/readyz')).toMatchObject({ code: 200, text: 'ok' });
  expect(await sample('netalloc_appends_total{outcome="conflict"}')).toBe(conflictsBefore);
  const said = lines.map(({ msg }) => msg);
  const away = 'the store is away: commands are answered 503 until it is back';
  expect(said.filter((msg) => msg === away)).toHaveLength(1);
  expect(said.filter((msg) => msg === 'the store is back')).toHaveLength(1);
  // Each other warning once, however many requests there were, and no fault.
  expect(said.length).toBeLessThan(8);
  expect(lines.filter(({ level }) => level > 40)).toEqual([]);
});

test('what is measured tells how appends and views do', async () => {
  const stored = await sample('netalloc_appends_total{outcome="stored"}');
  expect(stored).toBeGreaterThan(3);
  expect(await sample('netalloc_append_seconds_count')).toBeGreaterThanOrEqual(stored);
  const head = await sample('netalloc_store_position');
  expect(await sample('netalloc_views_position')).toBe(head);
  const applied = await sample('netalloc_views_events_total');
  expect(applied).toBeGreaterThan(0);
  expect(await sample('netalloc_views_lag_seconds_count')).toBe(applied);
});
