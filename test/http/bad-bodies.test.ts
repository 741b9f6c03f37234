import { describe, expect, test } from 'vitest';
import {
  CLAIMS,
  CONTEXTS,
  claim,
  LOCATIONS,
  location,
  NAMESPACES,
  NETWORKS,
  network,
  world,
} from './world.ts';

/** Path, body, code, the field of the cause, a part of its message. */
type Row = readonly [string, unknown, number, string | undefined, string];

const context = (subnets: unknown) => ({
  metadata: {},
  spec: { network: { name: 'n' }, location: { name: 'l' }, subnets },
});

const ROWS: readonly Row[] = [
  // Wholly wrong bodies.
  [CLAIMS, '', 400, undefined, 'the body is empty'],
  [CLAIMS, '{"metadata": x}', 400, undefined, 'not valid JSON: Unexpected token'],
  [CLAIMS, '{"metadata":', 400, undefined, 'not valid JSON: '],
  [CLAIMS, '{"a":1,}', 400, undefined, 'at position 7 (line 1 column 8)'],
  [CLAIMS, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, undefined, 'UTF-8'],
  [CLAIMS, '[]', 400, undefined, 'must be a JSON object'],
  [CLAIMS, 'null', 400, undefined, 'must be a JSON object'],
  [CLAIMS, '"text"', 400, undefined, 'must be a JSON object'],
  [CLAIMS, '{"__proto__": {"x": 1}}', 400, undefined, '"__proto__"'],
  [CLAIMS, '{"spec": {"a": [{"\\u005f_proto__": 1}]}}', 400, undefined, '"__proto__"'],
  [CLAIMS, '{"constructor": {"prototype": {}}}', 400, undefined, '"constructor"'],
  [CLAIMS, `${'['.repeat(100)}${']'.repeat(100)}`, 400, undefined, '64 levels'],
  [CLAIMS, `{"spec":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_001)}`, 400, undefined, '64 levels'],

  // Another kind, version, namespace.
  [
    CLAIMS,
    { ...claim('a'), kind: 'Network' },
    400,
    undefined,
    'Network in version "v1alpha" cannot',
  ],
  [CLAIMS, { ...claim('a'), apiVersion: 'v1' }, 400, undefined, 'the API version in the data (v1)'],
  [CLAIMS, { ...claim('a'), kind: 7 }, 400, undefined, '7 in version'],
  [CLAIMS, { ...claim('a'), kind: { toString: 1 } }, 400, undefined, '{"toString":1} in version'],
  [CLAIMS, { ...claim('a'), apiVersion: { valueOf: 1 } }, 400, undefined, 'data ({"valueOf":1})'],
  [CLAIMS, claim('a', {}, { namespace: 'beta' }), 400, undefined, 'does not match the namespace'],
  [LOCATIONS, location('a', {}, { namespace: 'beta' }), 400, undefined, 'does not match'],
  [
    CLAIMS,
    claim('a', {}, { resourceVersion: '7' }),
    400,
    undefined,
    'should not be set on objects',
  ],

  // Names and metadata.
  [CLAIMS, claim('Web'), 422, 'metadata.name', 'lower case'],
  [CLAIMS, claim('-a'), 422, 'metadata.name', 'lower case'],
  [CLAIMS, claim('a_b'), 422, 'metadata.name', 'lower case'],
  [CLAIMS, claim('a/b'), 422, 'metadata.name', 'lower case'],
  [CLAIMS, claim(''), 422, 'metadata.name', 'lower case'],
  [CLAIMS, claim('a'.repeat(254)), 422, 'metadata.name', '253'],
  [CLAIMS, { ...claim('a'), metadata: {} }, 422, 'metadata.name', 'generateName is required'],
  [CLAIMS, { spec: claim('a').spec }, 422, 'metadata.name', 'generateName is required'],
  [CLAIMS, { ...claim('a'), metadata: 7 }, 422, 'metadata', 'must be of type object'],
  [CLAIMS, claim('a', {}, { name: 7 }), 422, 'metadata.name', 'must be of type string'],
  [CLAIMS, claim('a', {}, { labels: { 'a b': 'x' } }), 422, 'metadata.labels', 'name part'],
  [CLAIMS, claim('a', {}, { labels: { 'A_b/c': 'x' } }), 422, 'metadata.labels', 'prefix part'],
  [CLAIMS, claim('a', {}, { labels: { '/c': 'x' } }), 422, 'metadata.labels', 'prefix part'],
  [CLAIMS, claim('a', {}, { labels: { 'a/b/c': 'x' } }), 422, 'metadata.labels', 'name part'],
  [CLAIMS, claim('a', {}, { labels: { a: '-x' } }), 422, 'metadata.labels', 'a label must be'],
  [CLAIMS, claim('a', {}, { labels: { a: 'x'.repeat(64) } }), 422, 'metadata.labels', '63'],
  [CLAIMS, claim('a', {}, { labels: { a: 7 } }), 422, 'metadata.labels.a', 'type string'],
  [CLAIMS, claim('a', {}, { labels: ['a'] }), 422, 'metadata.labels', 'type record'],
  [
    CLAIMS,
    claim('a', {}, { annotations: { 'a b': '' } }),
    422,
    'metadata.annotations',
    'name part',
  ],
  [
    CLAIMS,
    claim('a', {}, { annotations: { a: 'x'.repeat(262_144) } }),
    422,
    'metadata.annotations',
    'no more than 262144 bytes',
  ],
  [CLAIMS, claim('a', {}, { finalizers: ['a b'] }), 422, 'metadata.finalizers', 'name part'],
  [
    CLAIMS,
    claim('a', {}, { finalizers: Array.from({ length: 65 }, (_, i) => `f${i}`) }),
    422,
    'metadata.finalizers',
    'at most 64 items',
  ],
  [
    CLAIMS,
    claim('a', {}, { ownerReferences: [{ kind: 'a', name: 'b', uid: 'c' }] }),
    422,
    'metadata.ownerReferences[0].apiVersion',
    'Required',
  ],

  // Claims.
  [CLAIMS, { metadata: { name: 'a' }, spec: { location: { name: 'l' } } }, 422, 'spec.network', ''],
  [CLAIMS, claim('a', { network: undefined }), 422, 'spec.network', 'Required value'],
  [CLAIMS, claim('a', { network: {} }), 422, 'spec.network.name', 'Required value'],
  [CLAIMS, claim('a', { network: { name: 'a.b' } }), 422, 'spec.network.name', 'lower case'],
  [CLAIMS, claim('a', { location: undefined }), 422, 'spec.location', 'Required value'],
  [CLAIMS, claim('a', { location: null }), 422, 'spec.location', 'must be of type object'],
  [CLAIMS, claim('a', { interfaceName: '' }), 422, 'spec.interfaceName', 'device name'],
  [CLAIMS, claim('a', { interfaceName: 'a'.repeat(16) }), 422, 'spec.interfaceName', 'device name'],
  [CLAIMS, claim('a', { interfaceName: 'a/b' }), 422, 'spec.interfaceName', 'device name'],
  [CLAIMS, claim('a', { interfaceName: '..' }), 422, 'spec.interfaceName', 'device name'],
  [CLAIMS, claim('a', { interfaceName: 'eth0\n' }), 422, 'spec.interfaceName', 'device name'],
  [
    CLAIMS,
    claim('a', { attachmentMode: 'netns' }),
    422,
    'spec.attachmentMode',
    'supported values: "Netns", "Hypervisor"',
  ],
  [CLAIMS, claim('a', { ipFamilies: [] }), 422, 'spec.ipFamilies', 'no less than 1 items'],
  [
    CLAIMS,
    claim('a', { ipFamilies: ['IPv6', 'IPv6'] }),
    422,
    'spec.ipFamilies[1]',
    'Duplicate value: "IPv6"',
  ],
  [
    CLAIMS,
    claim('a', { ipFamilies: ['IPv5'] }),
    422,
    'spec.ipFamilies[0]',
    'Unsupported value: "IPv5"',
  ],
  [CLAIMS, claim('a', { ipFamilies: 'IPv6' }), 422, 'spec.ipFamilies', 'must be of type array'],
  [
    CLAIMS,
    claim('a', { addresses: [{ class: 'c' }, { class: 'c' }] }),
    422,
    'spec.addresses[1]',
    'Duplicate',
  ],
  [
    CLAIMS,
    claim('a', { addresses: 'abcde'.split('').map((c) => ({ class: c })) }),
    422,
    'spec.addresses',
    'at most 4',
  ],
  [
    CLAIMS,
    claim('a', { addresses: [{ class: 'A' }] }),
    422,
    'spec.addresses[0].class',
    'lower case',
  ],
  [
    CLAIMS,
    claim('a', { reclaimPolicy: 'Recycle' }),
    422,
    'spec.reclaimPolicy',
    'Unsupported value',
  ],
  [
    CLAIMS,
    claim('a', { networkInterfaceName: 'A' }),
    422,
    'spec.networkInterfaceName',
    'lower case',
  ],

  // Networks.
  [NETWORKS, network('a.b'), 422, 'metadata.name', 'lower case'],
  [NETWORKS, network('a'.repeat(64)), 422, 'metadata.name', '63'],
  [NETWORKS, network('a', { mtu: 1_299 }), 422, 'spec.mtu', 'no less than 1300'],
  [NETWORKS, network('a', { mtu: 8_857 }), 422, 'spec.mtu', 'no more than 8856'],
  [NETWORKS, network('a', { mtu: 1460.5 }), 422, 'spec.mtu', 'must be of type int'],
  [NETWORKS, network('a', { mtu: '1460' }), 422, 'spec.mtu', 'must be of type number'],
  [
    NETWORKS,
    '{"metadata":{"name":"a"},"spec":{"mtu":1e400}}',
    422,
    'spec.mtu',
    'must be of type number',
  ],
  [NETWORKS, '{"metadata":{"name":"a"},"spec":{"mtu":123456789012345678901}}', 422, 'spec.mtu', ''],
  [
    NETWORKS,
    network('a', { ipFamilies: ['IPv4', 'IPv4'] }),
    422,
    'spec.ipFamilies[1]',
    'Duplicate',
  ],
  [
    NETWORKS,
    network('a', { ipam: { mode: 'Manual' } }),
    422,
    'spec.ipam.mode',
    'Unsupported value',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv4Range: '10.0.0.1/8' } }),
    422,
    'spec.ipam.ipv4Range',
    'did you mean 10.0.0.0/8',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv4Range: '10.0.0.0' } }),
    422,
    'spec.ipam.ipv4Range',
    'no prefix length',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv4Range: '10.0.0.0/7' } }),
    422,
    'spec.ipam.ipv4Range',
    'a /8 to /20',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv4Range: '10.0.0.0/21' } }),
    422,
    'spec.ipam.ipv4Range',
    'a /8 to /20',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv4Range: 'fd20::/48' } }),
    422,
    'spec.ipam.ipv4Range',
    'an IPv4 prefix',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv6Range: 'fd20::/40' } }),
    422,
    'spec.ipam.ipv6Range',
    'IPv6 /48',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv6Range: 'FD20::/48' } }),
    422,
    'spec.ipam.ipv6Range',
    'written as fd20::/48',
  ],
  [
    NETWORKS,
    network('a', { ipam: { ipv6Range: '::ffff:10.0.0.0/120' } }),
    422,
    'spec.ipam.ipv6Range',
    'IPv4-mapped',
  ],
  [NETWORKS, network('a', { ipam: { ipv6Range: 7 } }), 422, 'spec.ipam.ipv6Range', 'type string'],

  // Contexts, locations, namespaces.
  [
    CONTEXTS,
    context([{ family: 'IPv4', prefix: 'fd20::/64' }]),
    422,
    'spec.subnets[0].prefix',
    'must be an IPv4 prefix',
  ],
  [
    CONTEXTS,
    context([
      { family: 'IPv4', prefix: '10.0.0.0/20' },
      { family: 'IPv4', prefix: '10.0.16.0/20' },
    ]),
    422,
    'spec.subnets[1]',
    'Duplicate',
  ],
  [
    CONTEXTS,
    context([{ family: 'IPv6', prefix: 'nonsense' }]),
    422,
    'spec.subnets[0].prefix',
    'no prefix length',
  ],
  [LOCATIONS, location('a', { draining: 'yes' }), 422, 'spec.draining', 'type boolean'],
  [LOCATIONS, location('a', { projects: ['A'] }), 422, 'spec.projects[0]', 'Invalid'],
  [LOCATIONS, location('a', { topology: { a: 1 } }), 422, 'spec.topology.a', 'type string'],
  [
    LOCATIONS,
    location('a', { provider: { a: 'x'.repeat(32_768) } }),
    422,
    'spec.provider',
    'no more than 32768 bytes',
  ],
  [LOCATIONS, { metadata: { name: 'a' }, spec: [] }, 422, 'spec', 'must be of type object'],
  [NAMESPACES, { metadata: { name: 'a.b' } }, 422, 'metadata.name', 'lower case'],
];

