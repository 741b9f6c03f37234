import { describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { NAMESPACES } from './world.ts';

const service = realService('ip-claims');
const IPCLAIMS = '/apis/ipam.miloapis.com/v1alpha1/namespaces/alpha/ipclaims';
const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';

const here = { network: 'net-a', location: 'dfw' };
const own = { className: 'tenant-endpoint-ipv4', scope: here };
const block = { poolRef: { name: 'tenant-ipv6' }, prefixLength: 64 };

const named = (name: string, spec: object) => ({ metadata: { name }, spec });
const create = (name: string, spec: object, query = '', headers = {}) =>
  service.send('POST', IPCLAIMS + query, named(name, spec), headers);

/** Nothing of the pool is held for an attempt any more. */
async function heldOf(pool: string): Promise<string> {
  return (await service.get(`${POOLS}/${pool}`)).body.status.capacity.held;
}

describe('an IPClaim over HTTP', () => {
  test('is answered bound, and read, listed and deleted as other kinds are', async () => {
    const made = await create('edge', own);
    expect(made).toMatchObject({
      code: 201,
      body: {
        ...{ apiVersion: 'ipam.miloapis.com/v1alpha1', kind: 'IPClaim', spec: own },
        status: {
          ...{ phase: 'Bound', allocatedCIDR: '10.128.0.2/32', address: '10.128.0.2' },
          poolRef: { name: 'tenant-subnet-ipv4.alpha.net-a.dfw' },
          boundAllocationRef: { name: 'edge' },
          conditions: [{ type: 'Bound', status: 'True', observedGeneration: 1 }],
        },
      },
    });
    expect((await service.get(`${IPCLAIMS}/edge`)).body).toEqual(made.body);
    expect((await service.get(IPCLAIMS)).body.items).toEqual([made.body]);
    const labels = { metadata: { labels: { tier: 'edge' } } };
    const labelled = await service.send('PATCH', `${IPCLAIMS}/edge`, labels);
    expect(labelled).toMatchObject({ code: 200, body: { metadata: labels.metadata } });
    const moved = await service.send('PATCH', `${IPCLAIMS}/edge`, { spec: { prefixLength: 31 } });
    expect(moved).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
    const gone = await service.send('DELETE', `${IPCLAIMS}/edge`);
    expect(gone).toMatchObject({ code: 200, body: { status: 'Success' } });
    expect(await service.get(`${IPCLAIMS}/edge`)).toMatchObject({ code: 404 });
  });

  test('of a pool of the platform is held there; a dry run shows the same and holds none', async () => {
    const before = await heldOf('tenant-ipv6');
    const dry = await create('b', block, '?dryRun=All');
    expect(await heldOf('tenant-ipv6')).toBe(before);
    const made = await create('b', block);
    expect(made.body.status.allocatedCIDR).toMatch(/^fd20:.*\/64$/);
    expect(dry.body.status.allocatedCIDR).toBe(made.body.status.allocatedCIDR);
    expect(made.body.status).not.toHaveProperty('address');
    expect(BigInt(await heldOf('tenant-ipv6')) - BigInt(before)).toBe(2n ** 64n);
    await service.send('DELETE', `${IPCLAIMS}/b`);
    await expect.poll(() => heldOf('tenant-ipv6')).toBe(before);
  });

  test('is the same for the same Idempotency-Key, and takes nothing twice', async () => {
    const key = { 'idempotency-key': 'one-block' };
    const first = await create('c', block, '', key);
    const held = await heldOf('tenant-ipv6');
    const again = await create('c', block, '', key);
    expect(again).toMatchObject({ code: 201, body: first.body });
    expect(await heldOf('tenant-ipv6')).toBe(held);
    expect(await create('c', { ...block, prefixLength: 65 }, '', key)).toMatchObject({
      code: 422,
      body: { reason: 'IdempotencyKeyReused' },
    });
  });

  test.each<[code: number, reason: string, spec: object]>([
    [422, 'Invalid', {}],
    [422, 'Invalid', { className: 'a', ipFamily: 'IPv4' }],
    [422, 'Invalid', { ...own, address: '10.128.0.300' }],
    [422, 'Invalid', { ...block, prefixLength: 0 }],
    [422, 'Invalid', { ...block, prefixLength: 129 }],
    [422, 'Invalid', { ...own, scope: { ...here, network: 'none' } }],
    [422, 'ScopeRolesMissing', { className: 'tenant-endpoint-ipv4' }],
    [422, 'ClassNotFound', { className: 'none' }],
    [422, 'NoOfferingPool', { poolRef: { name: 'none' } }],
    [422, 'PrefixLengthRejected', { ...own, prefixLength: 31 }],
    [422, 'FamilyMismatch', { ...own, address: 'fd20::1' }],
    [409, 'AddressTaken', { ...own, address: '10.128.0.1' }],
    [422, 'PrefixLengthRejected', { ...block, prefixLength: 19 }],
    [507, 'Exhausted', { ...block, prefixLength: 20 }],
  ])('%i %s leaves nothing behind', async (code, reason, spec) => {
    const before = await heldOf('tenant-ipv6');
    const refused = await create('refused', spec);
    expect(refused).toMatchObject({ code, body: { reason, details: { name: 'refused' } } });
    expect(await service.get(`${IPCLAIMS}/refused`)).toMatchObject({ code: 404 });
    await expect.poll(() => heldOf('tenant-ipv6')).toBe(before);
  });

  test('keeps its project: deleting that is refused', async () => {
    await create('kept', own);
    const refused = await service.send('DELETE', `${NAMESPACES}/alpha`);
    expect(refused).toMatchObject({ code: 409, body: { reason: 'InUse' } });
    expect(refused.body.message).toContain('blocks of IPClaims');
  });
});
