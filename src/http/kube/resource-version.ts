import type { Position } from '../../store/store.ts';
import type { Views } from '../../views/views.ts';
import { badRequest, StatusError } from '../status.ts';

/**
 * The position that a client names, or undefined when any will do: absent, empty, and 0, which
 * means whatever is at hand.
 */
export function parseResourceVersion(text: string | undefined): Position | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  if (!/^[1-9]\d{0,18}$/.test(text)) {
    throw badRequest(`resourceVersion: Invalid value: "${text}": must be a decimal number`);
  }
  return BigInt(text);
}

/**
 * The position that a reader names. One that has not happened yet is answered 504 with the cause
 * that makes client-go ask again without it.
 */
export function readResourceVersion(text: string | undefined, views: Views): Position | undefined {
  const position = parseResourceVersion(text);
  if (position !== undefined) requireReached(position, views);
  return position;
}

/** Refuses a position that has not happened yet. */
export function requireReached(position: Position, views: Views): void {
  if (position > views.position) throw tooLarge(position, views.position);
}

function tooLarge(asked: Position, present: Position): StatusError {
  const reason = 'ResourceVersionTooLarge';
  const causes = [{ reason, message: 'Too large resource version' }];
  const message = `Timeout: Too large resource version: ${asked}, current: ${present}`;
  return new StatusError('Timeout', message, { causes, retryAfterSeconds: 1 });
}
