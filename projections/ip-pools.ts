import { isDeepStrictEqual } from 'node:util';
import { uuidOf } from '../src/ledger/identifiers.ts';
import type { Counts, ObjectProjection, Placed, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import {
  conditionsOf,
  judged,
  restamped,
  type Verdict,
  withConditions,
} from './shape/conditions.ts';
import { IPAM, newMetadata, nextGeneration, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'IPPool';

/**
 * Pools: those that operators author, and those made on demand, whose names say what they serve. A
 * pool's sizes, and how full it is, are counted at the read.
 */
export const ipPools: ObjectProjection = {
  name: 'ip_pools',
  version: 3,
  kind: KIND,
  namespaced: false,
  on: {
    IPPoolCreated: {
      names: byName,
      next: (_, { data }) => {
        const metadata = newMetadata(data, '', data.metadata);
        const status = data.owner === undefined ? {} : { projectUid: data.owner };
        return shown({ apiVersion: IPAM, kind: KIND, metadata, spec: data.spec, status }, data.at);
      },
    },
    RangeAdded: {
      names: ({ data }) => [data.pool],
      next: (pool, event) => {
        const { data } = event;
        if (event.project === '') return pool && withFirstRange(pool, data.prefix);
        if (pool === undefined) return madeOnDemand(event, data.pool, data.grant?.pool);
        return withRanges(pool, [...rangesOf(pool), data.prefix]);
      },
    },
    // A carve for another stream becomes a pool when that stream commits it with RangeAdded.
    PrefixCarved: {
      names: ({ data }) => (data.grant === undefined ? [data.childPool] : []),
      next: (pool, event) => {
        const { childPool, pool: parent, prefix } = event.data;
        if (event.project === '') return pool && withFirstRange(pool, prefix);
        return madeOnDemand(event, childPool, parent);
      },
    },
    PrefixReturned: {
      names: ({ data, project }) => {
        return data.grantId === undefined && project !== '' ? [data.childPool] : [];
      },
      next: () => undefined,
    },
    // What an authored pool has is what its spec says.
    RangeRemoved: {
      names: ({ data, project }) => (project === '' ? [] : [data.pool]),
      next: (pool, { data }) => pool && withoutRange(pool, data.prefix),
    },
    IPPoolUpdated: changes(byName, (pool, { data }) => {
      const { spec, metadata } = data;
      const changed = isDeepStrictEqual(spec, pool.spec) ? pool : { ...nextGeneration(pool), spec };
      const kept = metadata === undefined ? changed : withMetadata(changed, metadata, {});
      return shown(kept, data.at);
    }),
    ObjectMetadataChanged: changes(ofKind(KIND), (pool, { data }) =>
      withMetadata(pool, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (pool, { data }) =>
      shown(terminating(pool, data.at), data.at),
    ),
    IPPoolDeleted: ends,
    AddressSpaceClosed: {
      names: ({ project }, present) => present.poolsOf(project),
      next: () => undefined,
    },
  },
  atRead,
};

/** Its uid follows from the event that made it: a pool of the same name made later is another. */
function madeOnDemand(
  { data, stream, revision }: Placed<'RangeAdded' | 'PrefixCarved'>,
  name: string,
  parent: string | undefined,
): KubeObject {
  const { at, className, scope, prefix } = data;
  const uid = uuidOf(stream, revision, KIND);
  return {
    apiVersion: IPAM,
    kind: KIND,
    metadata: newMetadata({ at, name, uid }, ''),
    spec: {
      ipFamily: prefix.includes(':') ? 'IPv6' : 'IPv4',
      classRef: { name: className },
      scope,
      ...(parent === undefined ? {} : { parentPoolRef: { name: parent } }),
    },
    status: { allocatedCIDR: prefix, conditions: judged([], [AVAILABLE], 1, at) },
  };
}

/** The range that an authored pool began with: a root's `cidr`, or what a child was carved. */
function withFirstRange(pool: KubeObject, prefix: string): KubeObject {
  if (pool.status?.allocatedCIDR !== undefined) return pool;
  return { ...pool, status: { ...pool.status, allocatedCIDR: prefix } };
}

/** The last range takes the pool with it. */
function withoutRange(pool: KubeObject, prefix: string): KubeObject | undefined {
  const left = rangesOf(pool).filter((range) => range !== prefix);
  return left.length === 0 ? undefined : withRanges(pool, left);
}

/** All ranges of a pool, the one that it was made with first. */
function rangesOf(pool: KubeObject): readonly string[] {
  const further = (pool.spec?.additionalCIDRs ?? []) as readonly string[];
  return [pool.status?.allocatedCIDR as string, ...further];
}

function withRanges(pool: KubeObject, [allocatedCIDR, ...further]: readonly string[]): KubeObject {
  const { additionalCIDRs, ...rest } = pool.spec ?? {};
  const spec = further.length === 0 ? rest : { ...rest, additionalCIDRs: further };
  const status = { ...pool.status, allocatedCIDR };
  return restamped({ ...nextGeneration(pool), spec, status }, () => true);
}

const AVAILABLE: Verdict = {
  type: 'Ready',
  status: 'True',
  reason: 'Available',
  message: 'has its range',
};

const NOTHING_MORE = 'hands out nothing more; what is held stays';

/** It answers for what it holds in any case; the reason says whether it hands out more. */
function shown(pool: KubeObject, at: string): KubeObject {
  const { metadata, spec } = pool;
  let verdict = AVAILABLE;
  if (metadata.deletionTimestamp !== undefined) {
    verdict = { ...AVAILABLE, reason: 'Terminating', message: `is being deleted; ${NOTHING_MORE}` };
  } else if (spec?.draining === true) {
    verdict = { ...AVAILABLE, reason: 'Draining', message: NOTHING_MORE };
  }
  const conditions = judged(conditionsOf(pool), [verdict], metadata.generation, at);
  return withConditions(pool, conditions);
}

/**
 * Whether a pool's project is gone, so that it serves nobody. That is seen at the read, as counts
 * are: a project that owns a pool is not deleted, unless both happen at once.
 */
function isOwnerGone({ spec, status }: KubeObject, present: Present): boolean {
  const { name } = (spec?.projectRef ?? {}) as { readonly name?: string };
  const { projectUid } = status ?? {};
  if (name === undefined || projectUid === undefined) return false;
  return present.object('Namespace', '', name)?.metadata.uid !== projectUid;
}

function withoutOwner(pool: KubeObject): KubeObject {
  const message = `the project that owns it is gone: it serves nobody, and ${NOTHING_MORE}`;
  const conditions = conditionsOf(pool).map((ready) => ({
    ...ready,
    reason: 'OwnerGone',
    message,
  }));
  return withConditions(pool, conditions);
}

function atRead(stored: KubeObject, present: Present, counts: Counts): KubeObject {
  const ownerGone = isOwnerGone(stored, present);
  const pool = ownerGone ? withoutOwner(stored) : stored;
  const capacity = counts.poolCounts(pool.metadata.name);
  if (capacity === undefined) return pool;
  const [total, free] = [BigInt(capacity.total), BigInt(capacity.free)];
  const fullness = free === 0n ? 'Exhausted' : 'Ready';
  const phase = ownerGone || pool.spec?.draining === true ? 'Draining' : fullness;
  const utilizationPercent = Number(((total - free) * 1_000_000n) / total) / 10_000;
  const { conditions, ...said } = pool.status ?? {};
  const status = { phase, ...said, capacity, utilizationPercent, conditions };
  return { ...pool, status };
}
