import { expect, it } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { ViewedObject } from '../../src/views/views.ts';
import { commands, leasedPlan, smallPlan } from './driver.ts';
import { CLAIM, conditionOf, conditionsOf, NIC, opened } from './fixture.ts';

const NETWORKING = 'networking.datumapis.com/v1alpha';
const IPAM = 'ipam.miloapis.com/v1alpha1';

const addresses = [
  {
    family: 'IPv6',
    address: 'fd20::1:0:0/96',
    subnet: 'fd20::/64',
    gateway: 'fd20::1',
    class: 'tenant-endpoint-ipv6',
    primary: true,
  },
  {
    family: 'IPv4',
    address: '10.128.0.2/32',
    subnet: '10.128.0.0/20',
    gateway: '10.128.0.1',
    class: 'tenant-endpoint-ipv4',
    primary: false,
  },
];

it('shows a claim with its addresses, and what it still waits for', async () => {
  const { driver, views, caughtUp } = await opened();
  const metadata = { labels: { app: 'web' } };
  const claim = commands.claim('web-0', {}, metadata);
  const { firstRevision, events } = await driver.project('alpha', claim);
  await caughtUp();
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const seen = { lastTransitionTime, observedGeneration: 1 };
  const viewed = views.get(CLAIM, 'alpha', 'web-0') as ViewedObject;
  expect(viewed.revision).toBe(firstRevision + events.length - 1);
  expect(viewed.position).toBe(views.position);
  expect(viewed.object).toEqual({
    apiVersion: NETWORKING,
    kind: CLAIM,
    metadata: {
      name: 'web-0',
      namespace: 'alpha',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: String(views.position),
      generation: 1,
      creationTimestamp: lastTransitionTime,
      labels: { app: 'web', 'networking.datumapis.com/location': 'here' },
    },
    spec: claim.spec,
    status: {
      networkInterfaceRef: { name: 'web-0' },
      addresses,
      conditions: [
        { type: 'Bound', status: 'True', reason: 'Bound', message: expect.any(String), ...seen },
        {
          ...{ type: 'Allocated', status: 'True', reason: 'Allocated' },
          ...{ message: expect.any(String), ...seen },
        },
        ...['Prepared', 'Programmed'].map((type) => ({
          ...{ type, status: 'Unknown', reason: 'Pending' },
          ...{ message: 'waiting for the provider', ...seen },
        })),
        {
          ...{ type: 'Ready', status: 'Unknown', reason: 'NotPrepared' },
          ...{ message: 'waiting for the provider', ...seen },
        },
      ],
    },
  });
});

it('shows an interface with everything that a NIC needs', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  const { uid } = object(CLAIM, 'web-0').metadata;
  const nic = object(NIC, 'web-0');
  expect(nic.metadata).toEqual({
    name: 'web-0',
    namespace: 'alpha',
    uid: uuidOf(uid, NIC),
    resourceVersion: object(CLAIM, 'web-0').metadata.resourceVersion,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'networking.datumapis.com/location': 'here' },
  });
  expect(nic.spec).toEqual({
    network: { name: 'net' },
    location: { name: 'here' },
    claimRef: { name: 'web-0', uid },
    interfaceName: 'eth0',
    attachmentMode: 'Netns',
    mtu: 1460,
    addresses,
    reclaimPolicy: 'Delete',
  });
  expect(nic.status).toMatchObject({ phase: 'Bound', networkContextRef: { name: 'net.here' } });
  expect(conditionsOf(nic)).toEqual({
    Allocated: 'True/Allocated',
    Prepared: 'Unknown/Pending',
    Programmed: 'Unknown/Pending',
  });
});

it('shows why a claim waits, and binds it in the version that follows', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0', { location: { name: 'elsewhere' } }));
  await caughtUp();
  const waiting = object(CLAIM, 'web-0');
  expect(conditionsOf(waiting)).toEqual({
    Bound: 'False/LocationNotFound',
    Allocated: 'False/LocationNotFound',
    Prepared: 'Unknown/Pending',
    Programmed: 'Unknown/Pending',
    Ready: 'False/NotBound',
  });
  expect(conditionOf(waiting, 'Ready').message).toBe('location "elsewhere" does not exist');
  expect(waiting.status).not.toHaveProperty('addresses');
  driver.now += 5_500;
  await driver.location('elsewhere');
  await driver.serve('alpha');
  await caughtUp();
  const bound = object(CLAIM, 'web-0');
  expect(conditionsOf(bound)).toMatchObject({ Bound: 'True/Bound', Ready: 'Unknown/NotPrepared' });
  expect(conditionOf(bound, 'Bound').lastTransitionTime).toBe('2026-01-01T00:00:05Z');
  expect(conditionOf(bound, 'Prepared').lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  expect(bound.status?.addresses).toHaveLength(2);
});

