import { firstOf, sizeOf } from '../../addressing/ordered-set.ts';
import { limits } from '../../limits.ts';
import { type DecisionContext, instant } from '../decision.ts';
import type { ProjectDraft } from './spaces.ts';
import type { InterfaceRecord, NetworkRecord } from './state.ts';

/**
 * Lets interfaces follow a change of their network's MTU, each by an event of its own, in the order
 * of their names. What one append does not hold goes on in the next; the state knows who is left.
 */
export interface SpreadMtu {
  readonly type: 'SpreadMtu';
}

export function spreadMtu(draft: ProjectDraft, context: DecisionContext): undefined {
  const eventsMax = draft.events.length + limits.interfaceUpdatesPerAppendMax;
  while (draft.events.length < eventsMax) {
    const first = firstOf(draft.state.mtuLaggards);
    if (first === undefined) return;
    const { name, uid, claim, spec } = draft.state.interfaces.get(first) as InterfaceRecord;
    const { mtu } = (draft.state.networks.get(spec.network.name) as NetworkRecord).spec;
    const left = sizeOf(draft.state.mtuLaggards) - 1;
    const at = instant(context.atMs);
    draft.emit('InterfaceUpdated', { at, name, uid, claim: claim ?? null, mtu, left });
  }
}
