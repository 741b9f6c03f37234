import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Access,
  type Answer,
  accessIn,
  paths,
  ServiceProcess,
  send,
} from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';

/** The workload's files, sent to a real process as they stand. */
const file = (name: string) =>
  JSON.parse(readFileSync(join(ROOT, 'src', 'cli', 'workload', name), 'utf8'));

const data = mkdtempSync(join(tmpdir(), 'netalloc-workload-'));
let service: ServiceProcess;
let operator: Access;

beforeAll(async () => {
  service = await ServiceProcess.start(data, { isSecured: true });
  operator = accessIn(join(data, 'kubeconfig'));
});

afterAll(async () => {
  service.kill('SIGTERM');
  await service.ended();
  rmSync(data, { recursive: true, force: true });
});

const claims = paths.of('alpha', 'networkinterfaceclaims');
const interfaces = paths.of('alpha', 'networkinterfaces');

function claimFor(location: string, replica: number) {
  const claim = file('claim.json');
  claim.metadata.name = `web-${location}-${replica}`;
  claim.spec.location.name = location;
  return claim;
}

const ask = (method: string, path: string, body?: object) =>
  send(operator.server, method, path, body, operator.headers);
const post = (path: string, body: object) => ask('POST', path, body);
const get = (path: string) => ask('GET', path);
const remove = (path: string) => ask('DELETE', path);
const addressesOf = (answer: Answer): string[] =>
  answer.body.status.addresses.map(({ address }: { address: string }) => address);

describe('a dual-stack workload in two locations', () => {
  let retained: string[] = [];

  it('gets a project, a network and locations from the files', async () => {
    expect((await post(paths.namespaces, file('project.json'))).code).toBe(201);
    const network = await post(paths.of('alpha', 'networks'), file('network.json'));
    expect(network.code).toBe(201);
    expect(network.body.status.ipam).toEqual({
      ipv6Prefix: 'fd20::/48',
      ipv4Range: '10.128.0.0/9',
    });
    const [first, second] = file('locations.json');
    for (const location of [first, second]) {
      expect((await post(paths.locations, location)).code).toBe(201);
    }
    const project = await get(paths.namespace('alpha'));
    expect(project.body.metadata.annotations).toEqual({
      'networking.datumapis.com/ipv6-range': 'fd20::/40',
    });
  });

  it('answers each claim with its addresses, in a subnet of its location', async () => {
    const answers: string[][] = [];
    for (const location of ['us-central-1', 'eu-west-1']) {
      for (const replica of [0, 1]) {
        const answer = await post(claims, claimFor(location, replica));
        expect(answer.code).toBe(201);
        answers.push(addressesOf(answer));
      }
    }
    expect(answers).toEqual([
      ['fd20::1:0:0/96', '10.128.0.2/32'],
      ['fd20::2:0:0/96', '10.128.0.3/32'],
      ['fd20::1:0:1:0:0/96', '10.128.16.2/32'],
      ['fd20::1:0:2:0:0/96', '10.128.16.3/32'],
    ]);
  });

  it('publishes interfaces with everything that a NIC needs', async () => {
    const { body } = await get(`${interfaces}/web-eu-west-1-1`);
    expect(body.spec).toMatchObject({
      network: { name: 'default' },
      location: { name: 'eu-west-1' },
      claimRef: { name: 'web-eu-west-1-1' },
      interfaceName: 'eth0',
      attachmentMode: 'Netns',
      mtu: 1460,
      addresses: [
        {
          family: 'IPv6',
          address: 'fd20::1:0:2:0:0/96',
          subnet: 'fd20:0:0:1::/64',
          gateway: 'fd20:0:0:1::1',
          primary: true,
          class: 'tenant-endpoint-ipv6',
        },
        {
          family: 'IPv4',
          address: '10.128.16.3/32',
          subnet: '10.128.16.0/20',
          gateway: '10.128.16.1',
          primary: false,
          class: 'tenant-endpoint-ipv4',
        },
      ],
      reclaimPolicy: 'Retain',
    });
  });

  it('keeps the addresses of a replica that is scaled away', async () => {
    const claim = `${claims}/web-us-central-1-1`;
    retained = addressesOf(await get(claim));
    expect((await remove(claim)).code).toBe(200);
    expect((await get(claim)).code).toBe(404);
    const { body } = await get(`${interfaces}/web-us-central-1-1`);
    expect(body.status.phase).toBe('Available');
    expect(body.spec.claimRef).toBeUndefined();
    expect(body.status.retention.retainedAt).toMatch(/^20\d\d-/);
  });

  it('gives them back to the replica that returns', async () => {
    const before = (await get(`${interfaces}/web-us-central-1-1`)).body.metadata.uid;
    const answer = await post(claims, claimFor('us-central-1', 1));
    expect(addressesOf(answer)).toEqual(retained);
    const { body } = await get(`${interfaces}/web-us-central-1-1`);
    expect([body.metadata.uid, body.status.phase]).toEqual([before, 'Bound']);
  });

  it('serves a claim that came before its location, once that is created', async () => {
    const early = await post(claims, claimFor('us-west-1', 0));
    expect(early.code).toBe(201);
    const bound = early.body.status.conditions.find(
      ({ type }: { type: string }) => type === 'Bound',
    );
    expect(bound).toMatchObject({ status: 'False', reason: 'LocationNotFound' });
    expect((await post(paths.locations, file('locations.json')[2])).code).toBe(201);
    await expect
      .poll(async () => (await get(`${claims}/web-us-west-1-0`)).body.status.addresses?.length)
      .toBe(2);
  });

  it('refuses to delete the network while it is in use, with counts', async () => {
    const refused = await remove(paths.of('alpha', 'networks', 'default'));
    expect(refused.code).toBe(409);
    expect(refused.body).toMatchObject({ kind: 'Status', reason: 'InUse' });
    expect(refused.body.message).toContain('5 interfaces');
    expect((await get(paths.of('alpha', 'networks', 'default'))).code).toBe(200);
  });

  it('shows counts that add up', async () => {
    const { body } = await get(paths.of('alpha', 'networkcontexts', 'default.us-central-1'));
    expect(body.status.subnets).toEqual([
      {
        ...{ family: 'IPv6', prefix: 'fd20::/64', gateway: 'fd20::1' },
        ...{ total: String(2n ** 64n), held: String(2n ** 33n) },
        free: String(2n ** 64n - 2n ** 33n - 2n ** 32n),
      },
      {
        ...{ family: 'IPv4', prefix: '10.128.0.0/20', gateway: '10.128.0.1' },
        ...{ total: '4096', held: '2', free: '4090' },
      },
    ]);
  });
});
