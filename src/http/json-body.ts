import { isUtf8 } from 'node:buffer';
import { limits } from '../limits.ts';
import { countKeys, type JsonPath, repeatedKeys } from './repeated-keys.ts';
import { badRequest } from './status.ts';

/** What becomes of keys that one object of a body has more than once: the last of each is read. */
export type OnRepeated = (keys: readonly JsonPath[]) => void;

/**
 * Reads a request's body as JSON. Refuses what no later step should see: text that is not UTF-8,
 * objects within objects without end, and keys that name an object's prototype, which a careless
 * merge would write to.
 */
function readJson(body: Buffer, onRepeated: OnRepeated): unknown {
  if (body.length === 0) throw badRequest('the body is empty: JSON is required');
  if (!isUtf8(body)) throw badRequest('the body is not valid UTF-8');
  const text = body.toString('utf8');
  const value = parse(text);
  const keys = refuseUnsafe(value);
  if (keys !== countKeys(body)) onRepeated(repeatedKeys(text, limits.statusCausesMax));
  return value;
}

/** A body that has to be a JSON object. */
export function readJsonObject(body: Buffer, onRepeated: OnRepeated): Record<string, unknown> {
  const value = readJson(body, onRepeated);
  if (isObject(value)) return value;
  throw badRequest('the body must be a JSON object');
}

/** A body that has to be a JSON list. */
export function readJsonList(body: Buffer, onRepeated: OnRepeated): readonly unknown[] {
  const value = readJson(body, onRepeated);
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

/**
 * Refuses a value that no later step should see; `depth` says how deep it stands in its body. Tells
 * how many keys its objects have.
 */
export function refuseUnsafe(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === limits.bodyDepthMax) {
    throw badRequest(`the body is nested more than ${limits.bodyDepthMax} levels deep`);
  }
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) count += refuseUnsafe(item, depth + 1);
    return count;
  }
  for (const key of Object.keys(value)) {
    const child = (value as Record<string, unknown>)[key];
    if (key === '__proto__' || (key === 'constructor' && holdsPrototype(child))) {
      throw badRequest(`the key "${key}" is not allowed in a body`);
    }
    count += 1 + refuseUnsafe(child, depth + 1);
  }
  return count;
}

function holdsPrototype(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, 'prototype');
}
