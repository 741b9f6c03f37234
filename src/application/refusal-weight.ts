import type { Rejection } from '../ledger/rejections.ts';

/** Why a pool does not give what is wanted. */
export type Refusal = Pick<Rejection, 'reason' | 'message'>;

/** That a block is taken, or that there is no room, says more than that a pool is another's. */
export function weightOf({ reason }: Refusal): number {
  return ['NoOfferingPool', 'PrefixLengthRejected', 'Exhausted', 'AddressTaken'].indexOf(reason);
}
