import { beforeAll, expect, it } from 'vitest';
import { claim, NETWORKING, network, withEveryKubectl } from './every-kubectl.ts';
import type { Kubectl } from './kubectl.ts';

/** What a provider says of an interface. */
const REPORT = {
  status: {
    conditions: [
      { type: 'Prepared', status: 'True', reason: 'Attached' },
      { type: 'Programmed', status: 'True', reason: 'Programmed' },
    ],
  },
};

withEveryKubectl(({ found, kubectl, ofCompute, project, send }) => {
  /** From this version on. */
  const since = (minor: number) => found.minor >= minor;
  const of = (plural: string) => `/apis/${NETWORKING}/namespaces/${project}/${plural}`;
  let k: Kubectl;
  beforeAll(() => {
    k = kubectl();
  });

  const mtuOf = async (name: string) => (await k.json(`get net ${name}`)).spec.mtu;

  it('applies a file, once and again, and tells the difference before', async () => {
    const file = (mtu: number) => k.file('net-a.json', network('net-a', { mtu }));
    const told = (what: string) => `network.networking.datumapis.com/net-a ${what}\n`;
    expect(await k.ok(`apply -f ${file(1400)} --dry-run=server`)).toMatch(/created \(server dry/);
    expect(await k.fails('get net net-a')).toMatch(/NotFound/);
    expect(await k.ok(`apply -f ${file(1400)}`)).toBe(told('created'));
    expect(await k.ok(`apply -f ${file(1400)}`)).toBe(told('unchanged'));
    expect(await k.ok(`diff -f ${file(1400)}`)).toBe('');
    const { code, stdout } = await k.run(`diff -f ${file(1500)}`);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^-\s+mtu: 1400\n\+\s+mtu: 1500$/m);
    expect(await mtuOf('net-a')).toBe(1400);
    expect(await k.ok(`apply -f ${file(1500)}`)).toBe(told('configured'));
    expect(await mtuOf('net-a')).toBe(1500);
  });

  it('applies on the side of the server, with the owners of fields and their conflicts', async () => {
    const file = (mtu: number) => k.file('net-b.json', network('net-b', { mtu }));
    const apply = (mtu: number) => `apply --server-side -f ${file(mtu)}`;
    expect(await k.ok(`${apply(1400)} --field-manager=one`)).toMatch(/serverside-applied\n$/);
    expect(await k.ok(`${apply(1400)} --field-manager=one`)).toMatch(/serverside-applied\n$/);
    const conflict = await k.fails(`${apply(1500)} --field-manager=two`);
    expect(conflict).toMatch(/conflict with "one".*\.spec\.mtu/s);
    expect(await mtuOf('net-b')).toBe(1400);
    await k.ok(`${apply(1500)} --field-manager=two --force-conflicts`);
    expect(await mtuOf('net-b')).toBe(1500);
    const shown = await k.json(`get net net-b${since(21) ? ' --show-managed-fields' : ''}`);
    const owner = (manager: string) =>
      shown.metadata.managedFields.find((one: { manager: string }) => one.manager === manager);
    expect(owner('two').fieldsV1['f:spec']).toHaveProperty('f:mtu');
    expect(owner('one')?.fieldsV1['f:spec'] ?? {}).not.toHaveProperty('f:mtu');
    // What was applied by the client before goes over to its new owner.
    await k.ok(`apply --server-side --force-conflicts -f ${k.file('a.json', network('net-a'))}`);
  });

  it('replaces, and not what somebody else has changed meanwhile', async () => {
    await k.ok(`create -f ${k.file('net-c.json', network('net-c'))}`);
    const seen = await k.json('get net net-c');
    seen.spec.mtu = 1400;
    expect(await k.ok(`replace -f ${k.file('net-c.json', seen)}`)).toMatch(/net-c replaced\n$/);
    expect(await mtuOf('net-c')).toBe(1400);
    expect(await k.fails(`replace -f ${k.file('net-c.json', seen)}`)).toMatch(
      /Conflict.*the object has been modified/,
    );
    const { uid } = (await k.json('get net net-c')).metadata;
    await k.ok(`replace --force -f ${k.file('again.json', network('net-c', { mtu: 1480 }))}`);
    const again = await k.json('get net net-c');
    expect(again.spec.mtu).toBe(1480);
    expect(again.metadata.uid).not.toBe(uid);
  });

  it('patches in the ways that there are for custom resources', async () => {
    await k.ok('patch net net-c --type=merge -p', ['{"spec":{"mtu":1410}}']);
    expect(await mtuOf('net-c')).toBe(1410);
    const json = '[{"op":"replace","path":"/spec/mtu","value":1420}]';
    await k.ok('patch net net-c --type=json -p', [json]);
    expect(await mtuOf('net-c')).toBe(1420);
    const test = '[{"op":"test","path":"/spec/mtu","value":1}]';
    await k.fails('patch net net-c --type=json -p', [test]);
    expect(await k.fails('patch net net-c -p', ['{"spec":{"mtu":1430}}'])).toMatch(
      /strategic-merge-patch\+json is not supported|UnsupportedMediaType|unknown format/,
    );
    expect(await mtuOf('net-c')).toBe(1420);
  });

  it('edits, labels and annotates', async () => {
    const editor = k.file('editor', '#!/bin/sh\nsed -i "s/mtu: 1420/mtu: 1440/" "$1"\n', 0o700);
    expect(await k.ok('edit net net-c', [], { KUBE_EDITOR: editor })).toMatch(/net-c edited\n$/);
    expect(await mtuOf('net-c')).toBe(1440);
    await k.ok('label net net-c tier=gold');
    expect(await k.fails('label net net-c tier=silver')).toMatch(/overwrite/);
    await k.ok('label net net-c tier=silver --overwrite');
    await k.ok('annotate net net-c', ['note=two words']);
    const { metadata } = await k.json('get net net-c');
    expect(metadata).toMatchObject({ labels: { tier: 'silver' }, generation: 4 });
    expect(metadata.annotations).toMatchObject({ note: 'two words' });
    await k.ok('label net net-c tier-');
    await k.ok('annotate net net-c note-');
    const { labels = {}, annotations = {} } = (await k.json('get net net-c')).metadata;
    expect([labels, annotations]).toEqual([{}, {}]);
  });

  it('is told which fields cannot be changed', async () => {
    await k.ok(`apply -f ${k.file('fixed.json', claim('fixed'))}`);
    const changed = k.file('fixed.json', claim('fixed', { interfaceName: 'eth1' }));
    expect(await k.fails(`apply -f ${changed}`)).toMatch(
      /NetworkInterfaceClaim "fixed" is invalid: spec\.interfaceName.*immutable/,
    );
  });

  it('waits for a condition, and for the end', async () => {
    await k.ok(`create -f ${k.file('awaited.json', claim('awaited'))}`);
    expect(await k.fails('wait --for=condition=Ready nicc/awaited --timeout=1s')).toMatch(
      /timed out/,
    );
    const ready = k.ok('wait --for=condition=Ready nicc/awaited --timeout=30s');
    if (since(24)) {
      const patch = ['--type=merge', '-p', JSON.stringify(REPORT)];
      await k.ok('patch nic awaited --subresource=status', patch);
    } else {
      const path = `${of('networkinterfaces')}/awaited/status`;
      await send('PATCH', path, REPORT, 'application/merge-patch+json');
    }
    expect(await ready).toMatch(/awaited condition met\n$/);
    const [row] = await k.rows('get nicc awaited');
    expect(row).toMatchObject({ READY: 'True' });
    // It tells of its requests: it has to be there when the wait begins.
    const gone = k.watching('wait --for=delete nicc/awaited --timeout=30s -v=6');
    await gone.until(/watch=true/);
    await k.ok('delete nicc awaited');
    expect(await gone.ended).toBe(0);
  });

  it('deletes by name, by file, by label and all there are', async () => {
    const left = async () => (await k.ok('get nicc -l batch -o name')).split('\n').length - 1;
    for (const name of ['d-0', 'd-1', 'd-2', 'd-3']) {
      const labels = { batch: name === 'd-2' ? 'odd' : 'even' };
      await k.ok(`create -f ${k.file(`${name}.json`, claim(name, {}, { labels }))}`);
    }
    expect(await k.ok('delete nicc d-0 --dry-run=server')).toMatch(/deleted \(server dry run\)\n$/);
    expect(await left()).toBe(4);
    expect(await k.ok('delete nicc d-0')).toMatch(/"d-0" deleted/);
    await k.ok(`delete -f ${k.file('d-1.json', claim('d-1'))}`);
    await k.ok('delete nicc -l batch=odd');
    expect(await left()).toBe(1);
    await k.ok('delete nicc --all');
    expect(await k.ok('get nicc -o name')).toBe('');
    expect(await k.fails('delete nicc d-0')).toMatch(/NotFound/);
    await k.ok('delete nicc d-0 --ignore-not-found');
  });

  it('waits for the end of what others hold back, unless told not to', async () => {
    const finalizers = ['example.com/hold'];
    await k.ok(`create -f ${k.file('held.json', claim('held', {}, { finalizers }))}`);
    await k.ok('delete nicc held --wait=false');
    expect((await k.json('get nicc held')).metadata.deletionTimestamp).toBeDefined();
    const deleting = k.watching('delete nicc held -v=6');
    await deleting.until(/watch=true/);
    await k.ok('patch nicc held --type=merge -p', ['{"metadata":{"finalizers":[]}}']);
    expect(await deleting.ended).toBe(0);
    expect(await k.fails('get nicc held')).toMatch(/NotFound/);
  });

  it('explains fields', async () => {
    const told = await k.ok('explain nicc.spec.reclaimPolicy');
    expect(told).toMatch(/FIELD:\s+reclaimPolicy/);
    expect(told).toMatch(/DESCRIPTION:\n\s+\S+/);
    expect(await k.ok('explain networks --recursive')).toMatch(/ipFamilies/);
  });

  it('asks what one may do, and is refused the rest', async () => {
    expect(await k.ok('auth can-i create locations.networking.datumapis.com')).toBe('yes\n');
    expect(await k.ok('auth can-i --list')).toMatch(/\*/);
    const resourceAttributes = {
      verb: 'create',
      group: 'networking.datumapis.com',
      resource: 'locations',
    };
    const reviews = [
      ['authorization.k8s.io/v1', 'SelfSubjectAccessReview', { spec: { resourceAttributes } }],
      ['authorization.k8s.io/v1', 'SelfSubjectRulesReview', { spec: { namespace: project } }],
      ['authentication.k8s.io/v1', 'SelfSubjectReview', {}],
    ] as const;
    for (const [apiVersion, kind, rest] of reviews) {
      const file = k.file(`${kind}.json`, { apiVersion, kind, ...rest });
      expect(await k.json(`create -f ${file}`)).toMatchObject({ kind, status: {} });
    }
    const wrong = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: 1,
    };
    expect(await k.fails(`create -f ${k.file('wrong.json', wrong)}`)).toMatch(/spec/);
    const compute = ofCompute();
    expect(await compute.ok('auth can-i create nicc')).toBe('yes\n');
    const { code, stdout } = await compute.run('auth can-i create locations');
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^no\b/)]);
    expect(await compute.ok('get nicc')).toBe('');
    expect(await compute.fails('get loc')).toMatch(/Forbidden.*cannot list/);
    expect(await compute.fails('get nicc -A')).toMatch(/Forbidden/);
    expect(await compute.fails('get nicc -n elsewhere')).toMatch(/Forbidden/);
    expect(await k.fails('get nicc --as bob')).toMatch(/cannot impersonate user "bob"/);
    if (since(28)) expect(await compute.ok('auth whoami')).toMatch(/compute/);
  });
});
