import { isUtf8 } from 'node:buffer';
import { limits } from '../limits.ts';
import { badRequest } from './status.ts';

/**
 * Reads a request's body as JSON. Refuses what no later step should see: text that is not UTF-8,
 * objects within objects without end, and keys that name an object's prototype, which a careless
 * merge would write to.
 */
function readJson(body: Buffer): unknown {
  if (body.length === 0) throw badRequest('the body is empty: JSON is required');
  if (!isUtf8(body)) throw badRequest('the body is not valid UTF-8');
  const value = parse(body.toString('utf8'));
  refuseUnsafe(value);
  return value;
}

/** A body that has to be a JSON object. */
export function readJsonObject(body: Buffer): Record<string, unknown> {
  const value = readJson(body);
  if (isObject(value)) return value;
  throw badRequest('the body must be a JSON object');
}

/** A body that has to be a JSON list. */
export function readJsonList(body: Buffer): readonly unknown[] {
  const value = readJson(body);
  if (Array.isArray(value)) return value;
  throw badRequest('the body must be a JSON list');
}

/** Whether a JSON value is an object: no array, no null, no scalar. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body is not valid JSON: ${(error as Error).message}`);
  }
}

/** Refuses a value that no later step should see; `depth` says how deep it stands in its body. */
export function refuseUnsafe(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth === limits.bodyDepthMax) {
    throw badRequest(`the body is nested more than ${limits.bodyDepthMax} levels deep`);
  }
  if (Array.isArray(value)) {
    for (const item of value) refuseUnsafe(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    const child = (value as Record<string, unknown>)[key];
    if (key === '__proto__' || (key === 'constructor' && holdsPrototype(child))) {
      throw badRequest(`the key "${key}" is not allowed in a body`);
    }
    refuseUnsafe(child, depth + 1);
  }
}

function holdsPrototype(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, 'prototype');
}
