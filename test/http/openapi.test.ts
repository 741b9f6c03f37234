import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { structural } from '../../src/http/kube/openapi/structural.ts';
import { jsonSchema } from '../../src/http/openapi.ts';
import { fieldAt, fieldsOf, namesIn } from './protobuf-reader.ts';
import { realService } from './real-service.ts';
import { claim, GROUP, LOCATIONS, world } from './world.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const EVENTS = 'apis/events.k8s.io/v1';
const REVIEWS = ['apis/authorization.k8s.io/v1', 'apis/authentication.k8s.io/v1'];
const VERSIONS = ['api/v1', GROUP.slice(1), IPAM.slice(1), EVENTS, ...REVIEWS];
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every kind.
type Json = any;

const { get } = world();
const v3 = async (version: string): Promise<Json> => (await get(`/openapi/v3/${version}`)).body;

describe('the documents', () => {
  test('are valid ones of their form', async () => {
    const { paths } = (await get('/openapi/v3')).body;
    const urls = Object.values<Json>(paths).map(({ serverRelativeURL }) => serverRelativeURL);
    expect(urls).toHaveLength(6);
    for (const url of ['/openapi.json', '/openapi/v2', ...urls]) {
      const validator = new Validator();
      const { valid, errors } = await validator.validate((await get(url)).body);
      expect([url, errors, valid]).toEqual([url, undefined, true]);
    }
  });

  test('have the paths and methods that discovery tells of, by group, version and kind', async () => {
    const actions = new Set<string>();
    const promised = new Set<string>();
    for (const version of VERSIONS) {
      const [, group = '', name = 'v1'] = version.split('/').length === 3 ? version.split('/') : [];
      for (const item of Object.values<Json>((await v3(version)).paths)) {
        for (const operation of Object.values<Json>(item)) {
          const of = operation['x-kubernetes-group-version-kind'];
          if (of === undefined) continue;
          expect([of.group, of.version]).toEqual([group, name]);
          actions.add(`${of.kind} ${operation['x-kubernetes-action']}`);
        }
      }
      for (const { kind, verbs } of (await get(`/${version}`)).body.resources) {
        for (const verb of verbs) promised.add(`${kind} ${ACTIONS[verb] ?? verb}`);
      }
    }
    expect([...actions].sort()).toEqual([...promised].sort());
  });

  const ACTIONS: Record<string, string> = { create: 'post', update: 'put', watch: 'list' };

  test('refer to nothing that is not there', async () => {
    const whole = [...VERSIONS.map((version) => `/openapi/v3/${version}`), '/openapi/v2'];
    for (const url of whole) {
      const { text, body } = await get(url);
      const names = [...text.matchAll(/"\$ref":"#\/(?:components\/schemas|definitions)\/(\w+)"/g)];
      const known = Object.keys(body.components?.schemas ?? body.definitions);
      expect(names.length).toBeGreaterThan(1);
      for (const [, name] of names) expect(known).toContain(name);
    }
  });

  test('say that unknown fields can be refused, by which clients leave that to the server', async () => {
    const { paths } = await v3(GROUP.slice(1));
    const path = `${GROUP}/namespaces/{namespace}/networkinterfaceclaims/{name}`;
    const names = paths[path].patch.parameters.map(({ name }: Json) => name);
    expect(names).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation', 'fieldManager']));
  });

  test('are fetched once: the index tells by a hash what has changed', async () => {
    const index = await get('/openapi/v3');
    const { etag } = index.headers;
    expect((await get('/openapi/v3', { 'if-none-match': etag })).code).toBe(304);
    const { serverRelativeURL: url } = index.body.paths['api/v1'];
    expect(url).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{32}$/);
    expect((await get(url)).headers['cache-control']).toBe('public, immutable');
    const other = await get('/openapi/v3/api/v1?hash=0');
    expect([other.code, other.headers['cache-control']]).toEqual([200, 'no-cache']);
    const none = await get('/openapi/v3/apis/apps/v1');
    expect([none.code, none.body.reason]).toEqual([404, 'NotFound']);
  });
});

