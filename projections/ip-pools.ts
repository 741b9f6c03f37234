import { uuidOf } from '../src/ledger/identifiers.ts';
import type { Counts, ObjectProjection, Placed, Present } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionsOf, judged, restamped } from './shape/conditions.ts';
import { IPAM, newMetadata, nextGeneration } from './shape/metadata.ts';
import { byName } from './shape/touches.ts';

const KIND = 'IPPool';

/**
 * Pools: those that operators author, and those made on demand, whose names say what they serve. A
 * pool's sizes, and how full it is, are counted at the read.
 */
export const ipPools: ObjectProjection = {
  name: 'ip_pools',
  version: 1,
  kind: KIND,
  namespaced: false,
  on: {
    IPPoolCreated: {
      names: byName,
      next: (_, { data }) => ({
        apiVersion: IPAM,
        kind: KIND,
        metadata: newMetadata(data, '', data.metadata),
        spec: data.spec,
        status: { conditions: ready(data.at) },
      }),
    },
    RangeAdded: {
      names: ({ data }) => [data.pool],
      next: (pool, event) => {
        const { data } = event;
        if (pool === undefined) return madeOnDemand(event, data.pool, data.grant?.pool);
        return withRange(pool, data.prefix);
      },
    },
    // A carve for another stream becomes a pool when that stream commits it with RangeAdded.
    PrefixCarved: {
      names: ({ data }) => (data.grant === undefined ? [data.childPool] : []),
      next: (_, event) => madeOnDemand(event, event.data.childPool, event.data.pool),
    },
    PrefixReturned: {
      names: ({ data }) => (data.grantId === undefined ? [data.childPool] : []),
      next: () => undefined,
    },
    RangeRemoved: {
      names: ({ data }) => [data.pool],
      next: (pool, { data }) => pool && withoutRange(pool, data.prefix),
    },
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
    status: { allocatedCIDR: prefix, conditions: ready(at) },
  };
}

/** An authored pool's first range is the one of its spec; every further range is shown there. */
function withRange(pool: KubeObject, prefix: string): KubeObject {
  const { allocatedCIDR, conditions } = pool.status ?? {};
  if (allocatedCIDR === undefined) {
    return { ...pool, status: { allocatedCIDR: prefix, conditions } };
  }
  return withRanges(pool, [...rangesOf(pool), prefix]);
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

function ready(at: string) {
  const verdict = { type: 'Ready', status: 'True', reason: 'Available', message: 'has its range' };
  return judged([], [verdict as Parameters<typeof judged>[1][number]], 1, at);
}

function atRead(pool: KubeObject, _present: Present, counts: Counts): KubeObject {
  const capacity = counts.poolCounts(pool.metadata.name);
  if (capacity === undefined) return pool;
  const [total, free] = [BigInt(capacity.total), BigInt(capacity.free)];
  const fullness = free === 0n ? 'Exhausted' : 'Ready';
  const phase = pool.spec?.draining === true ? 'Draining' : fullness;
  const utilizationPercent = Number(((total - free) * 1_000_000n) / total) / 10_000;
  const { allocatedCIDR } = pool.status ?? {};
  const conditions = conditionsOf(pool);
  return { ...pool, status: { phase, allocatedCIDR, capacity, utilizationPercent, conditions } };
}
