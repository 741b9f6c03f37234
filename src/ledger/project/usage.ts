import type { OrderedMap } from 'immutable';
import type { IPClassSpec } from '../ip-class.ts';
import type { PlatformState } from '../platform/state.ts';
import type { ProjectState, Wait } from './state.ts';
import { QUOTA_CAUSE } from './waiting-line.ts';

/**
 * What a project holds, counted by class, and which holds of authored pools it rests on. Both
 * change with the events that give and take a block, so that a quota is kept in the append that
 * allocates.
 */

/** The state with one more block of a class, of an authored pool if it names a hold there. */
export function withBlock(
  state: ProjectState,
  className: string | undefined,
  grant: string | undefined,
): ProjectState {
  return {
    ...state,
    usage: counted(state, className, 1),
    heldGrants: grant === undefined ? state.heldGrants : state.heldGrants.add(grant),
  };
}

/** The state with one block of a class less; the hold that it was ends with that. */
export function withoutBlock(
  state: ProjectState,
  className: string | undefined,
  hold: { readonly grantId: string | undefined; readonly at: string; readonly availableAt: string },
): ProjectState {
  const usage = counted(state, className, -1);
  const { grantId, at, availableAt } = hold;
  if (grantId === undefined) return { ...state, usage };
  return {
    ...state,
    usage,
    heldGrants: state.heldGrants.delete(grantId),
    endedHolds: resting(state.endedHolds, at).set(grantId, availableAt),
  };
}

/** Without those from the oldest on whose blocks may be used by anybody again. */
function resting(ended: OrderedMap<string, string>, at: string): OrderedMap<string, string> {
  let left = ended;
  for (;;) {
    const oldest = left.entrySeq().first();
    if (oldest === undefined || oldest[1] > at) return left;
    left = left.delete(oldest[0]);
  }
}

function counted(state: ProjectState, className: string | undefined, change: number) {
  if (className === undefined) return state.usage;
  const blocks = (state.usage.get(className) ?? 0) + change;
  return blocks === 0 ? state.usage.delete(className) : state.usage.set(className, blocks);
}

/** The quota that names the project, else that of all. `constructor` may be a project, too. */
function quotaOf(spec: IPClassSpec | undefined, project: string): number | undefined {
  const { projectQuotas = {}, projectQuota } = spec ?? {};
  return Object.hasOwn(projectQuotas, project) ? projectQuotas[project] : projectQuota;
}

/** Why a project may not hold so many blocks more of these classes; undefined when it may. */
export function overQuota(
  state: ProjectState,
  platform: PlatformState,
  classNames: readonly string[],
): Wait | undefined {
  for (const name of new Set(classNames)) {
    const spec = platform.classes.get(name)?.spec;
    const quota = quotaOf(spec, state.name);
    const held = state.usage.get(name) ?? 0;
    const wanted = classNames.filter((one) => one === name).length;
    if (quota === undefined || held + wanted <= quota) continue;
    const message = `the project holds ${held} of the ${quota} that it may have of IPClass "${name}"`;
    return { reason: 'QuotaExceeded', message, cause: QUOTA_CAUSE + name };
  }
  return undefined;
}
