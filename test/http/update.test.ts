import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  INTERFACES,
  LOCATIONS,
  location,
  NAMESPACES,
  NETWORKS,
  network,
  type World,
  world,
} from './world.ts';

const NET = `${NETWORKS}/net-a`;
const CLAIM = `${CLAIMS}/web-0`;

async function withNetwork(spec: object = {}, metadata: object = {}): Promise<World> {
  const made = world();
  await made.post(NETWORKS, network('net-a', spec, metadata));
  return made;
}

async function withClaim(metadata: object = {}): Promise<World> {
  const made = world();
  await made.post(CLAIMS, claim('web-0', {}, metadata));
  return made;
}

describe('PUT', () => {
  test('changes the spec with a command that expects what was read', async () => {
    const { ledger, get, put } = await withNetwork();
    const { body } = await get(NET);
    body.spec.mtu = 1500;
    body.metadata.labels = { app: 'x' };
    const changed = await put(NET, body);
    expect(changed.code).toBe(200);
    expect(changed.body.spec.mtu).toBe(1500);
    expect(ledger.commands[1]).toEqual({
      type: 'UpdateNetwork',
      name: 'net-a',
      spec: { ipFamilies: ['IPv6'], mtu: 1500, ipam: { mode: 'Auto' } },
      metadata: { labels: { app: 'x' } },
      expect: { uid: body.metadata.uid, revision: 1 },
    });
  });

  test('changes metadata alone with the command for that', async () => {
    const { ledger, get, put } = await withClaim({ labels: { a: '1' } });
    const { body } = await get(CLAIM);
    body.metadata.labels.b = '2';
    const changed = await put(CLAIM, body);
    expect(changed.code).toBe(200);
    expect(changed.body.metadata.labels).toEqual({
      a: '1',
      b: '2',
      'networking.datumapis.com/location': 'dfw',
    });
    expect(ledger.sent[1]).toMatchObject({
      project: 'alpha',
      command: {
        type: 'ChangeMetadata',
        kind: 'NetworkInterfaceClaim',
        name: 'web-0',
        metadata: { labels: { a: '1', b: '2' } },
        expect: { uid: body.metadata.uid },
      },
    });
  });

  test('of a location goes to the platform, of a namespace to its project', async () => {
    const { ledger, post, get, put } = world();
    await post(LOCATIONS, location('dfw'));
    const { body } = await get(`${LOCATIONS}/dfw`);
    const changed = {
      draining: true,
      projects: ['alpha'],
      topology: { a: 'b' },
      provider: { c: 1 },
    };
    const spec = { ...body.spec, ...changed };
    expect((await put(`${LOCATIONS}/dfw`, { ...body, spec })).code).toBe(200);
    expect(ledger.sent[1]).toMatchObject({
      project: undefined,
      command: { type: 'UpdateLocation', name: 'dfw', spec },
    });
    const alpha = (await get(`${NAMESPACES}/alpha`)).body;
    const labels = { team: 'x' };
    const renamed = await put(`${NAMESPACES}/alpha`, {
      ...alpha,
      spec: { finalizers: ['kubernetes'] },
      metadata: { ...alpha.metadata, labels },
    });
    expect(renamed.code).toBe(200);
    expect(ledger.sent[2]).toMatchObject({
      project: 'alpha',
      command: { type: 'ChangeMetadata', kind: 'Namespace', name: 'alpha', metadata: { labels } },
    });
  });

  test('that changes nothing sends nothing and answers with the object as it is', async () => {
    const { ledger, get, put } = await withClaim({ labels: { a: '1' }, finalizers: ['x.io/y'] });
    const { body } = await get(CLAIM);
    const same = await put(CLAIM, { ...body, status: { anything: 1 } });
    expect(same.code).toBe(200);
    expect(same.body).toEqual(body);
    expect(ledger.sent).toHaveLength(1);
  });

  test('without fields that have defaults means the defaults', async () => {
    const { ledger, put } = await withClaim();
    const bare = { ...claim('web-0'), metadata: { name: 'web-0' } };
    expect((await put(CLAIM, bare)).code).toBe(200);
    expect(ledger.sent).toHaveLength(1);
  });

  test('replaces metadata: what is not sent is gone', async () => {
    const { ledger, put } = await withClaim({ labels: { a: '1' }, annotations: { b: '2' } });
    expect((await put(CLAIM, claim('web-0', {}, { annotations: { b: '2' } }))).code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({ metadata: { annotations: { b: '2' } } });
    expect(ledger.commands[1]).not.toHaveProperty('metadata.labels');
  });

  test.each([
    ['a stale resourceVersion', { resourceVersion: '1' }, 409, 'Conflict'],
    ['another uid', { uid: 'other' }, 409, 'Conflict'],
    ['another name', { name: 'web-1' }, 400, 'BadRequest'],
    ['no name', { name: undefined }, 400, 'BadRequest'],
    ['another namespace', { namespace: 'beta' }, 400, 'BadRequest'],
  ])('with %s is refused', async (_what, metadata, code, reason) => {
    const { ledger, get, put } = await withClaim();
    const { body } = await get(CLAIM);
    const refused = await put(CLAIM, { ...body, metadata: { ...body.metadata, ...metadata } });
    expect([refused.code, refused.body.reason]).toEqual([code, reason]);
    if (code === 409) {
      expect(refused.body.message).toContain(
        'Operation cannot be fulfilled on networkinterfaceclaims.networking.datumapis.com "web-0": ',
      );
    }
    expect(ledger.sent).toHaveLength(1);
  });

  test('with a stale resourceVersion says so in the words of Kubernetes', async () => {
    const { get, put } = await withClaim();
    const { body } = await get(CLAIM);
    body.metadata.resourceVersion = '1';
    expect((await put(CLAIM, body)).body.message).toContain(
      ': the object has been modified; please apply your changes to the latest version',
    );
  });

  test('of an absent object is not found', async () => {
    const { put } = world();
    const absent = await put(CLAIM, claim('web-0'));
    expect(absent.code).toBe(404);
    expect(absent.body.message).toBe(
      'networkinterfaceclaims.networking.datumapis.com "web-0" not found',
    );
  });
});

describe('immutable fields', () => {
  const bare = { network: { name: 'net-a' }, location: { name: 'dfw' } };
  const v6 = 'IPv6';
  const v4 = 'IPv4';
  const rows: readonly [string, object, object, string][] = [
    ['network', {}, { network: { name: 'net-b' } }, 'spec.network'],
    ['location', {}, { location: { name: 'lhr' } }, 'spec.location'],
    ['interfaceName', {}, { interfaceName: 'eth1' }, 'spec.interfaceName'],
    ['attachmentMode', {}, { attachmentMode: 'Hypervisor' }, 'spec.attachmentMode'],
    ['ipFamilies', {}, { ipFamilies: [v6, v4] }, 'spec.ipFamilies'],
    ['addresses, from none', {}, { addresses: [{ class: 'c' }] }, 'spec.addresses'],
    [
      'addresses, to none',
      { addresses: [{ class: 'c' }] },
      { addresses: undefined },
      'spec.addresses',
    ],
    ['reclaimPolicy', {}, { reclaimPolicy: 'Retain' }, 'spec.reclaimPolicy'],
    ['pin, from none', {}, { networkInterfaceName: 'x' }, 'spec.networkInterfaceName'],
  ];

  test.each(rows)('of a claim: %s', async (_what, first, then, field) => {
    const { ledger, post, put } = world();
    await post(CLAIMS, claim('web-0', { ...bare, ...first }));
    const refused = await put(CLAIM, claim('web-0', { ...bare, ...first, ...then }));
    expect(refused.code).toBe(422);
    expect(refused.body.reason).toBe('Invalid');
    expect(refused.body.details.causes[0].field).toBe(field);
    expect(refused.body.message).toContain('field is immutable');
    expect(ledger.sent).toHaveLength(1);
  });

  test.each([
    ['ipam', {}, { ipam: { mode: 'Policy' } }, 422],
    ['a range, from none', {}, { ipam: { mode: 'Auto', ipv4Range: '10.0.0.0/8' } }, 422],
    ['a family taken away', { ipFamilies: [v6, v4] }, { ipFamilies: [v6] }, 422],
    ['families in another order', { ipFamilies: [v6, v4] }, { ipFamilies: [v4, v6] }, 422],
    ['a family put in front', { ipFamilies: [v6] }, { ipFamilies: [v4, v6] }, 422],
    ['a family added', { ipFamilies: [v6] }, { ipFamilies: [v6, v4] }, 200],
    ['another MTU', {}, { mtu: 8856 }, 200],
  ])('of a network: %s', async (_what, first, then, code) => {
    const { ledger, put } = await withNetwork(first);
    const answer = await put(NET, network('net-a', { ...first, ...then }));
    expect(answer.code).toBe(code);
    if (code === 422) expect(answer.body.message).toContain('field is immutable');
    expect(ledger.sent).toHaveLength(code === 422 ? 1 : 2);
  });

  test('of a location: its class', async () => {
    const { post, put } = world();
    await post(LOCATIONS, location('dfw'));
    const refused = await put(`${LOCATIONS}/dfw`, location('dfw', { locationClassName: 'x' }));
    expect(refused.code).toBe(422);
    expect(refused.body.details.causes[0].field).toBe('spec.locationClassName');
  });

  test('of a context: all', async () => {
    const { post, patch } = world();
    await post(CONTEXTS, { metadata: {}, spec: bare });
    const subnets = [{ family: 'IPv4', prefix: '10.128.0.0/20' }];
    const refused = await patch(`${CONTEXTS}/net-a.dfw`, { spec: { subnets } });
    expect(refused.code).toBe(422);
    expect(refused.body.details.causes[0].field).toBe('spec.subnets');
  });

  test('of an interface: all, whatever a client sends', async () => {
    const { ledger, get, put, patch } = await withClaim();
    const url = `${INTERFACES}/web-0`;
    expect((await patch(url, { spec: { mtu: 1400 } })).code).toBe(422);
    expect((await patch(url, { spec: { claimRef: null } })).code).toBe(422);
    const { body } = await get(url);
    const { spec, ...rest } = body;
    expect((await put(url, rest)).code).toBe(422);
    expect(ledger.sent).toHaveLength(1);
    rest.metadata.finalizers = ['provider.example.com/nic'];
    expect((await put(url, { ...rest, spec })).code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({ type: 'ChangeMetadata', kind: 'NetworkInterface' });
  });

  test('the label of the location', async () => {
    const { ledger, patch, put } = await withClaim();
    const key = 'networking.datumapis.com/location';
    const refused = await patch(CLAIM, { metadata: { labels: { [key]: 'lhr' } } });
    expect(refused.code).toBe(422);
    expect(refused.body.details.causes[0].field).toBe(`metadata.labels[${key}]`);
    const removed = await put(CLAIM, claim('web-0', {}, { labels: {} }));
    expect(removed.code).toBe(200);
    expect(removed.body.metadata.labels).toEqual({ [key]: 'dfw' });
    expect(ledger.sent).toHaveLength(1);
  });
});

test('the annotation that the ledger keeps on namespaces is no client\u2019s', async () => {
  const { ledger, post, get, put, patch } = world();
  const key = 'networking.datumapis.com/ipv6-range';
  await post(NAMESPACES, { metadata: { name: 'beta', annotations: { [key]: 'x', a: 'b' } } });
  expect(ledger.commands[0]).toMatchObject({ metadata: { annotations: { a: 'b' } } });
  expect(ledger.commands[0]).not.toHaveProperty(['metadata', 'annotations', key]);
  ledger.put('Namespace', '', 'gamma', {
    metadata: { annotations: { [key]: 'fd20::/40' } } as never,
  });
  const url = `${NAMESPACES}/gamma`;
  const { body } = await get(url);
  expect((await put(url, { metadata: { name: 'gamma' } })).body).toEqual(body);
  expect((await patch(url, { metadata: { annotations: { [key]: 'y' } } })).body).toEqual(body);
  expect(ledger.sent).toHaveLength(1);
});

describe('PATCH', () => {
  test('merges: null removes, objects merge, lists replace', async () => {
    const { ledger, patch } = await withClaim({
      labels: { a: '1', b: '2' },
      finalizers: ['x.io/a', 'x.io/b'],
    });
    const metadata = { labels: { a: null, c: '3' }, finalizers: ['x.io/b'] };
    expect((await patch(CLAIM, { metadata })).code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({
      metadata: { labels: { b: '2', c: '3' }, finalizers: ['x.io/b'] },
    });
    expect(ledger.commands[1]).not.toHaveProperty('metadata.labels.a');
  });

  test('of a spec leaves what it does not name', async () => {
    const { ledger, patch } = await withNetwork({ ipam: { ipv4Range: '10.0.0.0/8' } });
    expect((await patch(NET, { spec: { mtu: 1400 } })).code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({
      type: 'UpdateNetwork',
      spec: { mtu: 1400, ipam: { mode: 'Auto', ipv4Range: '10.0.0.0/8' } },
    });
  });

  test('does not change the object that the views hold', async () => {
    const { ledger, patch } = await withClaim({ labels: { a: '1' } });
    const held = ledger.views.get('NetworkInterfaceClaim', 'alpha', 'web-0')?.object;
    const before = JSON.stringify(held);
    await patch(CLAIM, { metadata: { labels: { a: null, b: '2' } }, spec: { x: 1 } });
    await patch(`${CLAIM}?fieldValidation=Ignore`, { metadata: { labels: { a: null } }, x: 1 });
    expect(JSON.stringify(held)).toBe(before);
  });

  test.each([
    ['unknown field', { spec: { flavour: 'x' } }, 400, 'unknown field "spec.flavour"'],
    ['wrong type', { metadata: { labels: { a: 1 } } }, 422, 'metadata.labels.a'],
    ['required field removed', { spec: { network: null } }, 422, 'spec.network: Required value'],
    ['another name', { metadata: { name: 'x' } }, 400, 'does not match the name on the URL'],
    ['another kind', { kind: 'Network' }, 400, 'cannot be handled as'],
    ['stale version', { metadata: { resourceVersion: '1' } }, 409, 'has been modified'],
    ['a list', [], 400, 'must be a JSON object'],
  ])('with %s is refused', async (_what, body, code, message) => {
    const { ledger, patch } = await withClaim();
    const refused = await patch(CLAIM, body);
    expect(refused.code).toBe(code);
    expect(refused.body.message).toContain(message);
    expect(ledger.sent).toHaveLength(1);
  });

  test.each(['application/strategic-merge-patch+json', 'application/json', 'text/plain'])(
    'of type %s is not supported',
    async (type) => {
      const { patch } = await withClaim();
      const refused = await patch(CLAIM, {}, { 'content-type': type });
      expect([refused.code, refused.body.reason]).toEqual([415, 'UnsupportedMediaType']);
      expect(refused.body.message).toBe(
        'the body of the request was in an unknown format - accepted media types include: ' +
          'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
      );
    },
  );

  test('of an absent object creates none', async () => {
    const { ledger, patch } = world();
    expect((await patch(CLAIM, { spec: {} })).code).toBe(404);
    expect(ledger.sent).toHaveLength(0);
  });

  test('keeps managed fields when a client sends none', async () => {
    const { ledger, patch } = world();
    const entry = {
      manager: 'x',
      operation: 'Apply',
      apiVersion: 'networking.datumapis.com/v1alpha',
    };
    const fieldsV1 = { 'f:spec': { 'f:mtu': {} } };
    const managedFields = [{ ...entry, fieldsType: 'FieldsV1', fieldsV1 }];
    ledger.put('Network', 'alpha', 'net-a', {
      metadata: { managedFields } as never,
      spec: { ipFamilies: ['IPv6'], mtu: 1460, ipam: { mode: 'Auto' } },
    });
    const labels = { a: '1' };
    expect((await patch(NET, { metadata: { managedFields: null, labels } })).code).toBe(200);
    const { metadata } = ledger.commands[0] as { metadata: { managedFields: object[] } };
    expect(metadata).toMatchObject({ labels });
    expect(metadata.managedFields).toContainEqual(managedFields[0]);
    // Who has written the label is kept, too, since owners are.
    expect(metadata.managedFields).toHaveLength(2);
  });
});

describe('a conflict', () => {
  const other = (made: World, label: string) => () => {
    const held = made.ledger.views.get('Network', 'alpha', 'net-a')?.object;
    const labels = { ...held?.metadata.labels, other: label };
    const metadata = { ...held?.metadata, labels } as never;
    made.ledger.put('Network', 'alpha', 'net-a', { ...held, metadata });
  };

  test('is overcome where the writer names no version, with the same command', async () => {
    const made = await withNetwork();
    made.ledger.before = [other(made, 'x'), other(made, 'y')];
    const changed = await made.patch(NET, { metadata: { labels: { mine: '1' } } });
    expect(changed.code).toBe(200);
    expect(changed.body.metadata.labels).toEqual({ mine: '1', other: 'y' });
    const ids = made.ledger.sent.slice(1).map(({ request }) => request.commandId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  test('is told to a writer that names a version', async () => {
    const made = await withNetwork();
    const { resourceVersion } = (await made.get(NET)).body.metadata;
    made.ledger.before = [other(made, 'x')];
    const metadata = { resourceVersion, labels: { mine: '1' } };
    const refused = await made.patch(NET, { metadata });
    expect(refused.code).toBe(409);
    expect(refused.body.message).toContain('the object has been modified');
    expect(made.ledger.sent).toHaveLength(2);
  });

  test('that never ends is told after a bounded number of attempts', async () => {
    const made = await withNetwork();
    const { unconditionalWriteAttemptsMax } = limits;
    made.ledger.before = Array.from({ length: 100 }, (_, i) => other(made, `v${i}`));
    expect((await made.patch(NET, { metadata: { labels: { mine: '1' } } })).code).toBe(409);
    expect(made.ledger.sent).toHaveLength(1 + unconditionalWriteAttemptsMax);
  });
});

describe('finalizers', () => {
  test('the last one that is removed ends a deleted object, which is shown once more', async () => {
    const { ledger, get, delete: remove, patch } = await withClaim({ finalizers: ['x.io/y'] });
    expect((await remove(CLAIM)).body.metadata.deletionTimestamp).toBeDefined();
    const last = await patch(CLAIM, { metadata: { finalizers: null } });
    expect(last.code).toBe(200);
    expect(last.body.kind).toBe('NetworkInterfaceClaim');
    expect(last.body.metadata).toMatchObject({ name: 'web-0' });
    expect(last.body.metadata.finalizers).toBeUndefined();
    expect(last.body.metadata.resourceVersion).toBe(String(ledger.views.position));
    expect((await get(CLAIM)).code).toBe(404);
  });

  test('and the same as a dry run', async () => {
    const { get, delete: remove, patch } = await withClaim({ finalizers: ['x.io/y'] });
    await remove(CLAIM);
    const dry = await patch(`${CLAIM}?dryRun=All`, { metadata: { finalizers: [] } });
    expect(dry.code).toBe(200);
    expect(dry.body.metadata).toMatchObject({ name: 'web-0' });
    expect(dry.body.metadata.finalizers).toBeUndefined();
    expect((await get(CLAIM)).body.metadata.finalizers).toEqual(['x.io/y']);
  });

  test('cannot be added to an object that is being deleted', async () => {
    const { delete: remove, patch } = await withClaim({ finalizers: ['x.io/y'] });
    await remove(CLAIM);
    const refused = await patch(CLAIM, { metadata: { finalizers: ['x.io/y', 'x.io/z'] } });
    expect(refused.code).toBe(422);
    expect(refused.body.details.causes).toEqual([
      {
        reason: 'FieldValueForbidden',
        field: 'metadata.finalizers',
        message:
          'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/z"}',
      },
    ]);
  });
});

test('a dry run of an update shows what it would be and changes nothing', async () => {
  const { get, patch } = await withNetwork();
  const dry = await patch(`${NET}?dryRun=All`, { spec: { mtu: 1400 } });
  expect([dry.code, dry.body.spec.mtu]).toEqual([200, 1400]);
  expect((await get(NET)).body.spec.mtu).toBe(1460);
});
