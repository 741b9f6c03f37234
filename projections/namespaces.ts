import { uuidOf } from '../src/ledger/identifiers.ts';
import { SYSTEM_NAMESPACE } from '../src/ledger/names.ts';
import type { ObjectProjection, Placed } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { type Kept, newMetadata, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'Namespace';
const IPV6_RANGE = 'networking.datumapis.com/ipv6-range';

/** Projects, as namespaces of the API. The built-in one begins with the platform. */
export const namespaces: ObjectProjection = {
  name: 'namespaces',
  version: 1,
  kind: KIND,
  namespaced: false,
  on: {
    AddressSpaceOpened: {
      names: ({ data }) => (data.kind === 'platform' ? [SYSTEM_NAMESPACE] : []),
      next: (_, { data }) => {
        const uid = uuidOf(KIND, SYSTEM_NAMESPACE);
        return active({ at: data.at, name: SYSTEM_NAMESPACE, uid }, {});
      },
    },
    NamespaceCreated: { names: byName, next: (_, { data }) => active(data, data.metadata) },
    RangeAdded: {
      ...changes(({ project, data }) => (isPrivateRange(data) ? [project] : []), withRange),
      follows: true,
    },
    ObjectMetadataChanged: changes(ofKind(KIND), (namespace, { data }) =>
      withMetadata(namespace, data.metadata, rangeOf(namespace)),
    ),
    DeletionRequested: changes(ofKind(KIND), (namespace, { data }) => ({
      ...terminating(namespace, data.at),
      status: { phase: 'Terminating' },
    })),
    NamespaceDeleted: ends,
  },
};

function active(
  data: Parameters<typeof newMetadata>[0],
  given: Parameters<typeof newMetadata>[2],
): KubeObject {
  const metadata = newMetadata(data, '', given);
  return { apiVersion: 'v1', kind: KIND, metadata, status: { phase: 'Active' } };
}

/** Whether a range is the project's as a whole, not that of one of its networks. */
function isPrivateRange({ scope, prefix }: Placed<'RangeAdded'>['data']): boolean {
  return scope.project !== undefined && scope.network === undefined && prefix.includes(':');
}

function withRange(namespace: KubeObject, { data }: Placed<'RangeAdded'>): KubeObject {
  const present = rangeOf(namespace).annotations?.[IPV6_RANGE];
  const range = present === undefined ? data.prefix : `${present},${data.prefix}`;
  return withMetadata(namespace, namespace.metadata, { annotations: { [IPV6_RANGE]: range } });
}

/** The annotation is the ledger's: a client that leaves it out or changes it does not move it. */
function rangeOf(namespace: KubeObject): Kept {
  const range = namespace.metadata.annotations?.[IPV6_RANGE];
  return range === undefined ? {} : { annotations: { [IPV6_RANGE]: range } };
}
