import { describe, expect, test, vi } from 'vitest';
import { humanDuration } from '../../src/http/kube/human-duration.ts';
import { PRINTER_COLUMNS } from '../../src/http/kube/kinds/printer-columns.ts';
import type { KubeObject } from '../../src/views/views.ts';
import { claim, deleteClaim, updateNetwork } from '../ledger/commands.ts';
import { labels } from '../views/living-world.ts';
import { CLAIMS, INITIAL, NICS, watched } from './watching.ts';
import { world as fakeWorld, GROUP } from './world.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const as = (form: string) => `application/json;as=${form};v=v1;g=meta.k8s.io`;
const accept = (text: string) => ({ accept: text });
const TABLE = accept(
  `${as('Table')},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`,
);
const METADATA = accept(`${as('PartialObjectMetadata')},application/json`);
const METADATA_LIST = accept(`${as('PartialObjectMetadataList')},application/json`);

interface Table {
  readonly columnDefinitions: readonly { name: string; priority: number }[];
  readonly rows: readonly { cells: unknown[]; object: KubeObject | null }[];
}

/** What a row shows under the names of its columns. */
function shown({ columnDefinitions, rows }: Table) {
  return rows.map(({ cells }) =>
    Object.fromEntries(columnDefinitions.map(({ name }, index) => [name, cells[index]])),
  );
}

describe('a table', () => {
  test('of a list has its columns, a row an object, and the place in the log', async () => {
    const { run, list, time } = await watched();
    await run(claim('a', { ipFamilies: ['IPv6', 'IPv4'] }));
    await run(claim('lost', { location: 'nowhere' }));
    time.ms += 60_000;
    const whole = await list(CLAIMS);
    const table = await list(CLAIMS, TABLE);
    expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(table.metadata).toEqual(whole.metadata);
    expect(table.columnDefinitions[0]).toEqual({
      ...{ name: 'Name', type: 'string', format: 'name', priority: 0 },
      description: expect.any(String),
    });
    const names = (priority: number) =>
      (table as Table).columnDefinitions
        .filter((one) => one.priority === priority)
        .map(({ name }) => name);
    expect(names(0)).toEqual([
      ...['Name', 'Network', 'Location', 'Interface', 'Addresses', 'Ready', 'Reason', 'Age'],
    ]);
    expect(names(1)).toEqual(['External', 'Policy']);
    const { addresses } = whole.items[0].status;
    expect(shown(table)).toEqual([
      {
        ...{ Name: 'a', Network: 'net', Location: 'us', Interface: 'a' },
        Addresses: addresses.map(({ address }: { address: string }) => address).join(),
        ...{ Ready: 'Unknown', Reason: 'NotPrepared', Age: '61s' },
        ...{ External: '<none>', Policy: 'Delete' },
      },
      {
        ...{ Name: 'lost', Network: 'net', Location: 'nowhere', Interface: '<none>' },
        ...{ Addresses: '<none>', Ready: 'False', Reason: 'LocationNotFound', Age: '60s' },
        ...{ External: '<none>', Policy: 'Delete' },
      },
    ]);
  });

  test('of a pool and its place shows counts as they are read', async () => {
    const { run, list } = await watched();
    await run(updateNetwork('net', { ipFamilies: ['IPv6', 'IPv4'] }));
    await run(claim('a', { ipFamilies: ['IPv4'] }));
    const [context] = shown(await list(`${GROUP}/namespaces/alpha/networkcontexts`, TABLE));
    expect(context).toMatchObject({ Name: 'net.us', Interfaces: 1, MTU: 1460, Ready: 'True' });
    const pools = shown(await list(`${IPAM}/ippools`, TABLE));
    const subnet = pools.find(({ CIDR }) => CIDR === '10.0.0.0/29');
    expect(subnet).toMatchObject({ Free: '3', Used: '62.5%', Total: '8', Phase: 'Ready' });
  });

  test.each([
    ['999999999', '999999999'],
    ['1000000000', '1.00e+9'],
    ['324518553658426726783156020576256', '3.25e+32'],
  ])('shows %s addresses as %s', (free, cell) => {
    const pool = { status: { capacity: { free } } } as unknown as KubeObject;
    const column = PRINTER_COLUMNS.IPPool.find(({ name }) => name === 'Free');
    expect(column?.cell(pool, 0)).toBe(cell);
  });

  test('has a word in every cell, for every kind that discovery lists', async () => {
    const { run, list } = await watched();
    await run(claim('a'));
    let rows = 0;
    for (const root of ['/api/v1', GROUP, IPAM]) {
      for (const { name } of (await list(root)).resources) {
        if (name.includes('/')) continue;
        const table: Table = await list(`${root}/${name}`, TABLE);
        const columns = table.columnDefinitions.map((one) => one.name);
        // Of Events nobody wants to know the names.
        const [named, age] = name === 'events' ? [columns.length - 1, 'Last Seen'] : [0, 'Age'];
        expect([name, columns[named]]).toEqual([name, 'Name']);
        expect(columns).toContain(age);
        for (const { cells, object } of table.rows) {
          rows += 1;
          expect(cells).toHaveLength(columns.length);
          expect(cells[named]).toBe(object?.metadata.name);
          for (const cell of cells) expect(['', null, undefined]).not.toContain(cell);
        }
      }
    }
    expect(rows).toBeGreaterThan(15);
  });

  test('of one object is its row', async () => {
    const { run, list } = await watched();
    await run(claim('a'));
    const whole = await list(`${NICS}/a`);
    const table = await list(`${NICS}/a`, TABLE);
    expect(table.metadata).toEqual({ resourceVersion: whole.metadata.resourceVersion });
    const allocated = { Phase: 'Bound', Allocated: 'True', Prepared: 'Unknown' };
    expect(shown(table)).toMatchObject([{ Name: 'a', Claim: 'a', ...allocated }]);
    expect(shown(await list(`${NICS}/a/status`, TABLE))).toEqual(shown(table));
  });

  test('holds of its objects what is asked for', async () => {
    const { run, list } = await watched();
    await run(claim('a'));
    const { items } = await list(CLAIMS);
    const objects = async (query: string) => {
      const { rows } = (await list(`${CLAIMS}?${query}`, TABLE)) as Table;
      return rows.map(({ object }) => object);
    };
    const metadata = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };
    const partial = [{ ...metadata, metadata: items[0].metadata }];
    expect(await objects('')).toEqual(partial);
    expect(await objects('includeObject=Metadata')).toEqual(partial);
    expect(await objects('includeObject=Object')).toEqual(items);
    expect(await objects('includeObject=None')).toEqual([null]);
    const refused = await list(`${CLAIMS}?includeObject=Some`, TABLE);
    expect([refused.code, refused.message]).toEqual([
      400,
      'unrecognized includeObject value: "Some"',
    ]);
  });

  test('goes on page by page, and shows what was selected', async () => {
    const { run, list } = await watched();
    for (const name of ['a', 'b', 'c']) await run(claim(name));
    await run(labels('b', { app: 'x' }));
    const first = await list(`${CLAIMS}?limit=2`, TABLE);
    const names = (table: Table) => shown(table).map(({ Name }) => Name);
    expect(names(first)).toEqual(['a', 'b']);
    const second = await list(`${CLAIMS}?limit=2&continue=${first.metadata.continue}`, TABLE);
    expect(names(second)).toEqual(['c']);
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion });
    expect(names(await list(`${CLAIMS}?labelSelector=app`, TABLE))).toEqual(['b']);
    expect((await list(`${CLAIMS}?labelSelector=none`, TABLE)).rows).toEqual([]);
  });

  test('of the past shows how old things were then', async () => {
    const { run, list, time } = await watched();
    await run(claim('a'));
    const { resourceVersion } = (await list(`${CLAIMS}/a`)).metadata;
    const at = new Date(time.ms + 5_000).toISOString();
    time.ms += 3_600_000;
    const ages = async (path: string) => shown(await list(path, TABLE)).map(({ Age }) => Age);
    expect(await ages(CLAIMS)).toEqual(['60m']);
    expect(await ages(`${CLAIMS}?asOf=${resourceVersion}`)).toEqual(['0s']);
    expect(await ages(`${CLAIMS}?asOf=${at}`)).toEqual(['5s']);
    expect(await ages(`${CLAIMS}/a?asOf=${at}`)).toEqual(['5s']);
  });
});

