import { describe, expect, test } from 'vitest';
import { realService } from './real-service.ts';
import { ALPHA, CLAIMS, INTERFACES, LOCATIONS, NAMESPACES, NETWORKS } from './world.ts';

const real = realService('apply');

const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const API = 'networking.datumapis.com/v1alpha';
const PROVIDED = { type: 'Prepared', status: 'True', reason: 'Attached' };

/** Applies a configuration, in JSON as kubectl sends it, or in YAML. */
function apply(url: string, manager: string, configuration: unknown, query = '') {
  return real.send('PATCH', `${url}?fieldManager=${manager}${query}`, configuration, APPLY);
}

function update(url: string, manager: string, patch: unknown) {
  return real.send('PATCH', `${url}?fieldManager=${manager}`, patch);
}

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: object;
}

function ownersIn(object: { metadata: { managedFields?: Entry[] } }) {
  const entries = object.metadata.managedFields ?? [];
  return entries.map(({ manager, operation, fieldsV1 }) => [manager, operation, fieldsV1]);
}

describe('applying an object that is not there', () => {
  test('creates it with what the configuration owns, and nothing of the defaults', async () => {
    const made = await apply(`${NETWORKS}/fresh`, 'one', {
      apiVersion: API,
      kind: 'Network',
      metadata: { labels: { team: 'a' }, finalizers: ['example.com/keep'] },
      spec: { mtu: 1500 },
    });
    expect(made.code).toBe(201);
    expect(made.body.spec).toEqual({ ipFamilies: ['IPv6'], mtu: 1500, ipam: { mode: 'Auto' } });
    expect(made.body.metadata.managedFields).toEqual([
      {
        manager: 'one',
        operation: 'Apply',
        apiVersion: API,
        time: '2026-03-02T08:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': {
            'f:labels': { 'f:team': {} },
            'f:finalizers': { 'v:"example.com/keep"': {} },
          },
          'f:spec': { 'f:mtu': {} },
        },
      },
    ]);
  });

  test('again changes nothing, not even its resourceVersion', async () => {
    const configuration = { spec: { mtu: 1500 } };
    const first = await apply(`${NETWORKS}/twice`, 'one', configuration);
    real.nowMs += 60_000;
    const second = await apply(`${NETWORKS}/twice`, 'one', configuration);
    expect([first.code, second.code]).toEqual([201, 200]);
    expect(second.body.metadata).toEqual(first.body.metadata);
  });

  test('makes a claim with its addresses, once', async () => {
    const configuration = 'spec:\n  network: {name: net-a}\n  location: {name: dfw}\n';
    const first = await apply(`${CLAIMS}/web-0`, 'compute', configuration);
    expect(first.code).toBe(201);
    expect(first.body.status.addresses).toHaveLength(1);
    const second = await apply(`${CLAIMS}/web-0`, 'compute', configuration);
    expect([second.code, second.body]).toEqual([200, first.body]);
  });

  test('with a key is answered as it was the first time', async () => {
    const key = { ...APPLY, 'idempotency-key': 'apply-keyed' };
    const url = `${NETWORKS}/keyed?fieldManager=one`;
    const first = await real.send('PATCH', url, { spec: { mtu: 1500 } }, key);
    const second = await real.send('PATCH', url, { spec: { mtu: 1500 } }, key);
    expect([first.code, second.code]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
  });

  test('makes none in a dry run', async () => {
    const dry = await apply(`${NETWORKS}/dry`, 'one', { spec: {} }, '&dryRun=All');
    expect([dry.code, dry.body.metadata.name]).toEqual([201, 'dry']);
    expect((await real.get(`${NETWORKS}/dry`)).code).toBe(404);
  });

  test('works for cluster kinds and namespaces', async () => {
    const location = await apply(`${LOCATIONS}/lhr`, 'one', { spec: { topology: { city: 'x' } } });
    const project = await apply(`${NAMESPACES}/beta`, 'one', { metadata: { labels: { a: '1' } } });
    expect([location.code, project.code]).toEqual([201, 201]);
    expect(ownersIn(location.body)[0]?.[2]).toEqual({
      'f:spec': { 'f:topology': { 'f:city': {} } },
    });
    expect(ownersIn(project.body)[0]?.[2]).toEqual({
      'f:metadata': { 'f:labels': { 'f:a': {} } },
    });
  });

  test('that clients do not create, or that it says it knows, is refused', async () => {
    expect((await apply(`${INTERFACES}/none`, 'one', {})).code).toBe(404);
    const known = { metadata: { uid: '6a1f5f4e-2f0e-4a52-8a43-0d6f8f6f1d11' } };
    const refused = await apply(`${NETWORKS}/none`, 'one', known);
    expect([refused.code, refused.body.reason]).toEqual([409, 'Conflict']);
    expect(refused.body.message).toContain('no existing object was found');
    const versioned = await apply(`${NETWORKS}/none`, 'one', {
      metadata: { resourceVersion: '5' },
    });
    expect([versioned.code, versioned.body.reason]).toEqual([409, 'Conflict']);
  });
});

