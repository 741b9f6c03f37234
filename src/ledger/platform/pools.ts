import { isDeepStrictEqual } from 'node:util';
import { formatPrefix, overlaps, parsePrefix } from '../../addressing/prefix.ts';
import { limits } from '../../limits.ts';
import { type DecisionContext, type Draft, instant } from '../decision.ts';
import type { StoredMetadata } from '../events.ts';
import type { Problem } from '../ip-class.ts';
import { type IPPoolSpec, poolProblems, rangesOf } from '../ip-pool.ts';
import { invalidWith, type Rejection } from '../rejections.ts';
import type { PlatformState, RegisteredPool } from './state.ts';

/**
 * The directory of authored pools: their names, the ranges of roots and what each pool offers. A
 * pool is registered here before it opens in the stream of its root, and struck off after it has
 * gone there; so two roots never overlap, and a class is never deleted under a pool.
 */

export type PoolDirectoryCommand =
  | {
      readonly type: 'RegisterPool';
      readonly name: string;
      readonly uid: string;
      readonly spec: IPPoolSpec;
      readonly metadata: StoredMetadata;
      /** The present life of the project that the spec names, if it names one. */
      readonly owner: string | undefined;
    }
  /** Before a pool changes: what it is to be comes on top of what is registered by then. */
  | {
      readonly type: 'WidenRegistration';
      readonly name: string;
      readonly uid: string;
      readonly spec: IPPoolSpec;
    }
  /** After a pool has changed, or has not: what it is. */
  | {
      readonly type: 'SettleRegistration';
      readonly name: string;
      readonly uid: string;
      readonly spec: IPPoolSpec;
      /** The registration that this rests on: one that was changed since is left alone. */
      readonly expectRevision: number;
    }
  | { readonly type: 'UnregisterPool'; readonly name: string; readonly uid: string };

type PlatformDraft = Draft<PlatformState>;
type Of<T extends PoolDirectoryCommand['type']> = Extract<PoolDirectoryCommand, { type: T }>;

export function registerPool(
  draft: PlatformDraft,
  command: Of<'RegisterPool'>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, uid, spec, metadata, owner } = command;
  const subject = { kind: 'IPPool', name };
  const { pools } = draft.state;
  if (pools.get(name)?.uid === uid) return undefined;
  if (pools.has(name)) return { reason: 'AlreadyExists', subject, message: 'already exists' };
  if (pools.size >= limits.authoredPoolsMax) {
    const message = `there are ${pools.size} authored pools, and no more are taken`;
    return { reason: 'Forbidden', subject, message };
  }
  const parent = pools.get(spec.parentPoolRef?.name ?? '');
  const problems = [
    ...poolProblems(spec),
    ...ownerProblems(spec, owner),
    ...parentProblems(command, parent),
    ...classProblems(draft.state, spec, []),
  ];
  if (problems.length > 0) return invalidWith(subject, problems);
  const refused = rangesProblem(draft.state, name, rangesOf(spec));
  if (refused !== undefined) return refused;
  const at = instant(context.atMs);
  const root = parent?.root ?? name;
  draft.emit('PoolRegistered', {
    at,
    pool: { name, uid },
    root,
    spec,
    metadata,
    ...(owner ? { owner } : {}),
  });
  for (const prefix of rangesOf(spec)) {
    draft.emit('RootRangeRegistered', { at, pool: { name, uid }, prefix });
  }
  return undefined;
}

/**
 * Registers what a pool may be after a change, beside all that it may be already. It is said anew
 * even when nothing is new: whoever is about to take back an earlier widening finds it changed.
 */
export function widenRegistration(
  draft: PlatformDraft,
  { name, uid, spec }: Of<'WidenRegistration'>,
  context: DecisionContext,
): Rejection | undefined {
  const present = draft.state.pools.get(name);
  if (present?.uid !== uid) return notFound(name);
  return changeRegistration(draft, present, unionOf(present.spec, spec), context);
}

/** Registers what a pool is, if nobody has changed its registration since. */
export function settleRegistration(
  draft: PlatformDraft,
  { name, uid, spec, expectRevision }: Of<'SettleRegistration'>,
  context: DecisionContext,
): Rejection | undefined {
  const present = draft.state.pools.get(name);
  if (present?.uid !== uid) return notFound(name);
  if (expectRevision !== present.revision) {
    const subject = { kind: 'IPPool', name };
    return { reason: 'Conflict', subject, message: 'its registration has been changed' };
  }
  if (isDeepStrictEqual(present.spec, spec)) return undefined;
  return changeRegistration(draft, present, spec, context);
}

function changeRegistration(
  draft: PlatformDraft,
  present: RegisteredPool,
  spec: IPPoolSpec,
  context: DecisionContext,
): Rejection | undefined {
  const { name, uid } = present;
  const problems = [
    ...poolProblems(spec),
    ...classProblems(draft.state, spec, present.spec.classNames),
  ];
  if (problems.length > 0) return invalidWith({ kind: 'IPPool', name }, problems);
  const before = rangesOf(present.spec);
  const after = rangesOf(spec);
  const added = after.filter((range) => !before.includes(range));
  const refused = rangesProblem(draft.state, name, added);
  if (refused !== undefined) return refused;
  const at = instant(context.atMs);
  const pool = { name, uid };
  draft.emit('PoolRegistrationChanged', { at, pool, root: present.root, spec });
  for (const prefix of added) draft.emit('RootRangeRegistered', { at, pool, prefix });
  for (const prefix of before.filter((range) => !after.includes(range))) {
    draft.emit('RootRangeReleased', { at, pool, prefix });
  }
  return undefined;
}

