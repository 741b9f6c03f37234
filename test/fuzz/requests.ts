import fc from 'fast-check';
import { claim, location, network } from '../http/world.ts';
import { type Schema, valuesOf } from './schema-values.ts';
import { bytesOf, mutated, wildJson, wildText } from './wild.ts';

/** A document of OpenAPI, as far as requests are made by it. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
}

export interface FuzzRequest {
  /** Of which operation it is one, for reports. */
  readonly operation: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly role: Role;
}

export const ROLES = ['operator', 'auditor', 'compute', 'provider', 'nobody'] as const;
export type Role = (typeof ROLES)[number];

const ipam = (name: string, spec: object) => ({ metadata: { name }, spec });
const scope = { network: 'net-a', location: 'dfw' };
const NAMES = ['a', 'b', 'web-0', 'lb'] as const;

/** Bodies that are taken, for the path that ends so: mutations of them come further than others. */
const EXAMPLES: Readonly<Record<string, readonly object[]>> = {
  namespaces: ['alpha', 'beta', 'gamma'].map((name) => ({ metadata: { name } })),
  networks: [network('net-a'), network('net-b', { ipFamilies: ['IPv6', 'IPv4'] })],
  networkcontexts: [
    {
      metadata: { name: 'net-a.dfw' },
      spec: { network: { name: 'net-a' }, location: { name: 'dfw' } },
    },
  ],
  locations: ['dfw', 'lhr'].map((name) => location(name)),
  networkinterfaceclaims: NAMES.flatMap((name) => [
    claim(name),
    claim(name, { ipFamilies: ['IPv6', 'IPv4'], reclaimPolicy: 'Retain' }),
    claim(name, { addresses: [{ class: 'public' }] }),
  ]),
  networkinterfaces: [{ metadata: { finalizers: ['example.com/a'], annotations: { a: 'b' } } }],
  status: [
    { status: { vpc: 'v-1', conditions: [{ type: 'Prepared', status: 'True', reason: 'Done' }] } },
  ],
  ippools: [
    ipam('edge', { ipFamily: 'IPv4', cidr: '198.51.100.0/28', classNames: ['public'] }),
    ipam('edge-child', { ipFamily: 'IPv4', parentPoolRef: { name: 'edge' }, prefixLength: 30 }),
  ],
  ipclasses: [
    ipam('public', {
      ipFamily: 'IPv4',
      defaultPrefixLength: 32,
      visibility: 'shared',
      projects: ['*'],
    }),
    ipam('b', { ipFamily: 'IPv6', poolPer: ['project'], parentClassName: 'tenant-ipv6' }),
  ],
  ipclaims: NAMES.flatMap((name) => [
    ipam(name, { className: 'public' }),
    ipam(name, { className: 'tenant-endpoint-ipv4', scope }),
    ipam(name, { poolRef: { name: 'edge' }, prefixLength: 29 }),
  ]),
  events: [
    {
      metadata: { name: 'a' },
      involvedObject: { kind: 'Network', name: 'net-a', namespace: 'alpha' },
      ...{ reason: 'Tested', message: 'all is well', type: 'Normal' },
    },
  ],
  'claims:batch': [
    { items: [{ create: claim('a', {}, { namespace: 'alpha' }) }, { create: claim('a') }] },
    { items: [{ delete: { namespace: 'alpha', name: 'a' } }] },
  ],
  tokens: [
    { role: 'compute', subject: 'a', projects: ['alpha'], expires: '1h' },
    { role: 'auditor', subject: 'b' },
  ],
  selfsubjectaccessreviews: [{ spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }],
  selfsubjectrulesreviews: [{ spec: { namespace: 'alpha' } }],
  selfsubjectreviews: [{}],
};

const JSON_TYPE = 'application/json';
const PATCH_TYPES = ['application/merge-patch+json', 'application/json-patch+json'];

const seldom = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

/** Deletions come less often, so that there is something to be asked for. */
const WEIGHTS: Readonly<Record<string, number>> = { post: 6, delete: 1 };

/** What is served beside what a document tells of. */
const UNDOCUMENTED = [
  '/openapi.json',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/{name}',
  '/{name}',
];

/** Requests for every operation of a document. */
export function requestsOf(document: Document): fc.Arbitrary<FuzzRequest> {
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      weight: WEIGHTS[method] ?? 3,
      arbitrary: requestsFor(document, path, method),
    })),
  );
  for (const path of UNDOCUMENTED) {
    all.push({ weight: 1, arbitrary: requestsFor({ ...document, paths: {} }, path, 'get') });
  }
  return fc.oneof(...all);
}

function requestsFor(document: Document, path: string, method: string): fc.Arbitrary<FuzzRequest> {
  const { parameters = [], requestBody } = (document.paths[path]?.[method] ?? {}) as Operation;
  const { schemas } = document.components;
  const query = parameters.filter((one) => one.in === 'query');
  const types = Object.keys(requestBody?.content ?? {});
  const bodySchema = schemaOf(document, path, method);
  const body =
    bodySchema === undefined ? seldom(deleteBodies) : bodiesFor(path, bodySchema, schemas);
  return fc
    .record({
      url: pathsFor(path),
      query: queriesFor(query, schemas),
      headers: headersFor(method === 'patch' ? PATCH_TYPES : types),
      body,
      other: seldom(seldom(fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'))),
      role: fc.oneof(
        { weight: 9, arbitrary: fc.constant<Role>('operator') },
        { weight: 1, arbitrary: fc.constantFrom(...ROLES) },
      ),
    })
    .map(({ url, query, other, ...rest }) => ({
      ...{ operation: `${(other ?? method).toLowerCase()} ${path}`, ...rest },
      ...{ method: other ?? method.toUpperCase(), url: withinTime(path, url, query) },
    }));
}

/** Of patches a document says nothing; their fields are those of the object that they change. */
function schemaOf({ paths }: Document, path: string, method: string): Schema | undefined {
  const { requestBody } = paths[path]?.[method === 'patch' ? 'put' : method] ?? {};
  return requestBody === undefined ? undefined : Object.values(requestBody.content)[0]?.schema;
}

function bodiesFor(path: string, schema: Schema, schemas: Readonly<Record<string, Schema>>) {
  const last = path.split('/').findLast((part) => !part.startsWith('{')) ?? '';
  const examples = EXAMPLES[last.replace('/ledger/v1/', '')] ?? [{}];
  const whole = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom<unknown>(...examples) },
    { weight: 2, arbitrary: valuesOf(schema, schemas) },
    { weight: 1, arbitrary: jsonPatches },
    { weight: 1, arbitrary: wildJson },
  );
  return bytesOf(mutated(whole));
}