describe('conflicts', () => {
  test('of one field are worded as upstream words them', async () => {
    await apply(`${NETWORKS}/one-conflict`, 'one', { spec: { mtu: 1500 } });
    const refused = await apply(`${NETWORKS}/one-conflict`, 'two', { spec: { mtu: 1600 } });
    expect(refused.code).toBe(409);
    expect(refused.body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.mtu',
      reason: 'Conflict',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.mtu' },
        ],
      },
      code: 409,
    });
  });

  test('of several are listed by manager, with who updated and when', async () => {
    const url = `${NETWORKS}/conflicts`;
    await apply(url, 'one', { spec: { mtu: 1500 }, metadata: { labels: { a: '1' } } });
    const before = await update(url, 'editor', { metadata: { labels: { b: '1' } } });
    const [{ time }] = before.body.metadata.managedFields.filter(
      ({ manager }: Entry) => manager === 'editor',
    );
    const wanted = { spec: { mtu: 1600 }, metadata: { labels: { a: '2', b: '2' } } };
    const refused = await apply(url, 'two', wanted);
    expect(refused.body.message).toBe(
      [
        'Apply failed with 3 conflicts: conflicts with "editor" using networking.datumapis.com/v1alpha',
        ` at ${time}:\n- .metadata.labels.b\n`,
        'conflicts with "one":\n- .metadata.labels.a\n- .spec.mtu',
      ].join(''),
    );
    expect(refused.body.details.causes).toHaveLength(3);
  });

  test('are no conflicts where both say the same, and then both own it', async () => {
    const url = `${NETWORKS}/shared`;
    await apply(url, 'one', { spec: { mtu: 1500 } });
    const shared = await apply(url, 'two', { spec: { mtu: 1500 } });
    expect(ownersIn(shared.body).map(([manager]) => manager)).toEqual(['one', 'two']);
    // What one of two owners no longer says stays.
    const left = await apply(url, 'one', { spec: {} });
    expect([left.body.spec.mtu, ownersIn(left.body).length]).toEqual([1500, 1]);
    const gone = await apply(url, 'two', { spec: {} });
    expect([gone.body.spec.mtu, ownersIn(gone.body)]).toEqual([1460, []]);
  });

  test('are won with force', async () => {
    const url = `${NETWORKS}/forced`;
    await apply(url, 'one', { spec: { mtu: 1500 }, metadata: { labels: { a: '1' } } });
    const forced = await apply(url, 'two', { spec: { mtu: 1600 } }, '&force=true');
    expect([forced.code, forced.body.spec.mtu]).toEqual([200, 1600]);
    expect(ownersIn(forced.body)).toEqual([
      ['one', 'Apply', { 'f:metadata': { 'f:labels': { 'f:a': {} } } }],
      ['two', 'Apply', { 'f:spec': { 'f:mtu': {} } }],
    ]);
  });

  test('do not arise for kubectl with what it has applied by itself', async () => {
    const url = `${NETWORKS}/upgraded`;
    const own = { apiVersion: API, kind: 'Network', metadata: { name: 'upgraded' } };
    const text = JSON.stringify({ ...own, spec: { mtu: 1500 } });
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': text };
    await real.send('POST', `${NETWORKS}?fieldManager=kubectl-client-side-apply`, {
      ...{ ...own, metadata: { name: 'upgraded', annotations } },
      spec: { mtu: 1500 },
    });
    expect((await apply(url, 'other', { spec: { mtu: 1600 } })).code).toBe(409);
    const upgraded = await apply(url, 'kubectl', { spec: { mtu: 1600 } });
    expect([upgraded.code, upgraded.body.spec.mtu]).toEqual([200, 1600]);
    // What somebody has changed since is not its own any more.
    await update(url, 'editor', { spec: { mtu: 1700 } });
    expect((await apply(url, 'kubectl', { spec: { mtu: 1800 } })).code).toBe(409);
  });
});