describe('a kind in them', () => {
  test('has descriptions, defaults, enums and bounds of the schemas that bodies are read by', async () => {
    const { schemas } = (await v3(GROUP.slice(1))).components;
    const { spec, status, metadata } = schemas.Network.properties;
    expect(spec.properties.mtu).toEqual({
      ...{ type: 'integer', format: 'int64', minimum: 1300, maximum: 8856, default: 1460 },
      description: expect.stringContaining('bytes'),
    });
    expect(spec.properties.ipam.properties.mode).toMatchObject({
      ...{ enum: ['Auto', 'Policy'], default: 'Auto' },
    });
    expect(status.properties.conditions).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    });
    expect(metadata).toEqual({ $ref: '#/components/schemas/ObjectMeta' });
    expect(schemas.ObjectMeta.properties.finalizers['x-kubernetes-list-type']).toBe('set');
    expect(schemas.ObjectMeta.properties.generation.type).toBe('integer');
    expect(schemas.Network['x-kubernetes-group-version-kind']).toEqual([
      { group: 'networking.datumapis.com', version: 'v1alpha', kind: 'Network' },
    ]);
  });

  test('says what cannot be changed', async () => {
    const { schemas } = (await v3(GROUP.slice(1))).components;
    const rule = [{ rule: 'self == oldSelf', message: 'field is immutable' }];
    const rulesOf = (schema: Json) => schema['x-kubernetes-validations'];
    const { spec } = schemas.Network.properties;
    expect([rulesOf(spec), rulesOf(spec.properties.mtu)]).toEqual([undefined, undefined]);
    expect(rulesOf(spec.properties.ipam)).toEqual(rule);
    expect(spec.properties.ipam.description).toContain('Cannot be changed.');
    const claimSpec = schemas.NetworkInterfaceClaim.properties.spec;
    expect(rulesOf(claimSpec)).toEqual(rule);
    expect(claimSpec.description).toContain('Cannot be changed.');
  });

  test('is described in every field', async () => {
    const missing: string[] = [];
    const look = (schema: Json, path: string) => {
      for (const [name, one] of Object.entries<Json>(schema.properties ?? {})) {
        const at = `${path}.${name}`;
        if (one.description === undefined && one.$ref === undefined) missing.push(at);
        look(one, at);
        if (one.items !== undefined) look(one.items, `${at}[]`);
      }
    };
    for (const version of VERSIONS) {
      const { schemas } = (await v3(version)).components;
      for (const [name, schema] of Object.entries<Json>(schemas)) {
        if (schema['x-kubernetes-group-version-kind'] !== undefined) look(schema, name);
      }
    }
    expect(missing).toEqual([]);
  });

  test('has a type of its own for every value, with no union and no null', async () => {
    for (const version of VERSIONS) {
      const { text } = await get(`/openapi/v3/${version}`);
      for (const word of ['anyOf', 'nullable', 'const', '"null"', 'additionalProperties":false']) {
        // Only an answer may be one thing or another.
        const schemas = JSON.stringify(JSON.parse(text).components.schemas);
        expect([version, word, schemas.includes(word)]).toEqual([version, word, false]);
      }
    }
  });
});

