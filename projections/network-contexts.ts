import type { NetworkSpec, Subnet } from '../src/ledger/events.ts';
import type { Counts, ObjectProjection, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionsOf, judged, restamped, withConditions } from './shape/conditions.ts';
import { NETWORKING, newMetadata, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'NetworkContext';

/**
 * Presences: one network in one location. A stored one knows each subnet's pool; its sizes, the
 * interfaces that stand there, and what it has of its network are filled in at the read.
 */
export const networkContexts: ObjectProjection = {
  name: 'network_contexts',
  version: 1,
  kind: KIND,
  namespaced: true,
  on: {
    NetworkContextCreated: {
      names: byName,
      next: (_, { data, project }) => {
        const { network, location, requested, at } = data;
        const spec = {
          network: { name: network.name },
          location: { name: location.name },
          ...(requested === undefined ? {} : { subnets: requested }),
        };
        const metadata = newMetadata(data, project, data.metadata);
        return withSubnets(
          { apiVersion: NETWORKING, kind: KIND, metadata, spec },
          data.subnets,
          at,
        );
      },
    },
    NetworkContextUpdated: changes(byName, (context, { data }) =>
      withSubnets(context, data.subnets, data.at),
    ),
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

function withSubnets(context: KubeObject, subnets: readonly Subnet[], at: string): KubeObject {
  const families = subnets.map(({ family }) => family).join(' and ');
  const message = families === '' ? 'carries no family' : `has a subnet of ${families}`;
  const verdict = { status: 'True', reason: 'Allocated', message } as const;
  const verdicts = [
    { type: 'IPAMAllocated', ...verdict },
    { type: 'Ready', ...verdict },
  ];
  const conditions = judged(conditionsOf(context), verdicts, context.metadata.generation, at);
  return withConditions({ ...context, status: { subnets } }, conditions);
}

function atRead(context: KubeObject, present: Present, counts: Counts): KubeObject {
  const { namespace = '', name } = context.metadata;
  const { network } = context.spec as { network: { name: string } };
  const { mtu, ipFamilies } = (present.object('Network', namespace, network.name)?.spec ??
    {}) as Partial<NetworkSpec>;
  const subnets = subnetsOf(context).map(({ pool, ...subnet }) => {
    const { total, held, free } = counts.poolCounts(pool) ?? {};
    return { ...subnet, total, held, free };
  });
  const interfaces = counts.interfacesIn(namespace, name);
  const conditions = conditionsOf(context);
  return { ...context, status: { subnets, mtu, ipFamilies, interfaces, conditions } };
}
