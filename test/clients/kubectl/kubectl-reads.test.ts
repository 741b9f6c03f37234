import { beforeAll, expect, it } from 'vitest';
import { claim, IPAM, listOf, NETWORKING, withEveryKubectl } from './every-kubectl.ts';
import type { Kubectl } from './kubectl.ts';

withEveryKubectl(({ found, kubectl, project }) => {
  let k: Kubectl;
  beforeAll(() => {
    k = kubectl();
  });

  it('tells its version and that of the ledger', async () => {
    const told = await k.json('version');
    expect(told.serverVersion).toMatchObject({ major: '1', gitVersion: expect.any(String) });
  });

  it('tells which groups and kinds there are', async () => {
    const versions = (await k.ok('api-versions')).split('\n');
    expect(versions).toEqual(expect.arrayContaining(['v1', NETWORKING, IPAM]));
    const kinds = await k.rows('api-resources');
    // Events are in two groups, as upstream.
    const events = kinds.filter(({ NAME }) => NAME === 'events');
    const groups = events.map((row) => row.APIVERSION ?? row.APIGROUP);
    expect(groups.toSorted()).toEqual(['events.k8s.io/v1', 'v1']);
    const named = Object.fromEntries(kinds.map((row) => [row.NAME, row.SHORTNAMES]));
    expect(named).toMatchObject({
      ...{ networkinterfaceclaims: 'nicc', networkinterfaces: 'nic', networks: 'net' },
      ...{ networkcontexts: 'netctx', locations: 'loc', ipclaims: 'ipc', ipallocations: 'ipalloc' },
      ...{ ippools: '', ipclasses: '', namespaces: 'ns' },
    });
  });

  it('creates what a file says, and gives a name where it says how that begins', async () => {
    const file = k.file('claims.json', listOf(claim('web-0', {}, { labels: { app: 'web' } })));
    expect(await k.ok(`create -f ${file}`)).toBe(
      'networkinterfaceclaim.networking.datumapis.com/web-0 created\n',
    );
    expect(await k.fails(`create -f ${file}`)).toMatch(/AlreadyExists.*"web-0" already exists/);
    const { metadata: _, ...unnamed } = claim('');
    const generated = k.file('generated.json', { ...unnamed, metadata: { generateName: 'gen-' } });
    expect(await k.ok(`create -f ${generated}`)).toMatch(/\/gen-\w{5} created\n$/);
    await k.ok(`create ns ${project}-more`);
    expect(await k.ok(`get ns ${project}-more -o name`)).toBe(`namespace/${project}-more\n`);
    await k.ok(`delete ns ${project}-more`);
  });

  it('says what is wrong with what it may not create', async () => {
    const wrong = k.file('wrong.json', claim('wrong', { interfaceName: 'much-too-long-for-it' }));
    const told = await k.fails(`create -f ${wrong}`);
    expect(told).toMatch(/NetworkInterfaceClaim "wrong" is invalid: spec.interfaceName/);
    const unknown = k.file('unknown.json', claim('unknown', { colour: 'red' }));
    expect(await k.fails(`create -f ${unknown}`)).toMatch(/colour/);
  });

  it('shows each kind in columns of its own', async () => {
    const [row] = await k.rows('get nicc web-0');
    expect(row).toMatchObject({
      ...{ NAME: 'web-0', NETWORK: 'default', LOCATION: 'dfw', INTERFACE: 'web-0' },
      ...{ READY: 'Unknown', REASON: 'NotPrepared', AGE: expect.stringMatching(/^\d+[smh]/) },
    });
    expect(row?.ADDRESSES).toMatch(/^fd20:.*\/96$/);
    const [nic] = await k.rows('get nic web-0');
    expect(nic).toMatchObject({
      ...{ NAME: 'web-0', NETWORK: 'default', LOCATION: 'dfw', PHASE: 'Bound', CLAIM: 'web-0' },
      ...{ ADDRESSES: row?.ADDRESSES, ALLOCATED: 'True', PREPARED: 'Unknown' },
      ...{ PROGRAMMED: 'Unknown', AGE: expect.any(String) },
    });
    const [net] = await k.rows('get networks');
    expect(net).toMatchObject({
      ...{ NAME: 'default', FAMILIES: 'IPv6,IPv4', IPV4: '10.128.0.0/9', MTU: '1460' },
      ...{ IPV6: expect.stringMatching(/\/48$/), READY: 'True', AGE: expect.any(String) },
    });
    const [context] = await k.rows('get netctx');
    expect(context).toMatchObject({
      ...{ NAME: 'default.dfw', NETWORK: 'default', LOCATION: 'dfw', INTERFACES: '2' },
      ...{ READY: 'True', AGE: expect.any(String) },
    });
    const location = (await k.rows('get loc')).find(({ NAME }) => NAME === 'dfw');
    expect(location).toMatchObject({ CLASS: '<none>', DRAINING: 'false', AGE: expect.any(String) });
    const pool = (await k.rows('get ippools')).find(({ NAME }) => NAME === 'tenant-ipv6');
    expect(pool).toMatchObject({ CIDR: 'fd20::/20', CLASS: 'tenant-ipv6', PHASE: 'Ready' });
    expect(pool).toMatchObject({ FREE: expect.any(String), USED: expect.stringMatching(/%$/) });
  });

  it('shows what it is asked for in every form', async () => {
    expect((await k.rows('get nicc web-0 -o wide'))[0]).toMatchObject({ POLICY: 'Delete' });
    expect(await k.ok('get nicc web-0 -o yaml')).toMatch(/^kind: NetworkInterfaceClaim$/m);
    const { kind, items } = await k.json('get nicc');
    expect([kind, items.length, items[0].kind]).toEqual(['List', 2, 'NetworkInterfaceClaim']);
    expect(await k.ok('get nicc/web-0 nic/web-0 -o name')).toBe(
      'networkinterfaceclaim.networking.datumapis.com/web-0\n' +
        'networkinterface.networking.datumapis.com/web-0\n',
    );
    const path = 'jsonpath={.status.networkInterfaceRef.name}';
    expect(await k.ok(`get nicc web-0 -o ${path}`)).toBe('web-0');
    const columns = 'custom-columns=NAME:.metadata.name,NET:.spec.network.name';
    expect((await k.rows(`get nicc web-0 -o ${columns}`))[0]).toEqual({
      ...{ NAME: 'web-0', NET: 'default' },
    });
    const everywhere = await k.rows('get nicc -A');
    expect(everywhere).toContainEqual(expect.objectContaining({ NAMESPACE: project }));
    expect((await k.rows('get nicc --show-labels'))[1]?.LABELS).toMatch(/app=web/);
    expect((await k.rows('get nicc web-0 -L app'))[0]?.APP).toBe('web');
  });

  it('selects, sorts and pages', async () => {
    const names = async (typed: string) => (await k.rows(typed)).map(({ NAME }) => NAME);
    expect(await names('get nicc -l app=web')).toEqual(['web-0']);
    const some = await k.rows('get nicc -l', ['app in (web,db),!old']);
    expect(some.map(({ NAME }) => NAME)).toEqual(['web-0']);
    expect(await names('get nicc --field-selector metadata.name=web-0')).toEqual(['web-0']);
    expect(await names('get nic --field-selector status.phase=Available')).toEqual([]);
    expect(await k.fails('get nicc --field-selector spec.mtu=1')).toMatch(/not supported/);
    await k.ok(`create -f ${k.file('pages.json', listOf(...pageClaims()))}`);
    const paged = await names('get nicc -l page --chunk-size=2');
    expect(paged).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
    const sorted = await names('get nicc -l page --sort-by=.metadata.labels.page');
    expect(sorted).toEqual(paged.toReversed());
    await k.ok('delete nicc -l page');
  });

  it('knows short names, singulars and the category of all', async () => {
    for (const name of ['nic', 'networkinterface', 'networkinterfaces']) {
      expect(await k.ok(`get ${name} web-0 -o name`)).toMatch(/\/web-0\n$/);
    }
    const ipam = await k.ok('get ipam -o name');
    expect(ipam).toMatch(/^ippool\.ipam\.miloapis\.com\/tenant-ipv6$/m);
    expect(await k.ok('get all -o name')).toMatch(/^networkinterface\..*\/web-0$/m);
  });

  it('describes an object with what was decided about it, and lists that', async () => {
    const waiting = claim('early', { location: { name: 'nowhere' } });
    await k.ok(`create -f ${k.file('early.json', waiting)}`);
    const described = await k.ok('describe nicc early');
    expect(described).toMatch(/^Name:\s+early$/m);
    expect(described).toMatch(/^Events:.*Warning\s+Waiting.*LocationNotFound/ms);
    expect(await k.ok('describe nic web-0')).toMatch(/^\s+Interface Name:\s+eth0$/m);
    const rows = await k.rows('get events');
    expect(rows).toContainEqual(
      expect.objectContaining({
        ...{ TYPE: 'Warning', REASON: 'Waiting', OBJECT: 'networkinterfaceclaim/early' },
        ...{ 'LAST SEEN': expect.any(String), MESSAGE: expect.stringMatching(/LocationNotFound/) },
      }),
    );
    const bound = await k.rows('get ev --field-selector involvedObject.name=web-0,reason=Bound');
    expect(bound.map(({ OBJECT }) => OBJECT)).toEqual(['networkinterfaceclaim/web-0']);
    if (found.minor >= 26) {
      expect(await k.ok('events --for nicc/early')).toMatch(/Waiting/);
    }
    await k.ok('delete nicc early');
  });

  it('follows what happens, from what there is or from now on', async () => {
    const all = k.watching('get nicc -w');
    const one = k.watching('get nicc watched -w -o name');
    const news = k.watching('get nicc --watch-only');
    await all.until(/web-0/);
    await k.ok(`create -f ${k.file('watched.json', claim('watched'))}`);
    for (const watch of [all, news]) await watch.until(/^watched .*default/m);
    await k.ok('delete nicc watched');
    for (const watch of [all, news]) await watch.stop();
    await one.stop();
    expect(news.text()).not.toMatch(/web-0/);
  });
});

/** In the order of their names, and of their labels the other way round. */
function pageClaims(): object[] {
  return [0, 1, 2, 3, 4].map((n) => claim(`page-${n}`, {}, { labels: { page: String(9 - n) } }));
}
