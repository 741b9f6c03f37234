import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Position } from '../../store/store.ts';
import type { ObjectKey } from '../../views/views.ts';
import { badRequest } from '../status.ts';

/** Where a list goes on: after this object, as things were at that position. */
export interface Continuation {
  readonly position: Position;
  readonly after: ObjectKey;
  /** The instant that it shows, of what changes by time alone. */
  readonly atMs?: number | undefined;
}

const token = z.strictObject({
  v: z.literal(1),
  rv: z.string().regex(/^[1-9]\d{0,18}$/),
  after: z.tuple([z.string(), z.string()]),
  of: z.string(),
  ms: z.int().min(0).optional(),
});

/**
 * What a token belongs to: kind, namespace and selectors. It is no secret and no seal, only a guard
 * against a client that goes on with another list than it began.
 */
export function listIdentity(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16);
}

export function writeContinueToken(
  { position, after, atMs }: Continuation,
  identity: string,
): string {
  const { namespace, name } = after;
  const value = { v: 1, rv: String(position), after: [namespace, name], of: identity, ms: atMs };
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Reads a token that this list has given out. */
export function readContinueToken(text: string, identity: string): Continuation {
  const parsed = token.safeParse(jsonOf(text));
  if (!parsed.success) throw badRequest('continue key is not valid');
  const { rv, after, of, ms } = parsed.data;
  if (of !== identity) {
    throw badRequest('continue key is not valid: it belongs to a list of other objects');
  }
  const [namespace, name] = after;
  return { position: BigInt(rv), after: { namespace, name }, atMs: ms };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
