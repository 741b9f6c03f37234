import type { EventData } from '../../src/ledger/events.ts';
import type { KubeObject } from '../../src/views/views.ts';
import { conditionsOf, judged, withConditions } from './conditions.ts';
import { seconds } from './metadata.ts';

/** Of a retained object whose lease is over; no other has this condition. */
const EXPIRING = 'Expiring';

/** What a status says of a retention that began at this instant. */
export function retentionOf(at: string, expiresAt: string | null) {
  const end = expiresAt === null ? {} : { expiresAt: seconds(expiresAt) };
  return { retainedAt: seconds(at), ...end };
}

/** The object with a warning: who wants to keep what it holds claims it before it is released. */
export function withWarning(
  object: KubeObject,
  { at, releaseAt }: EventData<'RetentionExpiring'>,
): KubeObject {
  const message = `the retention lease is over; released at ${releaseAt}`;
  const verdict = { type: EXPIRING, status: 'True', reason: 'LeaseOver', message } as const;
  const warned = judged([], [verdict], object.metadata.generation, at);
  return withConditions(object, [...conditionsOf(withoutWarning(object)), ...warned]);
}

/** The object without it: it is held again. */
export function withoutWarning(object: KubeObject): KubeObject {
  const conditions = conditionsOf(object);
  const left = conditions.filter(({ type }) => type !== EXPIRING);
  return left.length === conditions.length ? object : withConditions(object, left);
}
