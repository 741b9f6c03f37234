import {
  CustomObjectsApi,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
} from '@kubernetes/client-node';

const GROUP = 'networking.datumapis.com';
const VERSION = 'v1alpha';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
}

/** How long it is waited before an informer that has stopped at a failure begins again. */
const AGAIN_MS = 500;

/**
 * An informer of one kind that goes on after failures. `namespace` undefined means every one that
 * the token may see. `changed` is told the key of each object that came, changed or went.
 */
export function informed<T extends KubernetesObject>(
  config: KubeConfig,
  plural: string,
  namespace: string | undefined,
  changed: (key: string) => void,
): Informer<T> & ObjectCache<T> {
  const api = config.makeApiClient(CustomObjectsApi);
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const path = `/apis/${GROUP}/${VERSION}${within}/${plural}`;
  const what = { group: GROUP, version: VERSION, plural };
  const list = () =>
    namespace === undefined
      ? api.listCustomObjectForAllNamespaces({ ...what, resourcePlural: plural })
      : api.listNamespacedCustomObject({ ...what, namespace });
  const informer = makeInformer<T>(config, path, list);
  informer.on('change', (object) => changed(keyOf(object)));
  informer.on('error', () => {
    setTimeout(() => informer.start(), AGAIN_MS).unref();
  });
  return informer;
}

/** `namespace/name` of an object. */
export function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** The two parts of such a key. */
export function partsOf(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}