it('copies what a provider reports to the claim, which becomes ready', async () => {
  const { driver, views, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  const at = '2026-01-01T00:00:07Z';
  const more = { vpc: 'vpc-1', attachmentRef: { apiGroup: 'x.io', kind: 'Port', name: 'p' } };
  driver.now += 9_000;
  const { firstRevision } = await driver.project(
    'alpha',
    commands.report('web-0', 'True', at, more),
  );
  await caughtUp();
  const [claim, nic] = [object(CLAIM, 'web-0'), object(NIC, 'web-0')];
  expect(nic.status).toMatchObject(more);
  expect(conditionOf(nic, 'Programmed')).toEqual({
    ...{ type: 'Programmed', status: 'True', reason: 'Told', message: 'by the provider' },
    ...{ lastTransitionTime: at, observedGeneration: 1 },
  });
  expect(conditionsOf(claim)).toMatchObject({ Prepared: 'True/Told', Ready: 'True/Ready' });
  expect(conditionOf(claim, 'Prepared').lastTransitionTime).toBe(at);
  expect(conditionOf(claim, 'Ready').lastTransitionTime).toBe('2026-01-01T00:00:09Z');
  expect(conditionOf(claim, 'Bound').lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  expect(views.get(CLAIM, 'alpha', 'web-0')?.revision).toBe(firstRevision);
  expect([claim.metadata.generation, nic.metadata.generation]).toEqual([1, 1]);

  const later = '2026-01-01T00:01:00Z';
  await driver.project('alpha', commands.report('web-0', 'True', later));
  await caughtUp();
  expect(object(NIC, 'web-0').status).not.toHaveProperty('vpc');
  expect(conditionOf(object(NIC, 'web-0'), 'Prepared').lastTransitionTime).toBe(later);
  expect(conditionOf(object(CLAIM, 'web-0'), 'Prepared').lastTransitionTime).toBe(at);

  const report = commands.report('web-0', 'False', later);
  const conditions = report.status.conditions.filter(({ type }) => type === 'Programmed');
  await driver.project('alpha', { ...report, status: { conditions } });
  await caughtUp();
  expect(conditionsOf(object(CLAIM, 'web-0'))).toMatchObject({
    Prepared: 'True/Told',
    Programmed: 'False/Told',
    Ready: 'False/NotProgrammed',
  });
});

it('retains an interface and gives it back as the provider left it', async () => {
  const { driver, views, caughtUp, object } = await opened();
  const claim = commands.claim('web-0', { reclaimPolicy: 'Retain' });
  const at = '2026-01-01T00:00:07Z';
  await driver.project('alpha', claim);
  await driver.project('alpha', commands.report('web-0', 'True', at, { vpc: 'vpc-1' }));
  await caughtUp();
  const before = object(NIC, 'web-0');
  driver.now += 60_000;
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeUndefined();
  const retained = object(NIC, 'web-0');
  const { claimRef, ...spec } = before.spec as Record<string, unknown>;
  expect(retained.spec).toEqual(spec);
  expect(retained.status).toMatchObject({
    phase: 'Available',
    retention: { retainedAt: '2026-01-01T00:01:00Z' },
    vpc: 'vpc-1',
  });
  expect(retained.metadata.generation).toBe(2);
  expect(conditionOf(retained, 'Allocated').observedGeneration).toBe(2);
  expect(conditionOf(retained, 'Programmed')).toEqual(conditionOf(before, 'Programmed'));

  await driver.project('alpha', claim);
  await caughtUp();
  const [again, rebound] = [object(CLAIM, 'web-0'), object(NIC, 'web-0')];
  expect(rebound.metadata.uid).toBe(before.metadata.uid);
  expect(rebound.spec).toEqual({ ...spec, claimRef: { name: 'web-0', uid: again.metadata.uid } });
  expect(rebound.status).not.toHaveProperty('retention');
  expect(rebound.status).toMatchObject({ phase: 'Bound', vpc: 'vpc-1' });
  expect(conditionsOf(again)).toMatchObject({ Bound: 'True/Bound', Ready: 'True/Ready' });
  expect(conditionOf(again, 'Programmed').lastTransitionTime).toBe(at);
  expect(again.status?.addresses).toEqual(addresses);
});

it('lets interfaces follow the MTU of their network, each a generation on', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  const [claim, nic] = [object(CLAIM, 'web-0'), object(NIC, 'web-0')];
  const update = { type: 'UpdateNetwork', name: 'net', expect: {}, metadata: {} } as const;
  const { spec } = commands.createNetwork();
  await driver.project('alpha', { ...update, spec: { ...spec, mtu: 8856 } });
  await caughtUp();
  const after = object(NIC, 'web-0');
  expect(after.spec).toEqual({ ...nic.spec, mtu: 8856 });
  expect(after.metadata.generation).toBe(2);
  expect(conditionOf(after, 'Allocated').observedGeneration).toBe(2);
  expect(conditionOf(after, 'Programmed').observedGeneration).toBe(1);
  expect(object(CLAIM, 'web-0')).toEqual(claim);
});

it('warns of the end of a retention, and takes the warning back when it is bound again', async () => {
  const { driver, caughtUp, object } = await opened(true, leasedPlan());
  const claim = commands.claim('web-0', { reclaimPolicy: 'Retain' });
  await driver.project('alpha', claim);
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(object(NIC, 'web-0').status?.retention).toEqual({
    ...{ retainedAt: '2026-01-01T00:00:00Z', expiresAt: '2026-01-01T01:00:00Z' },
  });
  expect(conditionsOf(object(NIC, 'web-0'))).not.toHaveProperty('Expiring');
  driver.now += 3_600_000;
  await driver.project('alpha', { type: 'ExpireRetentions' });
  await caughtUp();
  const expiring = object(NIC, 'web-0');
  expect(conditionOf(expiring, 'Expiring')).toMatchObject({
    ...{ status: 'True', reason: 'LeaseOver', lastTransitionTime: '2026-01-01T01:00:00Z' },
    message: 'the retention lease is over; released at 2026-01-01T01:01:00.000Z',
  });
  expect(expiring.status?.phase).toBe('Available');
  await driver.project('alpha', claim);
  await caughtUp();
  expect(conditionsOf(object(NIC, 'web-0'))).not.toHaveProperty('Expiring');
  expect(object(NIC, 'web-0').status).not.toHaveProperty('retention');
});

it('shows a terminating interface until its last finalizer goes', async () => {
  const { driver, views, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  const finalizers = ['provider.example/nic'];
  const labels = { 'networking.datumapis.com/location': 'a lie', own: 'label' };
  await driver.project('alpha', commands.metadata(NIC, 'web-0', { labels, finalizers }));
  driver.now += 3_000;
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeUndefined();
  const { metadata } = object(NIC, 'web-0');
  expect(metadata).toMatchObject({
    generation: 2,
    deletionTimestamp: '2026-01-01T00:00:03Z',
    deletionGracePeriodSeconds: 0,
    finalizers,
    labels: { own: 'label', 'networking.datumapis.com/location': 'here' },
  });
  expect(conditionOf(object(NIC, 'web-0'), 'Allocated').observedGeneration).toBe(2);
  expect(conditionOf(object(NIC, 'web-0'), 'Prepared').observedGeneration).toBe(1);
  await driver.project('alpha', commands.metadata(NIC, 'web-0', {}));
  await caughtUp();
  expect(views.get(NIC, 'alpha', 'web-0')).toBeUndefined();
});

it('shows a terminating claim with its conditions of the new generation', async () => {
  const { driver, views, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0', {}, { finalizers: ['a/b'] }));
  await driver.project('alpha', commands.deleteClaim('web-0'));
  await caughtUp();
  const claim = object(CLAIM, 'web-0');
  expect(claim.metadata).toMatchObject({ generation: 2, deletionGracePeriodSeconds: 0 });
  for (const type of ['Bound', 'Prepared', 'Ready']) {
    expect(conditionOf(claim, type).observedGeneration).toBe(2);
  }
  await driver.project('alpha', commands.metadata(CLAIM, 'web-0', { annotations: { a: 'b' } }));
  await caughtUp();
  expect(views.get(CLAIM, 'alpha', 'web-0')).toBeUndefined();
  expect(views.get(NIC, 'alpha', 'web-0')).toBeUndefined();
});

it('shows a network with its ranges, and a project that was given a further one', async () => {
  const { driver, views, caughtUp, object } = await opened();
  const network = object('Network', 'net');
  expect(network.spec).toEqual(commands.createNetwork().spec);
  expect(network.status).toMatchObject({
    ipam: { ipv6Prefix: 'fd20::/48', ipv4Range: '10.128.0.0/9' },
  });
  const met = { IPAMAllocated: 'True/Allocated', Ready: 'True/Allocated' };
  expect(conditionsOf(network)).toEqual(met);
  // The ranges follow from other events: the writer knows the network by the one that made it.
  const { position, revision } = views.get('Network', 'alpha', 'net') as ViewedObject;
  expect(revision).toBe(driver.projectState('alpha').networks.get('net')?.revision);
  expect(position).toBe(views.position);

  for (let n = 1; n < 256; n += 1) {
    await driver.project('alpha', commands.createNetwork(`n${n}`, ['IPv6']));
  }
  await driver.project('alpha', {
    ...commands.createNetwork('policy'),
    spec: { ipFamilies: ['IPv6'], mtu: 1460, ipam: { mode: 'Policy' } },
  });
  await caughtUp();
  expect(object('Network', 'n255').status?.ipam).toEqual({ ipv6Prefix: 'fd20:0:ff::/48' });
  expect(object('Network', 'policy').status?.ipam).toEqual({});
  expect(conditionsOf(object('Network', 'policy'))).toMatchObject({ Ready: 'True/Policy' });
  // The project's range is full: the next network brings it a further one.
  await driver.project('alpha', commands.createNetwork('n256', ['IPv6']));
  await caughtUp();
  expect(object('Network', 'n256').status?.ipam).toEqual({ ipv6Prefix: 'fd20:0:100::/48' });
  expect(object('Namespace', 'alpha', '').metadata.annotations).toEqual({
    'networking.datumapis.com/ipv6-range': 'fd20::/40,fd20:0:100::/40',
  });
  const pool = object('IPPool', 'tenant-project-ipv6.alpha', '');
  expect(pool.spec?.additionalCIDRs).toEqual(['fd20:0:100::/40']);
  expect(pool.metadata.generation).toBe(2);
});

it('shows which range a network waits for, until it has it', async () => {
  const { driver, caughtUp, object } = await opened(true, smallPlan());
  await driver.project('beta', commands.createNamespace);
  await driver.project('beta', commands.createNetwork());
  await caughtUp();
  const waiting = object('Network', 'net', 'beta');
  expect(waiting.status?.ipam).toEqual({ ipv4Range: '10.128.0.0/9' });
  const unmet = 'False/AddressPoolExhausted';
  expect(conditionsOf(waiting)).toEqual({ IPAMAllocated: unmet, Ready: unmet });
  expect(conditionOf(waiting, 'Ready').message).toContain(
    'pool "tenant-ipv6" (root) has no free /40',
  );
  driver.now += 8_000;
  await driver.project('alpha', commands.deleteNetwork());
  await driver.project('alpha', commands.deleteNamespace);
  await driver.returnEnded();
  await driver.serve('beta');
  await caughtUp();
  const met = object('Network', 'net', 'beta');
  expect(met.status?.ipam).toEqual({ ipv4Range: '10.128.0.0/9', ipv6Prefix: 'fd20::/48' });
  expect(conditionsOf(met)).toMatchObject({ Ready: 'True/Allocated' });
  expect(conditionOf(met, 'Ready').lastTransitionTime).toBe('2026-01-01T00:00:08Z');
  expect(met.metadata.generation).toBe(1);
});

it('counts a generation for a changed spec, and none for metadata', async () => {
  const { driver, views, caughtUp, object } = await opened();
  const { spec } = commands.createNetwork();
  const metadata = { labels: { a: 'b' } };
  const update = { type: 'UpdateNetwork', name: 'net', expect: {}, spec, metadata } as const;
  await driver.project('alpha', update);
  await caughtUp();
  expect(object('Network', 'net').metadata).toMatchObject({ generation: 1, ...metadata });
  await driver.project('alpha', { ...update, spec: { ...spec, mtu: 9000 }, metadata: {} });
  await caughtUp();
  const network = object('Network', 'net');
  expect(network.metadata.generation).toBe(2);
  expect(network.metadata).not.toHaveProperty('labels');
  expect(conditionOf(network, 'Ready').observedGeneration).toBe(2);
  expect(conditionOf(network, 'Ready').lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  const { revision } = views.get('Network', 'alpha', 'net') as ViewedObject;
  expect(revision).toBe(driver.projectState('alpha').networks.get('net')?.revision);
});

it('shows a network context with its sizes, its interfaces, and what it has of its network', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await driver.project('alpha', commands.claim('web-1', { ipFamilies: ['IPv4'] }));
  await caughtUp();
  const before = object('NetworkContext', 'net.here');
  expect(before.spec).toEqual({ network: { name: 'net' }, location: { name: 'here' } });
  expect(before.status).toMatchObject({
    subnets: [
      {
        ...{ family: 'IPv6', prefix: 'fd20::/64', gateway: 'fd20::1', total: String(2n ** 64n) },
        ...{ held: String(2n ** 32n), free: String(2n ** 64n - 2n ** 33n) },
      },
      {
        ...{ family: 'IPv4', prefix: '10.128.0.0/20', gateway: '10.128.0.1', total: '4096' },
        ...{ held: '2', free: '4090' },
      },
    ],
    mtu: 1460,
    ipFamilies: ['IPv6', 'IPv4'],
    interfaces: 2,
  });
  expect(before.status).not.toHaveProperty('subnets.0.pool');
  expect(conditionsOf(before)).toEqual({
    IPAMAllocated: 'True/Allocated',
    Ready: 'True/Allocated',
  });
  const spec = { ...commands.createNetwork().spec, mtu: 1500 };
  await driver.project('alpha', {
    ...{ type: 'UpdateNetwork', name: 'net', expect: {}, metadata: {}, spec },
  });
  await driver.project('alpha', commands.deleteClaim('web-1'));
  await caughtUp();
  const after = object('NetworkContext', 'net.here');
  expect(after.status).toMatchObject({ mtu: 1500, interfaces: 1 });
  expect(after.metadata.generation).toBe(before.metadata.generation);
  // For its writer it is what it was; readers and watches see that it follows its network.
  expect(BigInt(after.metadata.resourceVersion)).toBeGreaterThan(
    BigInt(before.metadata.resourceVersion),
  );
});

it('shows a context that was asked for with its very subnets', async () => {
  const { driver, caughtUp, object } = await opened();
  const subnets = [{ family: 'IPv4', prefix: '10.130.0.0/20' }] as const;
  await driver.project('alpha', {
    ...{ type: 'CreateNetworkContext', network: 'net', location: 'there', metadata: {} },
    subnets: [...subnets],
  });
  await caughtUp();
  const context = object('NetworkContext', 'net.there');
  expect(context.spec?.subnets).toEqual(subnets);
  expect(context.status?.subnets).toMatchObject([{ prefix: 'fd20::/64' }, subnets[0]]);
});

it('shows projects, and the built-in one from the first event on', async () => {
  const { driver, views, caughtUp, object } = await opened(false);
  const system = views.get('Namespace', '', 'netalloc-system') as ViewedObject;
  expect(system.position).toBe(1n);
  expect(system.object).toEqual({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: 'netalloc-system',
      uid: uuidOf('Namespace', 'netalloc-system'),
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    status: { phase: 'Active' },
  });
  await driver.project('alpha', commands.createNamespace);
  const metadata = { finalizers: ['a/b'] };
  await driver.project('alpha', commands.metadata('Namespace', 'alpha', metadata));
  await driver.project('alpha', commands.createNetwork());
  await driver.project('alpha', commands.metadata('Namespace', 'alpha', metadata));
  await caughtUp();
  // The annotation is the ledger's: metadata that lacks it does not take it away.
  expect(object('Namespace', 'alpha', '').metadata.annotations).toEqual({
    'networking.datumapis.com/ipv6-range': 'fd20::/40',
  });
  await driver.project('alpha', commands.deleteNamespace);
  await caughtUp();
  expect(object('Namespace', 'alpha', '').status).toEqual({ phase: 'Terminating' });
  await driver.project('alpha', commands.metadata('Namespace', 'alpha', {}));
  await caughtUp();
  expect(views.get('Namespace', '', 'alpha')).toBeUndefined();
});

it('shows locations with what they answer for', async () => {
  const { driver, views, caughtUp, object } = await opened(false);
  expect(conditionsOf(object('Location', 'here', ''))).toEqual({ Ready: 'True/Available' });
  const spec = { projects: ['alpha'], draining: true };
  const update = { type: 'UpdateLocation', name: 'here', expect: {}, spec } as const;
  await driver.platform({ ...update, metadata: { finalizers: ['a/b'] } });
  await caughtUp();
  const draining = object('Location', 'here', '');
  expect([draining.spec, draining.metadata.generation]).toEqual([spec, 2]);
  expect(conditionsOf(draining)).toEqual({ Ready: 'True/Draining' });
  await driver.platform({ ...update, metadata: { finalizers: ['a/b'], labels: { a: 'b' } } });
  await caughtUp();
  const labelled = { generation: 2, finalizers: ['a/b'], labels: { a: 'b' } };
  expect(object('Location', 'here', '').metadata).toMatchObject(labelled);
  await driver.platform({ type: 'DeleteLocation', name: 'here', expect: {}, standing: 0 });
  await caughtUp();
  expect(conditionsOf(object('Location', 'here', ''))).toEqual({ Ready: 'True/Terminating' });
  expect(conditionOf(object('Location', 'here', ''), 'Ready').observedGeneration).toBe(3);
  await driver.platform({ ...commands.metadata('Location', 'here', {}) });
  await caughtUp();
  expect(views.get('Location', '', 'here')).toBeUndefined();
});

it('shows classes and pools, authored ones and those made on demand', async () => {
  const { driver, caughtUp, object } = await opened();
  await driver.project('alpha', commands.claim('web-0'));
  await caughtUp();
  const endpoint = object('IPClass', 'tenant-endpoint-ipv6', '');
  expect(endpoint.metadata.annotations).toEqual({ 'ipam.miloapis.com/is-default-class': 'true' });
  expect(endpoint.spec).toMatchObject({ ipFamily: 'IPv6', defaultPrefixLength: 96 });
  expect(object('IPClass', 'tenant-ipv6', '').metadata).not.toHaveProperty('annotations');

  const root = object('IPPool', 'tenant-ipv6', '');
  expect(root.apiVersion).toBe(IPAM);
  expect(root.metadata.generation).toBe(1);
  expect(root.spec).toEqual({ ipFamily: 'IPv6', cidr: 'fd20::/20', classNames: ['tenant-ipv6'] });
  const total = 2n ** 108n;
  const carved = 2n ** 88n;
  expect(root.status).toMatchObject({
    phase: 'Ready',
    allocatedCIDR: 'fd20::/20',
    capacity: {
      ...{ total: String(total), carved: String(carved), free: String(total - carved) },
      ...{ reserved: '0', held: '0', retained: '0', quarantined: '0' },
    },
    utilizationPercent: 0.0,
  });
  const subnet = object('IPPool', 'tenant-subnet-ipv4.alpha.net.here', '');
  expect(subnet.spec).toEqual({
    ipFamily: 'IPv4',
    classRef: { name: 'tenant-subnet-ipv4' },
    scope: { project: 'alpha', network: 'net', location: 'here' },
    parentPoolRef: { name: 'tenant-network-ipv4.alpha.net' },
  });
  expect(subnet.status).toMatchObject({
    phase: 'Ready',
    allocatedCIDR: '10.128.0.0/20',
    capacity: { total: '4096', reserved: '4', held: '1', free: '4091' },
    utilizationPercent: 0.122,
  });
  const project = object('IPPool', 'tenant-project-ipv6.alpha', '');
  expect(project.spec?.parentPoolRef).toEqual({ name: 'tenant-ipv6' });
  expect(project.metadata).not.toHaveProperty('namespace');
});

it('gives a pool that is made again another uid', async () => {
  const { driver, views, caughtUp, object } = await opened();
  const name = 'tenant-network-ipv4.alpha.net';
  const first = object('IPPool', name, '').metadata.uid;
  await driver.project('alpha', commands.deleteNetwork());
  await caughtUp();
  expect(views.get('IPPool', '', name)).toBeUndefined();
  await driver.project('alpha', commands.createNetwork());
  await caughtUp();
  expect(object('IPPool', name, '').metadata.uid).not.toBe(first);
});
