import { isDeepStrictEqual } from 'node:util';
import { formatPrefix } from '../../addressing/prefix.ts';
import { matured } from '../../addressing/timed-space.ts';
import {
  type DecisionContext,
  type Draft,
  type Expectation,
  expectationProblem,
  finalizerProblem,
  instant,
} from '../decision.ts';
import type { StoredMetadata } from '../events.ts';
import { IMMUTABLE_POOL_FIELDS, type IPPoolSpec, rangesOf } from '../ip-pool.ts';
import type { PoolSpace } from '../pool-space.ts';
import { inUse, invalidWith, type Rejection } from '../rejections.ts';
import { blockOf } from './carves.ts';
import { changeRanges, liftReservations, withhold } from './ranges.ts';
import { childrenOf, type PoolRecord, type PoolState, poolNamed } from './state.ts';

/** Authored pools as objects: made, changed and deleted in the stream of their root. */

export type PoolLifeCommand =
  /** Makes a pool that the platform has registered. */
  | {
      readonly type: 'OpenPool';
      readonly name: string;
      readonly uid: string;
      readonly spec: IPPoolSpec;
      readonly metadata: StoredMetadata;
      /** The life of the project that it is registered to, if it is a project's. */
      readonly owner?: string | undefined;
    }
  | {
      readonly type: 'UpdatePool';
      readonly name: string;
      readonly expect: Expectation;
      readonly spec: IPPoolSpec;
      readonly metadata: StoredMetadata;
      /** What the platform has registered for ranges that are new: the id of each by its text. */
      readonly grants: Readonly<Record<string, string>>;
    }
  | {
      readonly type: 'ChangeMetadata';
      readonly kind: string;
      readonly name: string;
      readonly expect: Expectation;
      readonly metadata: StoredMetadata;
    }
  | { readonly type: 'DeletePool'; readonly name: string; readonly expect: Expectation }
  /** Fences a registration that nothing here was made with. */
  | { readonly type: 'AbandonGrant'; readonly grantId: string };

/** What operators ask of authored pools; making and changing one takes the platform's word, too. */
export type AuthoredPoolCommand =
  | (Omit<Of<'OpenPool'>, 'type' | 'uid' | 'owner'> & { readonly type: 'CreatePool' })
  | Omit<Of<'UpdatePool'>, 'grants'>
  | Of<'ChangeMetadata'>
  | Of<'DeletePool'>;

type PoolDraft = Draft<PoolState>;
type Of<T extends PoolLifeCommand['type']> = Extract<PoolLifeCommand, { type: T }>;

/** Opens a registered pool once: a root with its ranges, a child with a block of its parent. */
export function openPool(
  draft: PoolDraft,
  command: Of<'OpenPool'>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, uid, spec, metadata, owner } = command;
  const subject = { kind: 'IPPool', name };
  const present = draft.state.pools.get(name);
  if (present?.uid === uid) return undefined;
  if (present !== undefined || draft.state.endedGrants.has(uid)) {
    return { reason: 'Conflict', subject, message: 'its creation was given up' };
  }
  const at = instant(context.atMs);
  const parent = spec.parentPoolRef?.name;
  const className = spec.classNames[0] ?? '';
  const created = { at, name, uid, metadata, spec, ...(owner ? { owner } : {}) };
  if (parent === undefined) {
    draft.emit('AddressSpaceOpened', { at, kind: 'pool', name, generation: uid });
    draft.emit('IPPoolCreated', created);
    for (const [ordinal, prefix] of rangesOf(spec).entries()) {
      draft.emit('RangeAdded', { at, pool: name, className, prefix, scope: {}, ordinal });
    }
  } else {
    const found = blockOf(draft.state, parent, spec.prefixLength as number, context.atMs, {});
    if ('rejection' in found) return { ...aboutLength(found.rejection), subject };
    const prefix = formatPrefix(found.block);
    draft.emit('IPPoolCreated', created);
    draft.emit('PrefixCarved', { at, pool: parent, prefix, childPool: name, className, scope: {} });
  }
  return withhold(draft, name, at, context.atMs);
}

/** A refusal of a child's length says in which field it stands. */
function aboutLength(rejection: Rejection): Rejection {
  const { reason, message } = rejection;
  if (reason !== 'PrefixLengthRejected') return rejection;
  const cause = { reason: 'FieldValueInvalid', message, field: 'spec.prefixLength' };
  return { ...rejection, causes: [cause] };
}

/** Changes what may be changed of a pool: offers, bounds, ranges, what is withheld. */
export function updatePool(
  draft: PoolDraft,
  command: Of<'UpdatePool'>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, spec, metadata } = command;
  const found = findPool(draft, name, command.expect);
  if ('rejection' in found) return found.rejection;
  const { pool } = found;
  const problem = finalizerProblem('IPPool', pool, metadata) ?? immutableProblem(pool, spec);
  if (problem !== undefined) return problem;
  const at = instant(context.atMs);
  draft.emit('IPPoolUpdated', { at, name, uid: pool.uid, spec, metadata });
  const refused =
    liftReservations(draft, name, at) ??
    changeRanges(draft, pool, command, context.atMs) ??
    withhold(draft, name, at, context.atMs);
  if (refused !== undefined) return refused;
  endIfFree(draft, name, context.atMs);
  return undefined;
}

