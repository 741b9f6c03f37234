import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { LaggingStore } from './lagging-store.ts';
import { realService } from './real-service.ts';
import { CLAIMS, claim, GROUP, INTERFACES, NETWORKS } from './world.ts';

// Two processes on one log. One of them hears late of what the other one writes.

const log = new MemoryStore({ clock: () => new Date('2026-03-02T08:00:00Z') });
const late = new LaggingStore(log);
const one = realService('one', async () => new LaggingStore(log));
const other = realService('other', async () => late);

afterEach(() => late.release());

/** Asks the one that hears late, and lets it hear when it has looked how far the log is. */
async function askLate<T>(ask: () => Promise<T>): Promise<T> {
  const { looks } = late;
  const answer = ask();
  await expect.poll(() => late.looks).toBeGreaterThan(looks);
  late.release();
  return answer;
}

async function made(name: string): Promise<string> {
  late.hold();
  const { code, body } = await one.send('POST', CLAIMS, claim(name));
  expect(code).toBe(201);
  return body.metadata.resourceVersion;
}

describe('a process that hears late of what another one has written', () => {
  it('shows an object as new as the log is', async () => {
    await made('seen');
    expect((await askLate(() => other.get(`${CLAIMS}/seen`))).code).toBe(200);
  });

  it('lists as new as the log is', async () => {
    await made('listed');
    const { body } = await askLate(() => other.get(CLAIMS));
    const names = body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
    expect(names).toContain('listed');
  });

  it('waits for a version that another process has told', async () => {
    const version = await made('told');
    const query = `resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
    const { code, body } = await askLate(() => other.get(`${CLAIMS}?${query}`));
    expect(code).toBe(200);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(version));
  });

  it('shows the past up to a position that another process has told', async () => {
    const version = await made('past');
    const { code } = await askLate(() => other.get(`${INTERFACES}/past?asOf=${version}`));
    expect(code).toBe(200);
  });

  it('watches from a version that another process has told', async () => {
    const version = await made('watched');
    const query = `watch=true&resourceVersion=${version}&timeoutSeconds=1`;
    const text = await askLate(async () => {
      return (await fetch(`${other.url}${CLAIMS}?${query}`)).text();
    });
    expect(text).not.toContain('Expired');
  });

  it('takes what is at hand for version 0', async () => {
    await made('not-yet');
    expect((await other.get(`${CLAIMS}/not-yet?resourceVersion=0`)).code).toBe(404);
    late.release();
  });

  it('refuses a version that the log does not have', async () => {
    const { code, body } = await other.get(`${CLAIMS}?resourceVersion=999999`);
    expect([code, body.details.causes[0].reason]).toEqual([504, 'ResourceVersionTooLarge']);
  });

  it('deletes what it has not heard of yet', async () => {
    await made('gone');
    expect((await askLate(() => other.send('DELETE', `${CLAIMS}/gone`))).code).toBe(200);
  });

  it('changes what it has not heard of, at the version that another process has told', async () => {
    const version = await made('changed');
    const metadata = { labels: { a: 'b' }, resourceVersion: version };
    const { code } = await askLate(() => other.send('PATCH', `${CLAIMS}/changed`, { metadata }));
    expect(code).toBe(200);
  });

  it('deletes in a batch what it has not heard of yet', async () => {
    await made('of-a-batch');
    const items = [{ delete: { namespace: 'alpha', name: 'of-a-batch' } }];
    const path = '/ledger/v1/claims:batch';
    const { body } = await askLate(() => other.send('POST', path, { items }));
    expect(body.items[0].code).toBe(200);
  });

  describe('of a pool', () => {
    const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';
    const pool = (name: string, cidr: string) => ({
      metadata: { name },
      spec: { ipFamily: 'IPv4', cidr },
    });

    it('changes and deletes it', async () => {
      for (const method of ['PATCH', 'DELETE']) {
        late.hold();
        const name = `told-by-${method.toLowerCase()}`;
        const { code: made } = await one.send('POST', POOLS, pool(name, '203.0.113.0/24'));
        expect(made).toBe(201);
        const body = method === 'PATCH' ? { spec: { draining: true } } : undefined;
        const { code } = await askLate(() => other.send(method, `${POOLS}/${name}`, body));
        expect([method, code]).toEqual([method, 200]);
        if (method === 'PATCH') await one.send('DELETE', `${POOLS}/${name}`);
      }
    });

    it('answers its creation the same under the same key, whatever has happened since', async () => {
      for (const since of ['nothing', 'another-of-its-name']) {
        const create = (service: typeof one, cidr = '192.0.2.0/24') =>
          service.send('POST', POOLS, pool('keyed', cidr), { 'idempotency-key': since });
        late.hold();
        const made = await create(one);
        expect(made.code).toBe(201);
        if (since !== 'nothing') {
          await one.send('DELETE', `${POOLS}/keyed`);
          expect((await one.send('POST', POOLS, pool('keyed', '192.0.2.0/25'))).code).toBe(201);
        }
        const { reads } = late;
        const repeated = create(other);
        await expect.poll(() => late.reads).toBeGreaterThan(reads);
        late.release();
        const { metadata, spec } = made.body;
        expect(await repeated).toMatchObject({ code: 201, body: { metadata, spec } });
        const reused = await create(other, '192.0.2.128/25');
        expect([reused.code, reused.body.reason]).toEqual([422, 'IdempotencyKeyReused']);
        expect((await one.send('DELETE', `${POOLS}/keyed`)).code).toBe(200);
      }
    });
  });

  it('says that it does not know how new it is while the store is away', async () => {
    late.fault = new StoreUnavailable('away');
    const { code, headers } = await other.get(`${NETWORKS}/net-a`);
    expect([code, headers.get('retry-after')]).toEqual([503, '5']);
    expect((await other.get(`${NETWORKS}/net-a?resourceVersion=0`)).code).toBe(200);
    expect((await other.get(`${GROUP}/locations?resourceVersion=0`)).code).toBe(200);
    late.fault = undefined;
    other.logged.splice(0);
  });
});