describe('who has written', () => {
  test('is kept from the first write that says who it is', async () => {
    const url = `${NETWORKS}/untold`;
    const made = await real.send('POST', NETWORKS, { metadata: { name: 'untold' }, spec: {} });
    expect(made.body.metadata.managedFields).toBeUndefined();
    const named = await update(url, 'editor', { metadata: { labels: { a: '1' } } });
    expect(ownersIn(named.body)).toEqual([
      [
        'before-first-apply',
        'Update',
        { 'f:spec': { 'f:ipFamilies': {}, 'f:ipam': { '.': {}, 'f:mode': {} }, 'f:mtu': {} } },
      ],
      ['editor', 'Update', { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } }],
    ]);
    // From then on a program that does not say it goes by its own name.
    const headers = { 'user-agent': 'controller/v1.2 (linux)' };
    const untold = await real.send('PATCH', url, { spec: { mtu: 1500 } }, headers);
    const fields = { 'f:spec': { 'f:mtu': {} } };
    expect(ownersIn(untold.body)).toContainEqual(['controller', 'Update', fields]);
    expect((await apply(url, 'one', { spec: { mtu: 1600 } })).code).toBe(409);
  });

  test('is forgotten when a body says so, and else taken from a body that tells it', async () => {
    const url = `${NETWORKS}/told`;
    const { body } = await apply(url, 'one', { spec: { mtu: 1500 } });
    const [entry] = body.metadata.managedFields;
    const renamed = await real.send(
      'PATCH',
      url,
      [
        { op: 'replace', path: '/metadata/managedFields', value: [{ ...entry, manager: 'two' }] },
        { op: 'replace', path: '/metadata/resourceVersion', value: body.metadata.resourceVersion },
      ],
      { 'content-type': 'application/json-patch+json' },
    );
    expect([renamed.code, ownersIn(renamed.body)[0]?.[0]]).toEqual([200, 'two']);
    const reset = await update(url, 'one', { metadata: { managedFields: [{}] } });
    expect(reset.body.metadata.managedFields).toBeUndefined();
  });

  test('a write that changes nothing leaves no trace', async () => {
    const url = `${NETWORKS}/untouched`;
    await real.send('POST', NETWORKS, { metadata: { name: 'untouched' }, spec: {} });
    const { body } = await real.get(url);
    const same = await real.send('PUT', `${url}?fieldManager=editor`, body);
    expect([same.code, same.body]).toEqual([200, body]);
  });
});

describe('what a manager no longer applies', () => {
  test('goes, with defaults in its place', async () => {
    const url = `${NETWORKS}/dropped`;
    const full = { metadata: { labels: { a: '1', b: '2' } }, spec: { mtu: 1500 } };
    await apply(url, 'one', full);
    const less = await apply(url, 'one', { metadata: { labels: { b: '2' } } });
    expect(less.body.metadata.labels).toEqual({ b: '2' });
    expect([less.body.spec.mtu, less.body.metadata.generation]).toEqual([1460, 2]);
  });

  test('may not be what cannot change', async () => {
    const url = `${CLAIMS}/fixed`;
    const spec = { network: { name: 'net-a' }, location: { name: 'dfw' } };
    await apply(url, 'one', { spec: { ...spec, reclaimPolicy: 'Retain' } });
    const refused = await apply(url, 'one', { spec });
    expect([refused.code, refused.body.reason]).toEqual([422, 'Invalid']);
    expect(refused.body.details.causes).toMatchObject([{ field: 'spec.reclaimPolicy' }]);
  });

  test('of lists whose items are known apart goes item by item', async () => {
    const url = `${NETWORKS}/items`;
    const owner = (uid: string) => ({ apiVersion: 'v1', kind: 'X', name: 'x', uid });
    const lists = (finalizers: string[], uids: string[]) => ({
      metadata: { finalizers, ownerReferences: uids.map(owner) },
    });
    await apply(url, 'one', lists(['a.com/1', 'a.com/2'], ['u1']));
    await apply(url, 'two', lists(['a.com/2', 'a.com/3'], ['u2']));
    const left = await apply(url, 'one', lists(['a.com/1'], []));
    expect(left.body.metadata.finalizers).toEqual(['a.com/1', 'a.com/2', 'a.com/3']);
    expect(left.body.metadata.ownerReferences).toEqual([owner('u2')]);
    const emptied = await apply(url, 'two', {});
    expect(emptied.body.metadata.finalizers).toEqual(['a.com/1']);
    const doubled = await apply(url, 'two', lists(['a.com/9', 'a.com/9'], []));
    expect([doubled.code, doubled.body.reason]).toEqual([422, 'Invalid']);
  });
});

