import { isDeepStrictEqual } from 'node:util';
import type { NetworkSpec, Subnet } from '../src/ledger/events.ts';
import type { Counts, ObjectProjection, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionsOf, judged, restamped, withConditions } from './shape/conditions.ts';
import { NETWORKING, newMetadata, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'NetworkContext';

/**
 * Presences: one network in one location. It follows its network's MTU and families. A stored one
 * knows each subnet's pool; its sizes and the interfaces that stand there are counted at the read.
 */
export const networkContexts: ObjectProjection = {
  name: 'network_contexts',
  version: 3,
  kind: KIND,
  namespaced: true,
  on: {
    NetworkContextCreated: {
      names: byName,
      next: (_, { data, project }, present) => {
        const { network, location, requested, at } = data;
        const spec = {
          network: { name: network.name },
          location: { name: location.name },
          ...(requested === undefined ? {} : { subnets: requested }),
        };
        const metadata = newMetadata(data, project, data.metadata);
        const context = { apiVersion: NETWORKING, kind: KIND, metadata, spec };
        const placed = following(context, present.object('Network', project, network.name));
        return withSubnets(placed, data.subnets, at);
      },
    },
    NetworkContextUpdated: changes(byName, (context, { data }) =>
      withSubnets(context, data.subnets, data.at),
    ),
    // Without metadata it is the ledger's own word on what the network waits for.
    NetworkUpdated: {
      ...changes(
        ({ data, project }, present) =>
          data.metadata === undefined ? [] : present.namesFrom(KIND, project, `${data.name}.`),
        (context, { data }) => following(context, data),
      ),
      follows: true,
    },
    ObjectMetadataChanged: changes(ofKind(KIND), (context, { data }) =>
      withMetadata(context, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (context, { data }) =>
      restamped(terminating(context, data.at), () => true),
    ),
    NetworkContextDeleted: ends,
  },
  atRead,
};

/** The subnets of a stored context. */
export function subnetsOf(context: KubeObject | undefined): readonly Subnet[] {
  return (context?.status?.subnets as readonly Subnet[] | undefined) ?? [];
}

/** The context with what it has of its network; the same value when that has not changed. */
function following(context: KubeObject, network: Pick<KubeObject, 'spec'> | undefined) {
  const { mtu, ipFamilies } = (network?.spec ?? {}) as Partial<NetworkSpec>;
  const { status } = context;
  if (status?.mtu === mtu && isDeepStrictEqual(status?.ipFamilies, ipFamilies)) return context;
  return { ...context, status: { ...status, mtu, ipFamilies } };
}

function withSubnets(context: KubeObject, subnets: readonly Subnet[], at: string): KubeObject {
  const families = subnets.map(({ family }) => family).join(' and ');
  const message = families === '' ? 'carries no family' : `has a subnet of ${families}`;
  const verdict = { status: 'True', reason: 'Allocated', message } as const;
  const verdicts = [
    { type: 'IPAMAllocated', ...verdict },
    { type: 'Ready', ...verdict },
  ];
  const conditions = judged(conditionsOf(context), verdicts, context.metadata.generation, at);
  return withConditions({ ...context, status: { ...context.status, subnets } }, conditions);
}

function atRead(context: KubeObject, _present: Present, counts: Counts): KubeObject {
  const { namespace = '', name } = context.metadata;
  const { mtu, ipFamilies } = context.status ?? {};
  const subnets = subnetsOf(context).map(({ pool, ...subnet }) => {
    const { total, held, free } = counts.poolCounts(pool) ?? {};
    return { ...subnet, total, held, free };
  });
  const interfaces = counts.interfacesIn(namespace, name);
  const conditions = conditionsOf(context);
  return { ...context, status: { subnets, mtu, ipFamilies, interfaces, conditions } };
}
