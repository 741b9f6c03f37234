import { contains, type Prefix, parsePrefix, prefixSize } from '../../addressing/prefix.ts';
import { matured } from '../../addressing/timed-space.ts';
import { type Draft, instant } from '../decision.ts';
import { type IPPoolSpec, poolProblems, rangesOf, reservedBlocks } from '../ip-pool.ts';
import { isBlockFree, type PoolRange, type PoolSpace } from '../pool-space.ts';
import { inUse, invalidWith, type Rejection } from '../rejections.ts';
import { type PoolRecord, type PoolState, poolNamed } from './state.ts';

/** Which ranges an authored pool has, and what is withheld in them. */

type PoolDraft = Draft<PoolState>;

/** What a pool is to be made of. */
interface WantedRanges {
  readonly name: string;
  readonly spec: IPPoolSpec;
  /** What the platform has registered for ranges that are new: the id of each by its text. */
  readonly grants: Readonly<Record<string, string>>;
}

/** Ends the reservations that the spec does not name any more. */
export function liftReservations(draft: PoolDraft, name: string, at: string): undefined {
  const { spec, space, reserved } = poolNamed(draft.state, name);
  const named = spec.cidr === undefined ? prefixesOf(space) : rangesOf(spec).map(parsePrefix);
  const wanted = new Map(reservedBlocks(spec, named).map((one) => [one.prefix, one.reason]));
  for (const [prefix, reason] of [...reserved].sort(byText)) {
    if (wanted.get(prefix) === reason) continue;
    draft.emit('ReservationLifted', { at, pool: name, prefix, owner: { kind: 'IPPool', name } });
  }
}

/** Withholds what the spec names and is not withheld yet; what is in use cannot be. */
export function withhold(
  draft: PoolDraft,
  name: string,
  at: string,
  atMs: number,
): Rejection | undefined {
  const { spec, space, reserved } = poolNamed(draft.state, name);
  const subject = { kind: 'IPPool', name };
  const ranges = prefixesOf(space);
  const problems = poolProblems(spec, spec.cidr === undefined ? ranges : undefined);
  if (problems.length > 0) return invalidWith(subject, problems);
  for (const { prefix, reason } of reservedBlocks(spec, ranges)) {
    if (reserved.has(prefix)) continue;
    if (!isBlockFree(poolNamed(draft.state, name).space, parsePrefix(prefix), atMs)) {
      const message = `${prefix} cannot be withheld: a block in it is held, carved or in quarantine`;
      return { reason: 'AddressTaken', subject, message };
    }
    const owner = { kind: 'IPPool', name };
    draft.emit('PrefixReserved', { at, pool: name, prefix, owner, reason });
  }
  return undefined;
}

/** Takes away ranges that the spec does not name any more, and adds those that are new. */
export function changeRanges(
  draft: PoolDraft,
  before: PoolRecord,
  { name, spec, grants }: WantedRanges,
  atMs: number,
): Rejection | undefined {
  const at = instant(atMs);
  const subject = { kind: 'IPPool', name };
  const [present, wanted] = [rangesOf(before.spec), rangesOf(spec)];
  for (const prefix of present.filter((range) => !wanted.includes(range))) {
    const range = rangeOf(poolNamed(draft.state, name).space, prefix);
    const uses = rangeUses(range, atMs);
    if (uses !== undefined) {
      const { Addresses, QuarantinedAddresses } = uses;
      const message =
        `${prefix} cannot be taken away: ${Addresses} of its addresses are held or carved, ` +
        `${QuarantinedAddresses} are in quarantine`;
      return inUse(subject, message, uses);
    }
    draft.emit('RangeRemoved', { at, pool: name, prefix });
  }
  let ordinal = before.space.ranges.at(-1)?.ordinal ?? 0;
  for (const prefix of wanted.filter((range) => !present.includes(range))) {
    const id = grants[prefix];
    if (id === undefined || draft.state.endedGrants.has(id)) {
      const message = `the registration of ${prefix} was given up; please try again`;
      return { reason: 'Conflict', subject, message };
    }
    ordinal += 1;
    draft.emit('RangeAdded', {
      ...{ at, pool: name, className: spec.classNames[0] ?? '', prefix, scope: {}, ordinal },
      grant: { id, pool: name },
    });
  }
  return undefined;
}

function rangeOf({ ranges }: PoolSpace, prefix: string): PoolRange {
  const wanted = parsePrefix(prefix);
  return ranges.find(({ space }) => contains(space.space.range, wanted)) as PoolRange;
}

/** What of a range is in use, its reservations lifted; undefined when nothing is. */
function rangeUses(range: PoolRange, atMs: number) {
  const { space, quarantined } = matured(range.space, atMs);
  const used = prefixSize(space.range) - space.free - quarantined;
  if (used === 0n && quarantined === 0n) return undefined;
  return { Addresses: used, QuarantinedAddresses: quarantined };
}

function prefixesOf({ ranges }: PoolSpace): Prefix[] {
  return ranges.map(({ space }) => space.space.range);
}

function byText([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
