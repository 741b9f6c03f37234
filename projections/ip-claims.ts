import { familyWidth, formatAddress, parsePrefix } from '../src/addressing/prefix.ts';
import type { ObjectProjection, Placed } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionsOf, judged, restamped, type Verdict } from './shape/conditions.ts';
import { IPAM, newMetadata, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'IPClaim';

/** Claims for one block each. The command that makes one also binds it, to a new block or not. */
export const ipClaims: ObjectProjection = {
  name: 'ip_claims',
  version: 1,
  kind: KIND,
  namespaced: true,
  on: {
    IPClaimCreated: { names: byName, next: (_, event) => created(event), creates: true },
    IPAllocationCreated: changes(({ data }) => [data.claim.name], bound),
    IPAllocationUpdated: changes(
      ({ data }) => (data.claim === null ? [] : [data.claim.name]),
      bound,
    ),
    ObjectMetadataChanged: changes(ofKind(KIND), (claim, { data }) =>
      withMetadata(claim, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (claim, { data }) =>
      restamped(terminating(claim, data.at), () => true),
    ),
    IPClaimDeleted: ends,
  },
};

function created({ data, project }: Placed<'IPClaimCreated'>): KubeObject {
  const metadata = newMetadata(data, project, data.metadata);
  const message = 'waiting for the ledger';
  const pending = { type: 'Bound', status: 'Unknown', reason: 'Pending', message } as const;
  const conditions = judged([], [pending], 1, data.at);
  const status = { phase: 'Pending', conditions };
  return { apiVersion: IPAM, kind: KIND, metadata, spec: data.spec, status };
}

function bound(
  claim: KubeObject,
  { data }: Placed<'IPAllocationCreated' | 'IPAllocationUpdated'>,
): KubeObject {
  const { pool, name, at } = data;
  const block = parsePrefix(data.block);
  const isHost = block.length === familyWidth(block.family);
  const message = `holds ${data.block}`;
  const verdict: Verdict = { type: 'Bound', status: 'True', reason: 'Bound', message };
  const { generation } = claim.metadata;
  const status = {
    phase: 'Bound',
    allocatedCIDR: data.block,
    ...(isHost ? { address: formatAddress(block) } : {}),
    poolRef: { name: pool },
    boundAllocationRef: { name },
    conditions: judged(conditionsOf(claim), [verdict], generation, at),
  };
  return { ...claim, status };
}
