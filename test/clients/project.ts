import { CoreV1Api, CustomObjectsApi, type KubeConfig } from '@kubernetes/client-node';

const NETWORKING = { group: 'networking.datumapis.com', version: 'v1alpha' };

/** Makes locations that are open to all projects. */
export async function makeLocations(operator: KubeConfig, ...names: string[]): Promise<void> {
  const api = operator.makeApiClient(CustomObjectsApi);
  for (const name of names) {
    const body = {
      apiVersion: 'networking.datumapis.com/v1alpha',
      kind: 'Location',
      metadata: { name },
    };
    await api.createClusterCustomObject({ ...NETWORKING, plural: 'locations', body });
  }
}

/** Makes projects, each with a network `default` that carries both families. */
export async function makeProjects(operator: KubeConfig, ...names: string[]): Promise<void> {
  const core = operator.makeApiClient(CoreV1Api);
  const custom = operator.makeApiClient(CustomObjectsApi);
  for (const name of names) {
    await core.createNamespace({ body: { metadata: { name } } });
    const body = {
      apiVersion: 'networking.datumapis.com/v1alpha',
      kind: 'Network',
      metadata: { name: 'default' },
      spec: { ipFamilies: ['IPv6', 'IPv4'] },
    };
    const where = { ...NETWORKING, namespace: name, plural: 'networks' };
    await custom.createNamespacedCustomObject({ ...where, body });
  }
}
