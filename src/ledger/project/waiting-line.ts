import { OrderedMap } from 'immutable';

/**
 * Claims that wait for one thing: name to the revision of the claim's request, in that order, so
 * that whoever came first is served first.
 */
export type WaitingLine = OrderedMap<string, number>;

/** The line with this claim at its place. */
export function joinLine(
  line: WaitingLine = OrderedMap(),
  name: string,
  since: number,
): WaitingLine {
  const last = line.last();
  const joined = line.set(name, since);
  return last === undefined || last <= since ? joined : joined.sort();
}

/** What a cause begins with that is a pool without room. */
export const POOL_CAUSE = 'pool/';

/** What has changed for all who wait for pools, whichever they are. */
export const ANY_POOL = `${POOL_CAUSE}*`;

/** Whether what a claim waits for is a pool without room. */
export function isPool(cause: string): boolean {
  return cause.startsWith(POOL_CAUSE);
}

/** What a cause begins with that is a class of which the project may hold no more. */
export const QUOTA_CAUSE = 'quota/';

/** Whether what a claim waits for is a quota. */
export function isQuota(cause: string): boolean {
  return cause.startsWith(QUOTA_CAUSE);
}

/** What a cause begins with that is a class whose authored pools have no room. */
export const OFFER_CAUSE = 'offer/';

/** Whether those who wait for this want the same, so that the first of them ends the line. */
export function isOneLine(cause: string): boolean {
  return isPool(cause) || cause.startsWith(OFFER_CAUSE);
}