describe('what is served', () => {
  const service = realService('openapi');

  test('is as the documents say, whatever the kind', async () => {
    const post = async (path: string, body: object) => {
      const answer = await service.send('POST', path, body);
      expect([path, answer.code]).toEqual([path, 201]);
    };
    const claims = `${GROUP}/namespaces/alpha/networkinterfaceclaims`;
    const spec = { ipFamily: 'IPv4', defaultPrefixLength: 32, reclaimPolicy: 'Retain' };
    const shared = { ...spec, visibility: 'shared', projects: ['*'], projectQuota: 8 };
    await post(`${IPAM}/ipclasses`, { metadata: { name: 'public' }, spec: shared });
    const pool = { ipFamily: 'IPv4', cidr: '198.51.100.0/24', classNames: ['public'] };
    await post(`${IPAM}/ippools`, { metadata: { name: 'edge' }, spec: pool });
    const families = { ipFamilies: ['IPv6', 'IPv4'], addresses: [{ class: 'public' }] };
    await post(claims, claim('a', families, { labels: { app: 'x' } }));
    await post(claims, claim('kept', { reclaimPolicy: 'Retain' }));
    await post(claims, claim('lost', { location: { name: 'nowhere' } }));
    await service.send('DELETE', `${claims}/kept`);
    const block = { metadata: { name: 'nat' }, spec: { className: 'public' } };
    await post(`${IPAM}/namespaces/alpha/ipclaims`, block);
    const place = { topology: { city: 'x' }, provider: { any: { thing: [1] } } };
    await post(LOCATIONS, { metadata: { name: 'lhr' }, spec: place });
    const counts: Record<string, number> = {};
    for (const version of VERSIONS) {
      const { components } = (await service.get(`/openapi/v3/${version}`)).body;
      const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
      ajv.addSchema({ $id: 'document', components: { schemas: closed(components.schemas) } });
      for (const { name, kind, verbs } of (await service.get(`/${version}`)).body.resources) {
        if (!verbs.includes('list')) continue;
        const [schema] = Object.entries<Json>(components.schemas).find(
          ([, one]) => one['x-kubernetes-group-version-kind']?.[0].kind === kind,
        ) as [string, Json];
        const isValid = ajv.getSchema(`document#/components/schemas/${schema}`);
        const { items } = (await service.get(`/${version}/${name}`)).body;
        counts[kind] = items.length;
        for (const item of items) {
          const wrong = isValid?.(item) ? [] : isValid?.errors;
          expect([kind, item.metadata.name, wrong]).toEqual([kind, item.metadata.name, []]);
        }
      }
    }
    expect(Object.keys(counts)).toHaveLength(11);
    expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
  });

  /** The same schemas where a field that they do not have is wrong. */
  function closed(schema: Json): Json {
    if (Array.isArray(schema)) return schema.map(closed);
    if (typeof schema !== 'object' || schema === null) return schema;
    const parts = Object.fromEntries(
      Object.entries(schema).map(([key, value]) => [key, closed(value)]),
    );
    const isClosed = schema.type === 'object' && schema.properties !== undefined;
    return isClosed ? { ...parts, additionalProperties: false } : parts;
  }
});

