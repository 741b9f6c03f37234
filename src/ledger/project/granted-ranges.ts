import {
  type DecisionContext,
  type Draft,
  instant,
  type Need,
  type RangeGrant,
} from '../decision.ts';
import type { Scope } from '../events.ts';
import type { IPClass } from '../ip-class.ts';
import type { Rejection } from '../rejections.ts';
import { generationOf, type ProjectState } from './state.ts';

/** Which range of which pool of the project: the same question finds the same grant. */
export interface RangePlace {
  readonly ipClass: IPClass;
  readonly scope: Scope;
  readonly pool: string;
  readonly ordinal: number;
}

/** A range that an authored pool is asked for: the next one of a length, or a very prefix. */
interface WantedRange extends RangePlace {
  readonly length: number;
  readonly exact: Extract<Need, { type: 'Range' }>['exact'];
}

/** It is there, the pool has to be asked first, or the pool has refused. */
type Given =
  | { readonly done: true }
  | { readonly need: Need }
  | { readonly pool: string; readonly refusal: Pick<Rejection, 'reason' | 'message'> };

/** A range from an authored pool: asked for first, then committed by the event that names it. */
export function addGrantedRange(
  draft: Draft<ProjectState>,
  context: DecisionContext,
  wanted: WantedRange,
): Given {
  const { ipClass, scope, pool, ordinal, length, exact } = wanted;
  // The newest counts: an earlier one may have been abandoned while the command was on its way.
  const grant = context.grants.findLast((given): given is RangeGrant => {
    return given.type === 'Range' && isFor(given, draft.state, wanted);
  });
  const id = grant?.granted?.id ?? '';
  const availableAt = draft.state.abandonedGrants.get(id);
  if (grant === undefined || availableAt !== undefined) {
    const { name: className, spec } = ipClass;
    const need: Need = {
      ...{ type: 'Range', className, childPool: pool, length, scope, ordinal, exact },
      parentClassName: spec.parentClassName ?? '',
      abandonedGrant: availableAt === undefined ? undefined : { id, availableAt },
    };
    return { need };
  }
  const { granted, refusal } = grant;
  if (granted === undefined) {
    if (refusal === undefined) throw new Error(`pool ${grant.pool} gives nothing and no reason`);
    return { pool: grant.pool, refusal };
  }
  draft.emit('RangeAdded', {
    ...{ at: instant(context.atMs), pool, className: ipClass.name },
    ...{ prefix: granted.prefix, scope, ordinal },
    grant: { id: granted.id, pool: grant.pool },
  });
  return { done: true };
}

function isFor(
  { generation, className, ordinal, scope }: RangeGrant,
  state: ProjectState,
  wanted: WantedRange,
): boolean {
  return (
    generation === generationOf(state) &&
    className === wanted.ipClass.name &&
    ordinal === wanted.ordinal &&
    scope.project === wanted.scope.project &&
    scope.network === wanted.scope.network &&
    scope.location === wanted.scope.location
  );
}
