import type { Condition } from '../../src/ledger/events.ts';
import type { KubeObject } from '../../src/views/views.ts';
import { seconds } from './metadata.ts';

/** What a condition says, without when and of which generation. */
export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The conditions of an object; none before it has any. */
export function conditionsOf(object: KubeObject | undefined): readonly Condition[] {
  return (object?.status?.conditions as readonly Condition[] | undefined) ?? [];
}

/** The condition of this type. */
export function conditionOf(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Verdicts as conditions of a generation; a status that was there before keeps its time. */
export function judged(
  before: readonly Condition[],
  verdicts: readonly Verdict[],
  generation: number,
  at: string,
): Condition[] {
  return verdicts.map(({ type, status, reason, message }) => {
    const present = conditionOf(before, type);
    const lastTransitionTime =
      present?.status === status ? present.lastTransitionTime : seconds(at);
    return { type, status, reason, message, lastTransitionTime, observedGeneration: generation };
  });
}

/** The object with these conditions, and its status otherwise as it was. */
export function withConditions(object: KubeObject, conditions: readonly Condition[]): KubeObject {
  return { ...object, status: { ...object.status, conditions } };
}

/**
 * The object with what the ledger has said of it said of its present generation. What providers
 * have reported is left alone.
 */
export function restamped(object: KubeObject, isOwn: (type: string) => boolean): KubeObject {
  const { generation } = object.metadata;
  const conditions = conditionsOf(object).map((condition) =>
    isOwn(condition.type) ? { ...condition, observedGeneration: generation } : condition,
  );
  return withConditions(object, conditions);
}
