/**
 * Freezes a value through and through and says whether it is plain JSON: whether parsing its JSON
 * text would give an equal value. Stops at the first part that is not.
 */
export function freezePlainJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || freezePlainObject(value);
    default:
      return false;
  }
}

function freezePlainObject(value: object): boolean {
  if (Array.isArray(value)) {
    for (const element of value) if (!freezePlainJson(element)) return false;
  } else {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const name in value) {
      if (!freezePlainJson((value as Record<string, unknown>)[name])) return false;
    }
  }
  Object.freeze(value);
  return true;
}
