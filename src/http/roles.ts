import type { Actor } from '../ledger/events.ts';

/** Whether somebody may use what is for operators alone. */
export function isOperator({ role }: Actor): boolean {
  return role === 'operator';
}