describe('the second form', () => {
  test('has all kinds in one document, with the same schemas', async () => {
    const { body } = await get('/openapi/v2');
    expect(body.swagger).toBe('2.0');
    const { schemas } = (await v3(GROUP.slice(1))).components;
    const local = (schema: Json) =>
      JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/definitions/'));
    for (const [name, schema] of Object.entries(schemas)) {
      expect(body.definitions[name]).toEqual(local(schema));
    }
    expect(Object.keys(body.definitions)).toEqual(
      expect.arrayContaining(['IPPool', 'Namespace', 'Status']),
    );
    const { post } = body.paths[`${GROUP}/locations`];
    expect(post.parameters.at(-1)).toEqual({
      ...{ in: 'body', name: 'body', required: true },
      schema: { $ref: '#/definitions/Location' },
    });
    expect(post.responses['201'].schema).toEqual({ $ref: '#/definitions/Location' });
  });

  test.each([PROTOBUF, PROTOBUF.replace('@', '.'), `${PROTOBUF},application/json`])(
    'comes as protobuf to whoever reads no other: %s',
    async (accept) => {
      const { code, headers } = await get('/openapi/v2', { accept });
      expect([code, headers['content-type'], headers.vary]).toEqual([
        200,
        'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
        'accept',
      ]);
    },
  );

  test('is refused to whoever reads neither', async () => {
    expect((await get('/openapi/v2', { accept: 'text/html' })).code).toBe(406);
  });

  test('says the same as protobuf', async () => {
    const { app } = world();
    const url = '/openapi/v2';
    const headers = { host: 'localhost' };
    const answer = await app.inject({ url, headers: { ...headers, accept: PROTOBUF } });
    const { rawPayload } = answer;
    const document = (await get(url)).body;
    const text = (bytes: Buffer | undefined) => bytes?.toString();
    expect(text(fieldAt(rawPayload, 1))).toBe('2.0');
    expect(text(fieldAt(rawPayload, 2, 1))).toBe(document.info.title);
    const paths = namesIn(fieldAt(rawPayload, 8), 2);
    expect([...paths.keys()]).toEqual(Object.keys(document.paths));
    const definitions = namesIn(fieldAt(rawPayload, 9), 1);
    expect([...definitions.keys()]).toEqual(Object.keys(document.definitions));
    const network = definitions.get('Network');
    const spec = namesIn(fieldAt(network, 25), 1).get('spec');
    const mtu = namesIn(fieldAt(spec, 25), 1).get('mtu');
    expect(text(fieldAt(mtu, 22, 1))).toBe('integer');
    expect(text(fieldAt(mtu, 4))).toBe(
      document.definitions.Network.properties.spec.properties.mtu.description,
    );
    expect(fieldAt(mtu, 9)?.readDoubleLE()).toBe(1300);
    expect(text(fieldAt(mtu, 5, 2))).toBe('1460');
    const families = namesIn(fieldAt(spec, 25), 1).get('ipFamilies');
    const item = fieldAt(families, 23, 1);
    expect(fieldsOf(item, 20).map((one) => text(fieldAt(one, 2)))).toEqual(['"IPv6"', '"IPv4"']);
    const labels = namesIn(fieldAt(definitions.get('ObjectMeta'), 25), 1).get('labels');
    expect(text(fieldAt(labels, 21, 1, 22, 1))).toBe('string');
    const extensions = fieldsOf(network, 31).map((one) => text(fieldAt(one, 1)));
    expect(extensions).toEqual(['x-kubernetes-group-version-kind']);
    const patch = fieldAt(paths.get(`${GROUP}/locations/{name}`), 8);
    const queries = fieldsOf(patch, 8).map((one) => text(fieldAt(one, 1, 2, 3, 4)));
    expect(queries).toEqual(expect.arrayContaining(['dryRun', 'fieldValidation']));
    expect(fieldsOf(patch, 8).map((one) => text(fieldAt(one, 1, 2, 4, 4)))).toContain('name');
    expect(fieldsOf(patch, 8).map((one) => text(fieldAt(one, 1, 1, 2)))).toContain('body');
    const answered = namesIn(fieldAt(patch, 9), 1).get('200');
    expect(text(fieldAt(answered, 1, 2, 1, 1))).toBe('#/definitions/Location');
  });
});

describe('a structural schema', () => {
  const of = (schema: z.ZodType) => structural(jsonSchema(schema));

  test.each([
    [z.string().nullish(), { type: 'string' }],
    [z.literal('a'), { type: 'string', enum: ['a'] }],
    [z.union([z.literal('*'), z.string().max(5)]), { type: 'string' }],
    [z.union([z.literal('a'), z.enum(['b', 'c'])]), { type: 'string', enum: ['a', 'b', 'c'] }],
    [z.union([z.string(), z.int()]), { 'x-kubernetes-preserve-unknown-fields': true }],
    [z.int(), { type: 'integer', format: 'int64' }],
    [z.strictObject({}), { type: 'object' }],
    [z.looseObject({}), { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
    [
      z.record(z.string(), z.string()),
      { type: 'object', additionalProperties: { type: 'string' } },
    ],
    [
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('a'), one: z.string() }),
        z.strictObject({ kind: z.literal('b'), two: z.string() }),
      ]),
      {
        type: 'object',
        properties: {
          kind: { type: 'string', enum: ['a', 'b'] },
          one: { type: 'string' },
          two: { type: 'string' },
        },
        required: ['kind'],
      },
    ],
  ])('takes what the other does: %#', (schema, expected) => {
    expect(of(schema)).toEqual(expected);
  });
});
