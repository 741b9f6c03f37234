import { isObject } from '../json-body.ts';

/**
 * A JSON merge patch (RFC 7386): null removes a field, objects are merged, anything else replaces.
 * The target stays as it is, and the result shares nothing with it.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  return merge(structuredClone(target), patch);
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(Object.hasOwn(merged, key) ? merged[key] : undefined, value);
  }
  return merged;
}