test('exclusions and classes of a pool are owned one by one', async () => {
  const ipam = '/apis/ipam.miloapis.com/v1alpha1';
  for (const name of ['blue', 'green']) {
    const spec = { ipFamily: 'IPv4', defaultPrefixLength: 32 };
    await real.send('POST', `${ipam}/ipclasses`, { metadata: { name }, spec });
  }
  const pool = (classNames: string[], ...cidrs: string[]) => ({
    spec: { classNames, excludedCIDRs: cidrs.map((cidr) => ({ cidr, reason: 'ours' })) },
  });
  const [first, second] = ['198.51.100.0/28', '198.51.100.16/28'];
  const root = { ipFamily: 'IPv4', cidr: '198.51.100.0/24' };
  const mine = pool(['blue'], first as string);
  const url = `${ipam}/ippools/edge`;
  const made = await apply(url, 'one', { spec: { ...root, ...mine.spec } });
  expect(made.code).toBe(201);
  const both = await apply(url, 'two', pool(['green'], second as string));
  expect([both.code, both.body.spec.classNames]).toEqual([200, ['blue', 'green']]);
  const left = await apply(url, 'two', { spec: {} });
  expect(left.body.spec).toEqual(made.body.spec);
});

describe('the status of an interface', () => {
  const nicOf = async (name: string) => {
    const spec = { network: { name: 'net-a' }, location: { name: 'dfw' } };
    await real.send('POST', CLAIMS, { metadata: { name }, spec });
    return `${INTERFACES}/${name}`;
  };

  test('is applied by two providers, one condition each, without a conflict', async () => {
    const nic = await nicOf('nic-two');
    const first = await apply(`${nic}/status`, 'one', { status: { conditions: [PROVIDED] } });
    expect(first.code).toBe(200);
    const programmed = { type: 'Programmed', status: 'True', reason: 'Done' };
    const second = await apply(`${nic}/status`, 'two', { status: { conditions: [programmed] } });
    const types = second.body.status.conditions.map(
      ({ type, status }: { type: string; status: string }) => `${type}=${status}`,
    );
    expect(types).toEqual(['Allocated=True', 'Prepared=True', 'Programmed=True']);
    expect(ownersIn(second.body)[0]).toEqual([
      'one',
      'Apply',
      {
        'f:status': {
          'f:conditions': {
            'k:{"type":"Prepared"}': { '.': {}, 'f:reason': {}, 'f:status': {}, 'f:type': {} },
          },
        },
      },
    ]);
    const [{ subresource }] = second.body.metadata.managedFields;
    expect(subresource).toBe('status');
    expect((await real.get(`${CLAIMS}/nic-two`)).body.status.conditions.at(-1)).toMatchObject({
      ...{ type: 'Ready', status: 'True' },
    });
  });

  test('conflicts where both report the same condition otherwise', async () => {
    const nic = await nicOf('nic-clash');
    await apply(`${nic}/status`, 'one', { status: { conditions: [PROVIDED], vpc: 'v1' } });
    const other = { status: { conditions: [{ ...PROVIDED, reason: 'Other' }] } };
    const refused = await apply(`${nic}/status`, 'two', other);
    expect(refused.body.message).toBe(
      'Apply failed with 1 conflict: conflict with "one" with subresource "status": ' +
        '.status.conditions[type="Prepared"].reason',
    );
  });

  test('again writes nothing, whatever instant it names for the same status', async () => {
    const nic = await nicOf('nic-again');
    const at = (lastTransitionTime: string) => ({
      status: { conditions: [{ ...PROVIDED, lastTransitionTime }] },
    });
    const first = await apply(`${nic}/status`, 'one', at('2026-03-02T08:00:00Z'));
    const second = await apply(`${nic}/status`, 'one', at('2026-03-02T09:00:00Z'));
    expect(second.body).toEqual(first.body);
  });

  test('that is no longer applied is as the ledger had seeded it', async () => {
    const nic = await nicOf('nic-back');
    await apply(`${nic}/status`, 'one', { status: { conditions: [PROVIDED], vpc: 'v1' } });
    const { body } = await apply(`${nic}/status`, 'one', { status: {} });
    expect(body.status.vpc).toBeUndefined();
    expect(body.status.conditions[1]).toMatchObject({
      ...{ type: 'Prepared', status: 'Unknown', reason: 'Pending' },
    });
    expect(ownersIn(body)).toEqual([]);
  });

  test('says nothing of the rest: what is the ledger’s is ignored with a warning', async () => {
    const nic = await nicOf('nic-rest');
    const allocated = { type: 'Allocated', status: 'False', reason: 'No' };
    const answer = await apply(`${nic}/status`, 'one', {
      metadata: { labels: { a: '1' } },
      status: { phase: 'Gone', conditions: [allocated, PROVIDED] },
    });
    expect(answer.headers.get('warning')).toContain('status.phase is kept by the ledger');
    expect(answer.body.status).toMatchObject({ phase: 'Bound' });
    expect(answer.body.metadata.labels).not.toHaveProperty('a');
    expect(JSON.stringify(ownersIn(answer.body))).not.toContain('Allocated');
  });

  test('and a finalizer are owned apart', async () => {
    const nic = await nicOf('nic-apart');
    await apply(`${nic}/status`, 'one', { status: { conditions: [PROVIDED] } });
    const held = await apply(nic, 'one', { metadata: { finalizers: ['example.com/nic'] } });
    expect(held.body.metadata.managedFields).toHaveLength(2);
    const free = await apply(nic, 'one', {});
    expect(free.body.metadata.finalizers).toBeUndefined();
    expect(free.body.metadata.managedFields).toHaveLength(1);
    const changed = await apply(nic, 'one', { spec: { mtu: 9_000 } });
    expect([changed.code, changed.body.reason]).toEqual([422, 'Invalid']);
  });
});