const pointers = fc.oneof(
  fc.constantFrom(
    '',
    '/',
    '/metadata',
    '/metadata/labels',
    '/metadata/labels/a',
    '/spec',
    '/status',
  ),
  fc.constantFrom('/metadata/finalizers/-', '/metadata/name', '/spec/mtu', '/a~2', '/__proto__/a'),
  wildText.map((text) => `/${text}`),
);

const jsonPatches = fc.array(
  fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
    path: pointers,
    from: pointers,
    value: wildJson,
  }),
  { maxLength: 4 },
);

const deleteBodies = bytesOf(
  mutated(
    fc.constantFrom<unknown>(
      { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
      { preconditions: { uid: 'x', resourceVersion: '1' }, dryRun: ['All'] },
      { gracePeriodSeconds: 0, orphanDependents: true },
    ),
  ),
);

/** Mostly names that there are, as a path may have them; else what cannot even be decoded. */
function pathsFor(path: string): fc.Arbitrary<string> {
  const known: Readonly<Record<string, readonly string[]>> = {
    namespace: ['alpha', 'alpha', 'beta', 'netalloc-system'],
    name: ['net-a', 'net-a.dfw', 'dfw', 'edge', 'public', 'alpha', 'gamma', ...NAMES],
  };
  const parts = path.split(/(\{\w+\})/).map((part) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return fc.constant(part);
    return fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...(known[name] ?? NAMES)) },
      { weight: 1, arbitrary: wildText.map(encoded) },
    );
  });
  return fc.tuple(...parts).map((texts) => texts.join(''));
}

function encoded(text: string): string {
  // A lone surrogate has no encoding; that of its first byte is what a careless client sends.
  return encodeURIComponent(text.toWellFormed()) || '%ed%a0%80';
}

function queriesFor(
  parameters: readonly { readonly name: string; readonly schema: Schema }[],
  schemas: Readonly<Record<string, Schema>>,
): fc.Arbitrary<readonly string[]> {
  const one = ({ name, schema }: (typeof parameters)[number]) => {
    const value = fc.oneof(valuesOf(schema, schemas).map(String), wildText);
    return value.map((text) => `${name}=${encoded(text)}`);
  };
  const some = parameters.map((parameter) => seldom(one(parameter)));
  const odd = seldom(
    fc.constantFrom('&', '=', '=&=', 'a', 'watch', 'dryRun', 'watch=%zz', '?', '#'),
  );
  return fc
    .tuple(...some, ...some.slice(0, 1), odd)
    .map((all) => all.filter((text) => text !== undefined));
}

/** A watch has to end, and a feed too: what comes first in a query is what counts. */
function withinTime(path: string, url: string, query: readonly string[]): string {
  if (path === '/ledger/v1/events') return urlOf(url, ['follow=false', ...query]);
  const isWatch = !path.endsWith('}') && query.some((text) => text.startsWith('watch'));
  return urlOf(url, isWatch ? [WATCH_TIME, ...query] : query);
}

/** What a request is known by that may be one for a watch. */
export const WATCH_TIME = 'timeoutSeconds=1';

function urlOf(path: string, query: readonly string[]): string {
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}

const headerText = fc.oneof(
  wildText.map((text) => text.replace(/[^\x20-\x7e]/g, '?').trim()),
  fc.constantFrom('\u00e9\u00ff', 'a'.repeat(300), ',', ';', ';;q=', '"', '*/*;q=2', 'W/"a"'),
);

function headersFor(types: readonly string[]): fc.Arbitrary<Record<string, string>> {
  const type = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...(types.length === 0 ? [JSON_TYPE] : types)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[JSON_TYPE, ...PATCH_TYPES, 'application/apply-patch+yaml', 'application/yaml'],
        ...['application/json; charset=utf-8', 'application/json; charset="latin1"', 'text/html'],
        ...['application/vnd.kubernetes.protobuf', 'application/strategic-merge-patch+json'],
      ),
    },
    { weight: 1, arbitrary: headerText },
  );
  const accept = fc.oneof(
    headerText,
    fc.constantFrom(
      ...['*/*', JSON_TYPE, 'application/json;as=Table;v=v1;g=meta.k8s.io', 'text/event-stream'],
      ...['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/*;q=0'],
      ...['application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io', 'text/plain'],
    ),
  );
  return fc
    .record({
      ...{ 'content-type': type, accept: seldom(accept), 'idempotency-key': seldom(headerText) },
      ...{ 'if-none-match': seldom(headerText), 'last-event-id': seldom(headerText) },
      ...{
        origin: seldom(headerText),
        expect: seldom(seldom(seldom(headerText))),
        'user-agent': headerText,
      },
    })
    .map((headers) => {
      const given = Object.entries(headers).filter(([, value]) => value !== undefined);
      return Object.fromEntries(given as [string, string][]);
    });
}
