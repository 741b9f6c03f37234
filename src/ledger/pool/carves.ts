import { freeSpace, lowestFree, take } from '../../addressing/free-space.ts';
import { contains, formatPrefix, type Prefix, parsePrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Draft, type EndedGrant, instant } from '../decision.ts';
import type { Scope } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { describedPool, lengthProblem } from '../ip-pool.ts';
import { findBlock, isBlockFree, isWithin } from '../pool-space.ts';
import type { Rejection } from '../rejections.ts';
import { type Carve, carveKey, isDraining, type PoolRecord, type PoolState } from './state.ts';

/** Ranges that an authored pool carves for projects, and takes back. */

export type CarveCommand =
  | {
      readonly type: 'CarveRange';
      readonly pool: string;
      readonly generation: string;
      readonly className: string;
      readonly childPool: string;
      readonly length: number;
      /** The very block that is asked for; absent takes the next one. */
      readonly block?: string | undefined;
      readonly scope: Scope;
      readonly ordinal: number;
      /** A grant for the same thing that the project no longer uses: it is replaced. */
      readonly abandoned: EndedGrant | undefined;
    }
  | { readonly type: 'ReturnRange'; readonly grantId: string; readonly availableAt: string };

type PoolDraft = Draft<PoolState>;

/** Carves a range for a project. Who asks for the same thing again is given the same range. */
export function carveRange(
  draft: PoolDraft,
  command: Extract<CarveCommand, { type: 'CarveRange' }>,
  context: DecisionContext,
): Rejection | undefined {
  const { generation, className, childPool, length, scope, ordinal, abandoned } = command;
  const present = draft.state.carves.get(carveKey(generation, className, scope, ordinal));
  if (present !== undefined) {
    if (present.grantId !== abandoned?.id) return undefined;
    giveBack(draft, present, context.atMs, Date.parse(abandoned.availableAt));
  }
  const wanted = command.block === undefined ? undefined : parsePrefix(command.block);
  const forWhat = ` for class "${className}"`;
  const found = blockOf(draft.state, command.pool, length, context.atMs, { wanted, forWhat });
  if ('rejection' in found) return found.rejection;
  const id = uuidOf(context.commandId, 'grant');
  draft.emit('PrefixCarved', {
    at: instant(context.atMs),
    pool: command.pool,
    prefix: formatPrefix(found.block),
    childPool,
    className,
    scope,
    grant: { id, generation, ordinal },
  });
  return undefined;
}

/** The block that a pool hands out now for a length or, where it is wanted, this very one. */
export function blockOf(
  state: PoolState,
  name: string,
  length: number,
  atMs: number,
  { wanted, forWhat = '' }: { readonly wanted?: Prefix | undefined; readonly forWhat?: string },
): { readonly block: Prefix } | { readonly rejection: Rejection } {
  const pool = state.pools.get(name);
  const refuse = (reason: Rejection['reason'], message: string) => {
    return { rejection: { reason, subject: { kind: 'IPPool', name }, message } };
  };
  if (pool === undefined) return refuse('Exhausted', `pool "${name}" is not open`);
  const described = describedPool(name, pool.spec);
  const problem = lengthProblem(pool, length);
  if (problem !== undefined) return refuse('PrefixLengthRejected', problem);
  if (isDraining(pool)) return refuse('Exhausted', `${described} is draining`);
  if (wanted !== undefined) {
    if (!isWithin(pool.space, wanted)) {
      return refuse('NoOfferingPool', `${formatPrefix(wanted)} is not in ${described}`);
    }
    if (isBlockFree(pool.space, wanted, atMs)) return { block: wanted };
    return refuse('AddressTaken', `${formatPrefix(wanted)} is not free in ${described}`);
  }
  const block = findBlock(pool.space, length, atMs, pool.spec.allocation?.strategy);
  if (block !== undefined) return { block };
  if (couldGive(pool, length)) {
    return refuse('Exhausted', `${described} has no free /${length}${forWhat}`);
  }
  const message = `${described} has no room for a /${length}, however little of it is held`;
  return refuse('PrefixLengthRejected', message);
}

/** Whether a pool would have such a block if no more of it were taken than what is withheld. */
function couldGive({ space, reserved }: PoolRecord, length: number): boolean {
  const withheld = [...reserved.keys()].map(parsePrefix);
  return space.ranges.some(({ space: { space: whole } }) => {
    const inIt = withheld.filter((block) => contains(whole.range, block));
    return lowestFree(inIt.reduce(take, freeSpace(whole.range)), length) !== undefined;
  });
}

/** Takes a range back by its grant; what is not in force changes nothing. */
export function returnRange(
  draft: PoolDraft,
  command: Extract<CarveCommand, { type: 'ReturnRange' }>,
  context: DecisionContext,
): undefined {
  const key = draft.state.carveKeys.get(command.grantId);
  const carve = key === undefined ? undefined : draft.state.carves.get(key);
  if (carve === undefined) return;
  giveBack(draft, carve, context.atMs, Date.parse(command.availableAt));
}

function giveBack(draft: PoolDraft, carve: Carve, atMs: number, availableAtMs: number): void {
  draft.emit('PrefixReturned', {
    at: instant(atMs),
    pool: carve.pool,
    prefix: carve.prefix,
    childPool: carve.childPool,
    availableAt: instant(Math.max(atMs, availableAtMs)),
    grantId: carve.grantId,
  });
}