/** What covers a pool before and after a change. */
function unionOf(before: IPPoolSpec, after: IPPoolSpec): IPPoolSpec {
  const classNames = [...new Set([...before.classNames, ...after.classNames])];
  const further = new Set([...(before.additionalCIDRs ?? []), ...(after.additionalCIDRs ?? [])]);
  const { draining, additionalCIDRs, ...rest } = after;
  return {
    ...rest,
    classNames,
    ...(further.size === 0 ? {} : { additionalCIDRs: [...further] }),
    ...(before.draining && draining ? { draining } : {}),
  };
}

function notFound(name: string): Rejection {
  return { reason: 'NotFound', subject: { kind: 'IPPool', name }, message: 'not found' };
}

/** Strikes off a pool that its root's stream does not have any more, or never had. */
export function unregisterPool(
  draft: PlatformDraft,
  { name, uid }: Of<'UnregisterPool'>,
  context: DecisionContext,
): undefined {
  const present = draft.state.pools.get(name);
  if (present?.uid !== uid) return;
  const at = instant(context.atMs);
  const pool = { name, uid };
  for (const prefix of rangesOf(present.spec)) {
    draft.emit('RootRangeReleased', { at, pool, prefix });
  }
  draft.emit('PoolUnregistered', { at, pool });
}

/** Only a project that is there can own a pool. */
function ownerProblems({ projectRef }: IPPoolSpec, owner: string | undefined): Problem[] {
  if (projectRef === undefined || owner !== undefined) return [];
  const message = `Namespace "${projectRef.name}" does not exist, or is being deleted`;
  return [{ path: 'spec.projectRef.name', message }];
}

/** A child is of its parent's family, and what a project owns is carved for that project only. */
function parentProblems(
  { spec, owner }: Pick<Of<'RegisterPool'>, 'spec' | 'owner'>,
  parent: RegisteredPool | undefined,
): Problem[] {
  const path = 'spec.parentPoolRef.name';
  if (spec.parentPoolRef === undefined) return [];
  const { name } = spec.parentPoolRef;
  if (parent === undefined) return [{ path, message: `IPPool "${name}" does not exist` }];
  const problems: Problem[] = [];
  const { ipFamily, projectRef } = parent.spec;
  if (ipFamily !== spec.ipFamily) problems.push({ path, message: `"${name}" is ${ipFamily}` });
  if (projectRef === undefined) return problems;
  const ownerPath = 'spec.projectRef.name';
  if (projectRef.name !== spec.projectRef?.name) {
    const message = `must be "${projectRef.name}", which owns pool "${name}"`;
    problems.push({ path: ownerPath, message });
  } else if (owner !== undefined && owner !== parent.owner) {
    const message = `an earlier project of this name owns pool "${name}"`;
    problems.push({ path: ownerPath, message });
  }
  return problems;
}

/** The classes that a pool offers exist, are of its family, and are not made on demand. */
function classProblems(
  state: PlatformState,
  { classNames, ipFamily }: IPPoolSpec,
  before: readonly string[],
): Problem[] {
  return classNames.flatMap((name, index) => {
    if (before.includes(name)) return [];
    const path = `spec.classNames[${index}]`;
    const ipClass = state.classes.get(name);
    if (classNames.indexOf(name) !== index) return [{ path, message: `"${name}" stands twice` }];
    if (ipClass === undefined) return [{ path, message: `IPClass "${name}" does not exist` }];
    if (ipClass.deleting) return [{ path, message: `IPClass "${name}" is being deleted` }];
    if (ipClass.spec.ipFamily !== ipFamily) {
      return [{ path, message: `IPClass "${name}" is ${ipClass.spec.ipFamily}` }];
    }
    if ((ipClass.spec.poolPer ?? []).length === 0) return [];
    return [{ path, message: `pools of IPClass "${name}" are made on demand` }];
  });
}

/** No two roots overlap, whoever owns them. */
function rangesProblem(
  { roots }: PlatformState,
  name: string,
  added: readonly string[],
): Rejection | undefined {
  const subject = { kind: 'IPPool', name };
  if (roots.length + added.length > limits.rootRangesMax) {
    const message = `there are ${roots.length} root ranges, and no more are taken`;
    return { reason: 'Forbidden', subject, message };
  }
  for (const text of added) {
    const range = parsePrefix(text);
    const other = roots.find(({ prefix }) => overlaps(prefix, range));
    if (other === undefined) continue;
    const message = `${text} meets ${formatPrefix(other.prefix)} of pool "${other.pool.name}"`;
    return { reason: 'PoolOverlaps', subject, message };
  }
  return undefined;
}
