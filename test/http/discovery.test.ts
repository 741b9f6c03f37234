import { describe, expect, test } from 'vitest';
import { GROUP, world } from './world.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';

describe('discovery', () => {
  const { app, get } = world({ version: '1.2.3' });

  test('names a version that clients can read', async () => {
    const { body } = await get('/version');
    expect(body).toMatchObject({ major: '1', gitVersion: 'v1.33.0+netalloc-1.2.3' });
  });

  test('lists groups and versions', async () => {
    expect((await get('/api')).body).toEqual({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [],
    });
    const { body } = await get('/apis');
    expect(body.kind).toBe('APIGroupList');
    expect(body.groups.map(({ name }: { name: string }) => name)).toEqual([
      'networking.datumapis.com',
      'ipam.miloapis.com',
    ]);
    const one = (await get('/apis/ipam.miloapis.com')).body;
    const version = { groupVersion: 'ipam.miloapis.com/v1alpha1', version: 'v1alpha1' };
    expect(one).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'ipam.miloapis.com',
      versions: [version],
      preferredVersion: version,
    });
  });

  test('lists resources with short names and the verbs that work', async () => {
    const lists = [await get('/api/v1'), await get(GROUP), await get(IPAM)];
    const lines = lists.flatMap(({ body }) =>
      body.resources.map(
        (one: Record<string, string | string[]>) =>
          `${body.groupVersion} ${one.name} ${one.singularName || '-'} ${one.kind} ${one.shortNames ?? '-'} ${one.namespaced} ${[one.verbs].flat().join('/')}`,
      ),
    );
    const all = 'create/delete/get/list/patch/update/watch';
    const net = 'networking.datumapis.com/v1alpha';
    const ipam = 'ipam.miloapis.com/v1alpha1';
    expect(lines).toEqual([
      `v1 namespaces namespace Namespace ns false ${all}`,
      `${net} networks network Network net true ${all}`,
      `${net} networkcontexts networkcontext NetworkContext netctx true ${all}`,
      `${net} locations location Location loc false ${all}`,
      `${net} networkinterfaceclaims networkinterfaceclaim NetworkInterfaceClaim nicc true ${all}`,
      `${net} networkinterfaces networkinterface NetworkInterface nic true delete/get/list/patch/update/watch`,
      `${net} networkinterfaces/status - NetworkInterface - true get/patch/update`,
      `${ipam} ippools ippool IPPool - false create/delete/get/list/patch/update/watch`,
      `${ipam} ipclasses ipclass IPClass - false create/delete/get/list/patch/update/watch`,
      `${ipam} ipclaims ipclaim IPClaim ipc true ${all}`,
      `${ipam} ipallocations ipallocation IPAllocation ipalloc true delete/get/list/watch`,
    ]);
  });

  test('promises no verb that does not work', async () => {
    const methods = { create: 'POST', delete: 'DELETE', get: 'GET', patch: 'PATCH', update: 'PUT' };
    for (const root of ['/api/v1', GROUP, IPAM]) {
      for (const { name, namespaced, verbs } of (await get(root)).body.resources) {
        const [plural, subresource] = name.split('/');
        const collection = `${root}${namespaced ? '/namespaces/:namespace' : ''}/${plural}`;
        const object = `${collection}/:name${subresource ? `/${subresource}` : ''}`;
        for (const verb of verbs) {
          const url = ['create', 'list', 'watch'].includes(verb) ? collection : object;
          const method = methods[verb as keyof typeof methods] ?? 'GET';
          expect([url, method, app.hasRoute({ url, method: method as 'GET' })]).toEqual([
            url,
            method,
            true,
          ]);
        }
      }
    }
  });
});

describe('the OpenAPI document', () => {
  const { get } = world();

  test('describes every route by the schemas that bodies are read by', async () => {
    const { code, body } = await get('/openapi.json');
    expect(code).toBe(200);
    expect(body.openapi).toBe('3.1.0');
    const path = body.paths[`${GROUP}/namespaces/{namespace}/networkinterfaceclaims`];
    expect(Object.keys(path ?? {})).toEqual(expect.arrayContaining(['get', 'post']));
    const { schemas } = body.components;
    expect(schemas.NetworkInterfaceClaim.properties.spec.properties.reclaimPolicy).toMatchObject({
      enum: ['Delete', 'Retain'],
      default: 'Delete',
    });
    expect(schemas.NetworkInterfaceClaim.additionalProperties).toBe(false);
    expect(schemas.Network.properties.spec.properties.mtu).toMatchObject({
      type: 'integer',
      minimum: 1300,
      maximum: 8856,
    });
    expect(JSON.stringify(path.post.requestBody)).toContain(
      '"#/components/schemas/NetworkInterfaceClaim"',
    );
    expect(JSON.stringify(path.post.responses)).toContain('"#/components/schemas/Status"');
  });

  test('says which paths and methods there are, and no others', async () => {
    const { body } = await get('/openapi.json');
    const lines = Object.entries<object>(body.paths).map(
      ([path, methods]) => `${path} ${Object.keys(methods).sort().join(' ')}`,
    );
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toContain('/healthz get');
    expect(lines).toContain(`${IPAM}/ippools/{name} delete get patch put`);
    expect(lines).toContain(
      `${GROUP}/namespaces/{namespace}/networkinterfaces/{name}/status get patch put`,
    );
    for (const line of lines) expect(line).not.toMatch(/head|options|trace/);
  });
});