/** Replaces a pool's metadata; the last finalizer of one that is being deleted ends it. */
export function changePoolMetadata(
  draft: PoolDraft,
  { kind, name, expect, metadata }: Of<'ChangeMetadata'>,
  context: DecisionContext,
): Rejection | undefined {
  if (kind !== 'IPPool') throw new Error(`${kind} is no kind of an authored pool`);
  const found = findPool(draft, name, expect);
  if ('rejection' in found) return found.rejection;
  const forbidden = finalizerProblem(kind, found.pool, metadata);
  if (forbidden !== undefined) return forbidden;
  const { uid } = found.pool;
  draft.emit('ObjectMetadataChanged', { at: instant(context.atMs), kind, name, uid, metadata });
  endIfFree(draft, name, context.atMs);
  return undefined;
}

/** Deletes a pool of which nothing is in use; finalizers hold it until they are removed. */
export function deletePool(
  draft: PoolDraft,
  { name, expect }: Of<'DeletePool'>,
  context: DecisionContext,
): Rejection | undefined {
  const found = findPool(draft, name, expect);
  if ('rejection' in found) return found.rejection;
  const { uid, deleting, space } = found.pool;
  if (deleting) return undefined;
  const uses = usesOf(draft.state, space, context.atMs);
  if (uses !== undefined) return uses;
  if (found.pool.finalizers.length > 0) {
    draft.emit('DeletionRequested', { at: instant(context.atMs), kind: 'IPPool', name, uid });
  } else {
    endPool(draft, found.pool, context.atMs);
  }
  return undefined;
}

/** From here on nothing is made with this registration; what was made with it stands. */
export function abandonGrant(
  draft: PoolDraft,
  { grantId }: Of<'AbandonGrant'>,
  context: DecisionContext,
): undefined {
  const { pools, endedGrants } = draft.state;
  const isUsed = pools.some(
    ({ uid, space }) => uid === grantId || space.ranges.some(({ grant }) => grant?.id === grantId),
  );
  if (isUsed || endedGrants.has(grantId)) return;
  draft.emit('GrantAbandoned', { at: instant(context.atMs), grantId });
}

function findPool(
  draft: PoolDraft,
  name: string,
  expect: Expectation,
): { readonly pool: PoolRecord } | { readonly rejection: Rejection } {
  const pool = draft.state.pools.get(name);
  const subject = { kind: 'IPPool', name };
  if (pool === undefined) {
    return { rejection: { reason: 'NotFound', subject, message: 'not found' } };
  }
  const stale = expectationProblem('IPPool', pool, expect);
  return stale === undefined ? { pool } : { rejection: stale };
}

function immutableProblem(pool: PoolRecord, spec: IPPoolSpec): Rejection | undefined {
  const subject = { kind: 'IPPool', name: pool.name };
  const changed = IMMUTABLE_POOL_FIELDS.find((field) => {
    return !isDeepStrictEqual(spec[field], pool.spec[field]);
  });
  if (changed !== undefined) {
    return invalidWith(subject, [{ path: `spec.${changed}`, message: 'field is immutable' }]);
  }
  // Ranges are used up in their order, which therefore stays; new ones come last.
  const before = rangesOf(pool.spec);
  const after = rangesOf(spec);
  const kept = before.filter((range) => after.includes(range));
  if (kept.every((range, index) => after[index] === range)) return undefined;
  const message = 'ranges keep their order, and new ones come after them';
  return invalidWith(subject, [{ path: 'spec.additionalCIDRs', message }]);
}

/** The refusal to delete a pool of which something is in use; undefined when nothing is. */
function usesOf(state: PoolState, space: PoolSpace, atMs: number): Rejection | undefined {
  const pools = childrenOf(state, space.name);
  const ranges = space.children - pools;
  const quarantined = space.ranges.reduce((sum, range) => {
    return sum + matured(range.space, atMs).quarantined;
  }, 0n);
  if (space.held === 0 && space.children === 0 && quarantined === 0n) return undefined;
  const parts = [`${space.held} blocks held`, `${ranges} ranges of projects`, `${pools} pools`];
  const message = `it has ${parts.join(', ')} and ${quarantined} addresses in quarantine`;
  const uses = { IPAllocations: space.held, ProjectRanges: ranges, IPPools: pools };
  const subject = { kind: 'IPPool', name: space.name };
  return inUse(subject, message, { ...uses, QuarantinedAddresses: quarantined });
}

/** A pool that is being deleted goes with its last finalizer. */
function endIfFree(draft: PoolDraft, name: string, atMs: number): void {
  const pool = poolNamed(draft.state, name);
  if (pool.deleting && pool.finalizers.length === 0) endPool(draft, pool, atMs);
}

function endPool(draft: PoolDraft, { name, uid, space }: PoolRecord, atMs: number): void {
  const at = instant(atMs);
  for (const range of space.ranges) {
    const prefix = formatPrefix(range.space.space.range);
    if (space.parent === undefined) {
      draft.emit('RangeRemoved', { at, pool: name, prefix });
    } else {
      const { pool } = space.parent;
      draft.emit('PrefixReturned', { at, pool, prefix, childPool: name, availableAt: at });
    }
  }
  draft.emit('IPPoolDeleted', { at, name, uid });
}
