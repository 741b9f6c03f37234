import fc from 'fast-check';

/** What the world of the test has names for, and values that mean something here or there. */
const WORDS = [
  ...['alpha', 'beta', 'net-a', 'net-b', 'dfw', 'lhr', 'net-a.dfw', 'a', 'b', 'web-0', 'lb'],
  ...['public', 'edge', 'edge-child', 'tenant-ipv6', 'tenant-endpoint-ipv4', 'netalloc-system'],
  ...['IPv4', 'IPv6', 'Retain', 'Delete', 'Bound', 'True', 'All', 'Strict', 'Orphan', 'eth0'],
  ...['10.0.0.0/8', '10.0.0.1/8', '198.51.100.0/24', '198.51.100.7', '0.0.0.0/0', 'fd20::/48'],
  ...['::/0', '::1', '::ffff:10.0.0.1', '2001:DB8::', '2001:db8::/129', '1.2.3', '01.2.3.4'],
  ...['0s', '150s', '24h', '1h1m1s', '-1s', '9999999999h', '1e9s', '2026-03-02T08:00:00Z'],
  ...['0', '1', '-1', '007', '1e3', '99999999999999999999', '9223372036854775807', 'NaN'],
  ...['true', 'false', 'null', 'undefined', '[]', '{}', '*', '.', '..', '/', '//', '%', '%zz'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', ''],
  ...['a=b', 'a!=b', 'a in (b,c)', '!a', 'a,', 'metadata.name=a', 'status.phase=Quarantined'],
  ...['kubernetes.io/x', 'example.com/a', 'example.com/', '/a', 'kube-x', 'netalloc-x', 'A', 'a_b'],
];

/** A text as a client may send it by mistake, or to see what happens. */
export const wildText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\ud800', '\u0000', '\u202e', 'e\u0301', '\ufeff', '\r\n'),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('a', 'a.', '0', '-', '\u00e9', ':', '9'),
        fc.constantFrom(64, 254, 2_000),
      )
      .map(([unit, count]) => unit.repeat(count)),
  },
);

const wildNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1, 33, 129, 0.5, 1e21, -1e308, 2 ** 31, 2 ** 53, 2 ** 63),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = isList ? [value] : { a: value };
  return value;
}

/** Any JSON at all. */
export const wildJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: wildText },
  { weight: 2, arbitrary: wildNumber },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], [{}]) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(wildText, fc.constantFrom<unknown>(null, 1, '', {})) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(10, 63, 64, 1_000), fc.boolean())
      .map(([depth, isList]) => nested(depth, isList)),
  },
  { weight: 1, arbitrary: fc.constantFrom(40, 2_000).map((count) => Array(count).fill('a')) },
);

/** How one place of a body is changed: `at` says which, counted through all of them. */
interface Change {
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'add' | 'wrap';
  readonly key: string;
  readonly value: unknown;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom('replace', 'replace', 'remove', 'add', 'wrap'),
  key: wildText,
  value: wildJson,
});

/** The same body with some places of it changed; often none. */
export function mutated(body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const changes = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Change[]>([]) },
    { weight: 2, arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }) },
  );
  return fc.tuple(body, changes).map(([value, all]) => all.reduce(changed, value));
}

function changed(body: unknown, { at, how, key, value }: Change): unknown {
  const copy: Record<string, unknown> = structuredClone({ body });
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const gather = (holder: Record<string, unknown>) => {
    for (const [name, child] of Object.entries(holder)) {
      places.push([holder, name]);
      if (typeof child === 'object' && child !== null && places.length < 1_000) {
        gather(child as Record<string, unknown>);
      }
    }
  };
  gather(copy);
  const [holder, name] = places[at % places.length] ?? [copy, 'body'];
  const child = holder[name];
  if (how === 'remove' && holder !== copy) delete holder[name];
  else if (how === 'wrap') put(holder, name, [child]);
  else if (how === 'add' && Array.isArray(child)) child.push(value);
  else if (how === 'add' && typeof child === 'object' && child !== null) put(child, key, value);
  else put(holder, name, value);
  return copy.body;
}

/** Sets a field as a parser does: an assignment to `__proto__` would be something else. */
function put(holder: object, key: string, value: unknown): void {
  const how = { enumerable: true, configurable: true, writable: true };
  Object.defineProperty(holder, key, { value, ...how });
}

/** The bytes of a body, now and then other ones than those of its JSON. */
export function bytesOf(body: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> {
  const sent = body.map((value) => Buffer.from(JSON.stringify(value) ?? ''));
  return fc.oneof(
    { weight: 20, arbitrary: sent },
    { weight: 1, arbitrary: damaged(sent) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(
          ...['[', '{"a":', '{"metadata":{"name":"a"},"spec":{"mtu":1e400}}', '{"a":1,"a":2}'],
          ...['\ufeff{}', '{} {}', '// a\n{}', "{'a':1}", 'NaN', '"a"', 'null', '1', '- a\n- b'],
          ...[
            'a: &a [*a]',
            'a: &a [1]\nb: *a',
            '%YAML 9.9\n---\na',
            'a: !!js/function x',
            '---\n---',
          ],
          '['.repeat(100_000),
          '{"a":'.repeat(100_000),
        )
        .map((text) => Buffer.from(text)),
    },
  );
}

function damaged(sent: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(sent, fc.nat(10_000), fc.nat(255), fc.boolean())
    .map(([bytes, at, byte, isCut]) => {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      if (isCut) return bytes.subarray(0, place);
      const copy = Buffer.from(bytes);
      copy[place] = byte;
      return copy;
    });
}
