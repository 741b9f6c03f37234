import { isDeepStrictEqual } from 'node:util';
import type { EventData, NetworkSpec } from '../src/ledger/events.ts';
import type { ObjectProjection, Placed } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import {
  conditionOf,
  conditionsOf,
  judged,
  restamped,
  type Verdict,
  withConditions,
} from './shape/conditions.ts';
import {
  NETWORKING,
  newMetadata,
  nextGeneration,
  terminating,
  withMetadata,
} from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'Network';

/** The ranges of a network, one a family. */
interface Ipam {
  readonly ipv6Prefix?: string;
  readonly ipv4Range?: string;
}

type Waiting = EventData<'NetworkUpdated'>['waiting'];

/**
 * A network's pool appears: either carved from the project's range or a range of its own. What an
 * authored pool carves in its own stream is not the network's before the project commits it.
 */
const rangeTaken = {
  ...changes<'PrefixCarved' | 'RangeAdded'>(
    ({ data, project }) => (project === '' ? [] : networkOf(data.scope)),
    (network, event) => withRange(network, event),
  ),
  follows: true,
} as const;

/** Projects' private networks. */
export const networks: ObjectProjection = {
  name: 'networks',
  version: 1,
  kind: KIND,
  namespaced: true,
  on: {
    NetworkCreated: {
      names: byName,
      next: (_, { data, project }) => {
        const metadata = newMetadata(data, project, data.metadata);
        const status = { ipam: {} };
        const network = { apiVersion: NETWORKING, kind: KIND, metadata, spec: data.spec, status };
        return shown(network, [], data.at);
      },
    },
    PrefixCarved: rangeTaken,
    RangeAdded: rangeTaken,
    NetworkUpdated: changes(byName, (network, { data }) => {
      const { spec, metadata, waiting, at } = data;
      const changed = isDeepStrictEqual(spec, network.spec)
        ? network
        : { ...nextGeneration(network), spec };
      const kept = metadata === undefined ? changed : withMetadata(changed, metadata, {});
      return shown(kept, waiting, at);
    }),
    ObjectMetadataChanged: changes(ofKind(KIND), (network, { data }) =>
      withMetadata(network, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (network, { data }) =>
      restamped(terminating(network, data.at), () => true),
    ),
    NetworkDeleted: ends,
  },
};

/** The network that a pool of this scope is the range of. */
function networkOf({ network, location }: EventData<'RangeAdded'>['scope']): readonly string[] {
  return network === undefined || location !== undefined ? [] : [network];
}

function withRange(
  network: KubeObject,
  { data }: Placed<'PrefixCarved' | 'RangeAdded'>,
): KubeObject {
  const field = data.prefix.includes(':') ? 'ipv6Prefix' : 'ipv4Range';
  const ipam = ipamOf(network);
  if (ipam[field] !== undefined) return network;
  const status = { ...network.status, ipam: { ...ipam, [field]: data.prefix } };
  return shown({ ...network, status }, [], data.at);
}

/** The network with its conditions; Ready repeats whether every family has its range. */
function shown(network: KubeObject, waiting: Waiting, at: string): KubeObject {
  const before = conditionsOf(network);
  const verdict = allocation(network, waiting);
  const ready = { ...verdict, type: 'Ready' };
  const { generation } = network.metadata;
  return withConditions(network, judged(before, [verdict, ready], generation, at));
}

function allocation(network: KubeObject, waiting: Waiting): Verdict {
  const type = 'IPAMAllocated';
  const { ipFamilies, ipam } = network.spec as NetworkSpec;
  if (ipam.mode === 'Policy') {
    const message = 'nothing is allocated from a network of mode Policy';
    return { type, status: 'True', reason: 'Policy', message };
  }
  const { ipv6Prefix, ipv4Range } = ipamOf(network);
  const lacking = ipFamilies.find((family) => !(family === 'IPv6' ? ipv6Prefix : ipv4Range));
  if (lacking === undefined) {
    return { type, status: 'True', reason: 'Allocated', message: 'every family has its range' };
  }
  const wait = waiting.find(({ family }) => family === lacking) ?? waiting[0];
  if (wait !== undefined) {
    return { type, status: 'False', reason: wait.reason, message: wait.message };
  }
  // A later event of the same command says what became of it: until then nothing is known anew.
  const message = `the range of ${lacking} is not known yet`;
  const pending = { type, status: 'Unknown', reason: 'Pending', message } as const;
  return conditionOf(conditionsOf(network), type) ?? pending;
}

function ipamOf(network: KubeObject): Ipam {
  return (network.status?.ipam ?? {}) as Ipam;
}
