import { itemsOf, orderedSetOf, withoutItem } from '../../addressing/ordered-set.ts';
import type { ProjectState } from './state.ts';

/** The state in which every interface of a network has yet to follow it. */
export function withLaggards(state: ProjectState, network: string): ProjectState {
  const names = new Set(itemsOf(state.mtuLaggards));
  for (const { name, spec } of state.interfaces.values()) {
    if (spec.network.name === network) names.add(name);
  }
  return { ...state, mtuLaggards: orderedSetOf([...names].sort(byText)) };
}

/** The state in which an interface has followed, or is gone. */
export function withoutLaggard(state: ProjectState, name: string): ProjectState {
  const mtuLaggards = withoutItem(state.mtuLaggards, name, byText);
  return mtuLaggards === state.mtuLaggards ? state : { ...state, mtuLaggards };
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