describe('a body that is refused', () => {
  const { ledger, post } = world();
  test.each(ROWS)('%s %j', async (path, body, code, field, message) => {
    const refused = await post(path, body);
    expect(refused.body).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: code === 400 ? 'BadRequest' : 'Invalid',
      code,
    });
    expect(refused.code).toBe(code);
    expect(refused.text.length).toBeLessThan(4_000);
    expect(refused.body.message).toContain(message);
    if (field !== undefined) {
      expect(refused.body.details.causes[0].field).toBe(field);
      expect(refused.body.message).toContain(`is invalid: ${field}: `);
    }
    expect(ledger.sent).toHaveLength(0);
  });

  test('every wrong field is a cause of its own, in the words of kubectl', async () => {
    const spec = { interfaceName: 'a/b', ipFamilies: ['IPv9'] };
    const refused = await post(CLAIMS, claim('web-0', spec));
    expect(refused.body.details).toMatchObject({
      name: 'web-0',
      group: 'networking.datumapis.com',
      kind: 'NetworkInterfaceClaim',
      causes: [
        { reason: 'FieldValueInvalid', field: 'spec.interfaceName' },
        {
          reason: 'FieldValueNotSupported',
          field: 'spec.ipFamilies[0]',
          message: 'Unsupported value: "IPv9": supported values: "IPv6", "IPv4"',
        },
      ],
    });
    const [first, second] = refused.body.details.causes;
    expect(refused.body.message).toBe(
      'NetworkInterfaceClaim.networking.datumapis.com "web-0" is invalid: ' +
        `[spec.interfaceName: ${first.message}, spec.ipFamilies[0]: ${second.message}]`,
    );
  });

  test('a body with very many mistakes gets a short answer, soon', async () => {
    const labels = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a ${i}`, 'x']));
    const unknown = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`a${i}`, 'x']));
    const body = claim('a', unknown, { labels });
    const strict = await post(CLAIMS, body);
    expect(strict.code).toBe(400);
    expect(strict.text.length).toBeLessThan(10_000);
    const pruned = await post(`${CLAIMS}?fieldValidation=Warn`, body);
    expect(pruned.code).toBe(422);
    expect(pruned.body.details.causes).toHaveLength(64);
    expect(pruned.headers.warning).toHaveLength(16);
  });
});

describe('unknown fields', () => {
  const spec = { flavour: 'x', addresses: [{ class: 'c', size: 1 }] };
  const body = { ...claim('a', spec, { nickname: 'a' }), extra: 1 };
  const fields = ['extra', 'metadata.nickname', 'spec.flavour', 'spec.addresses[0].size'];

  test.each(['', '?fieldValidation=Strict', '?fieldValidation='])(
    'are refused: %s',
    async (query) => {
      const { ledger, post } = world();
      const refused = await post(CLAIMS + query, body);
      expect(refused.code).toBe(400);
      const how =
        'NetworkInterfaceClaim in version "v1alpha" cannot be handled as a NetworkInterfaceClaim: ';
      expect(refused.body.message).toContain(`${how}strict decoding error: unknown field `);
      for (const field of fields)
        expect(refused.body.message).toContain(`unknown field "${field}"`);
      expect(ledger.sent).toHaveLength(0);
    },
  );

  test('are taken away with warnings', async () => {
    const { ledger, post } = world();
    const made = await post(`${CLAIMS}?fieldValidation=Warn`, body);
    expect(made.code).toBe(201);
    const warnings = [made.headers.warning].flat();
    expect(warnings.toSorted()).toEqual(
      fields.map((field) => `299 - "unknown field \\"${field}\\""`).toSorted(),
    );
    expect(ledger.commands[0]).toMatchObject({ spec: { addresses: [{ class: 'c' }] } });
    expect(made.text).not.toContain('flavour');
  });

  test('are taken away in silence', async () => {
    const { post } = world();
    const made = await post(`${CLAIMS}?fieldValidation=Ignore`, body);
    expect(made.code).toBe(201);
    expect(made.headers.warning).toBeUndefined();
  });

  test('come with warnings even when the rest of the body is refused', async () => {
    const { post } = world();
    const mixed = claim('a', { flavour: 'x', interfaceName: 'a/b' });
    const refused = await post(`${CLAIMS}?fieldValidation=Warn`, mixed);
    expect(refused.code).toBe(422);
    expect(refused.headers.warning).toEqual(['299 - "unknown field \\"spec.flavour\\""']);
  });

  test('of any name make a harmless header', async () => {
    const { post } = world();
    const odd = claim('a', { 'a"b\r\nSet-Cookie: x=\u00e9\u4e2d': 1 });
    const made = await post(`${CLAIMS}?fieldValidation=Warn`, odd);
    expect(made.code).toBe(201);
    expect(made.headers['set-cookie']).toBeUndefined();
    expect(String(made.headers.warning)).toMatch(/^299 - "[\x20-\x7e]*"$/);
  });

  test('are treated as the request says, or it is refused', async () => {
    const { post } = world();
    const refused = await post(`${CLAIMS}?fieldValidation=strict`, claim('a'));
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain('fieldValidation: Unsupported value: "strict"');
  });
});