describe('an apply that is refused', () => {
  const url = `${NETWORKS}/net-a`;
  test.each([
    ['without a manager', '', {}, 422, 'fieldManager: Required value: is required for apply patch'],
    ['by a name too long', `?fieldManager=${'x'.repeat(129)}`, {}, 422, 'Too long'],
    ['by a name that cannot be printed', '?fieldManager=a%07', {}, 422, 'printable characters'],
    [
      'with managed fields',
      '?fieldManager=a',
      { metadata: { managedFields: [] } },
      400,
      'must be nil',
    ],
    ['of another kind', '?fieldManager=a', { kind: 'Location' }, 400, 'cannot be handled'],
    ['under another name', '?fieldManager=a', { metadata: { name: 'b' } }, 400, 'does not match'],
    ['with metadata that is none', '?fieldManager=a', { metadata: 1 }, 400, 'must be an object'],
    ['with a field unknown', '?fieldManager=a', { spec: { x: 1 } }, 400, 'unknown field "spec.x"'],
    ['that is no object', '?fieldManager=a', '[1]', 400, 'must be an object'],
    ['that is no YAML', '?fieldManager=a', 'a: [', 400, 'error decoding YAML'],
    ['with a key twice', '?fieldManager=a', 'spec: {}\nspec: {}\n', 400, 'unique'],
    ['with an alias', '?fieldManager=a', 'spec: &a {}\nstatus: *a\n', 400, 'error decoding YAML'],
    ['with a tag', '?fieldManager=a', 'spec: !x {}\n', 400, 'error decoding YAML'],
    ['with a prototype', '?fieldManager=a', 'spec:\n  __proto__: {}\n', 400, 'is not allowed'],
  ])('%s', async (_how, query, body, code, message) => {
    const refused = await real.send('PATCH', `${url}${query}`, body, APPLY);
    expect([refused.code, refused.body.message]).toEqual([code, expect.stringContaining(message)]);
  });

  test('in YAML that is too long or too deep', async () => {
    const long = `spec: {}\n# ${'x'.repeat(300_000)}`;
    expect((await real.send('PATCH', `${url}?fieldManager=a`, long, APPLY)).code).toBe(413);
    const deep = `spec: ${'['.repeat(5_000)}`;
    expect((await real.send('PATCH', `${url}?fieldManager=a`, deep, APPLY)).code).toBe(400);
  });

  test('a field that is not taken is owned by nobody', async () => {
    const query = '&fieldValidation=Warn';
    const configuration = { spec: { mtu: 1500, speed: 7 } };
    const first = await apply(`${NETWORKS}/pruned`, 'one', configuration, query);
    expect(first.headers.get('warning')).toContain('unknown field \\"spec.speed\\"');
    expect(ownersIn(first.body)).toEqual([['one', 'Apply', { 'f:spec': { 'f:mtu': {} } }]]);
    const again = await apply(`${NETWORKS}/pruned`, 'one', configuration, query);
    expect(again.body.metadata).toEqual(first.body.metadata);
  });

  test('force is for applying only', async () => {
    const refused = await real.send('PATCH', `${url}?force=true`, {});
    expect(refused.body.message).toContain('force: Forbidden: may not be specified');
  });

  test('metadata that would be too large with its owners is refused', async () => {
    const keys = Array.from({ length: 9_000 }, (_, index) => [`key-${index}`, 'v']);
    const annotations = Object.fromEntries(keys);
    const refused = await apply(`${ALPHA}/networks/large`, 'one', { metadata: { annotations } });
    expect([refused.code, refused.body.message]).toEqual([
      422,
      expect.stringContaining('managed fields together may take no more than 262144 bytes'),
    ]);
  });
});