describe('metadata alone', () => {
  test('is what an object or a list is cut down to', async () => {
    const { run, list } = await watched();
    await run(claim('a'));
    const whole = await list(CLAIMS);
    const [{ metadata }] = whole.items;
    const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
    expect(await list(`${CLAIMS}/a`, METADATA)).toEqual(partial);
    expect(await list(CLAIMS, METADATA_LIST)).toEqual({
      ...{ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' },
      metadata: whole.metadata,
      items: [partial],
    });
  });
});

describe('the form of an answer', () => {
  const protobuf = 'application/vnd.kubernetes.protobuf';

  test.each([
    ['', 'NetworkInterfaceClaimList'],
    ['application/json;stream=watch', 'NetworkInterfaceClaimList'],
    [as('Table'), 'Table'],
    [`${protobuf};as=Table;v=v1;g=meta.k8s.io,${as('Table')}`, 'Table'],
    [`application/json, ${as('Table')}`, 'NetworkInterfaceClaimList'],
    [`application/json;q=0.5, ${as('Table')};q=0.4`, 'NetworkInterfaceClaimList'],
    [`application/json;q=0.5, ${as('Table')};q=0.6`, 'Table'],
    [`${as('Table')};q=0, */*;q=0.1`, 'NetworkInterfaceClaimList'],
    [`APPLICATION/JSON; AS=Table; V=v1; G=meta.k8s.io`, 'Table'],
    [`${as('Other')}, ${as('PartialObjectMetadataList')}`, 'PartialObjectMetadataList'],
    [`${as('PartialObjectMetadata')}, application/*`, 'NetworkInterfaceClaimList'],
    [`application/json;as=Table;v=v2;g=meta.k8s.io,*/*`, 'NetworkInterfaceClaimList'],
  ])('is the one that is liked best: %s', async (text, kind) => {
    const answer = await fakeWorld().get(`${GROUP}/networkinterfaceclaims`, accept(text));
    expect([answer.code, answer.body.kind, answer.headers.vary]).toEqual([200, kind, 'accept']);
  });

  test.each([
    as('Other'),
    as('PartialObjectMetadata'),
    'application/json;as=Table;v=v1',
    `${as('Table')};q=0`,
    `${as('Table')};q=x`,
  ])('is none that is not there: %s', async (text) => {
    const refused = await fakeWorld().get(`${GROUP}/networkinterfaceclaims`, accept(text));
    expect([refused.code, refused.body.reason]).toEqual([406, 'NotAcceptable']);
    if (text !== `${as('Table')};q=0` && !text.endsWith('q=x')) {
      expect(refused.body.message).toContain(`application/json, ${as('Table')}`);
    }
  });

  test('does not matter to what is refused', async () => {
    const refused = await fakeWorld().get(`${CLAIMS}/none`, accept(as('Table')));
    expect([refused.code, refused.body.kind]).toEqual([404, 'Status']);
  });
});

describe('a watch', () => {
  test('of a table sends a table of one row for each event', async () => {
    const { run, watch, list, time } = await watched();
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1&${INITIAL}`, TABLE);
    await one.atLeast(2);
    time.ms += 30_000;
    await run(labels('a', { app: 'x' }));
    const present = await list(`${CLAIMS}/a`);
    await run(deleteClaim('a'));
    const lines = await one.atLeast(4);
    expect(lines.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'MODIFIED', 'DELETED']);
    expect(lines.map(({ object }) => object.kind)).toEqual(lines.map(() => 'Table'));
    const [added, mark, modified, deleted] = lines.map(({ object }) => object);
    expect(shown(added)).toMatchObject([{ Name: 'a', Age: '0s' }]);
    expect(mark).toMatchObject({ rows: [], metadata: { resourceVersion: expect.any(String) } });
    expect(shown(modified)).toMatchObject([{ Name: 'a', Age: '31s' }]);
    expect(modified.rows[0].object.metadata).toEqual(present.metadata);
    expect(deleted.metadata.resourceVersion).toBe(deleted.rows[0].object.metadata.resourceVersion);
    expect(BigInt(deleted.metadata.resourceVersion)).toBeGreaterThan(
      BigInt(modified.metadata.resourceVersion),
    );
  });

  test('of metadata sends that alone', async () => {
    const { run, watch } = await watched();
    await run(claim('a'));
    const one = await watch(`${CLAIMS}?watch=1&${INITIAL}`, METADATA);
    await run(deleteClaim('a'));
    const lines = await one.atLeast(3);
    expect(lines.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK', 'DELETED']);
    for (const { object } of lines) {
      expect(Object.keys(object).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
      expect(object.kind).toBe('PartialObjectMetadata');
    }
  });

  test('shares its lines with all that have asked for the same form', async () => {
    const { run, watch } = await watched();
    const forms = [{}, TABLE, METADATA, { ...TABLE }];
    const paths = ['', '', '', '&includeObject=Object'];
    const open = (index: number) => watch(`${CLAIMS}?watch=1${paths[index % 4]}`, forms[index % 4]);
    const watches = await Promise.all(Array.from({ length: 80 }, (_, index) => open(index)));
    const stringify = vi.spyOn(JSON, 'stringify');
    await run(claim('a'));
    for (const one of watches) await one.atLeast(1);
    const made = stringify.mock.calls.map(([value]) => value as Record<string, unknown> | null);
    stringify.mockRestore();
    const kinds = made.flatMap((value) => (typeof value?.kind === 'string' ? [value.kind] : []));
    expect(kinds.filter((kind) => kind === 'NetworkInterfaceClaim')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'Table')).toHaveLength(2);
    expect(kinds.filter((kind) => kind === 'PartialObjectMetadata')).toHaveLength(1);
    expect(new Set(watches.map((one) => one.text())).size).toBe(4);
  });
});

describe('how long something has lasted', () => {
  const [minute, hour, day, year] = [60, 3_600, 86_400, 365 * 86_400];

  test.each([
    [-2, '<invalid>'],
    [-1, '0s'],
    [0, '0s'],
    [119.9, '119s'],
    [2 * minute, '2m'],
    [2 * minute + 5, '2m5s'],
    [10 * minute + 59, '10m'],
    [3 * hour - 1, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 59 * minute, '7h59m'],
    [8 * hour + 59 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [7 * day + 23 * hour, '7d23h'],
    [8 * day + 23 * hour, '8d'],
    [2 * year - 1, '729d'],
    [2 * year + day, '2y1d'],
    [9 * year, '9y'],
  ])('%s seconds are %s', (seconds, text) => {
    expect(humanDuration(seconds * 1_000)).toBe(text);
  });
});
