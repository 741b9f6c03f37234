/**
 * One value for all that are equal: the one that is kept when it equals the new one, else the new
 * one. A ledger holds a million specs and policies of which a handful differ.
 */
export function shared<T>(kept: T | undefined, value: T): T {
  return kept !== undefined && equals(kept, value) ? kept : value;
}

/** Whether two values of plain JSON are equal; the order of fields does not matter. */
function equals(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  let fields = 0;
  for (const name in a) {
    if (!Object.hasOwn(b, name)) return false;
    if (!equals((a as Fields)[name], (b as Fields)[name])) return false;
    fields += 1;
  }
  return Object.keys(b).length === fields;
}

type Fields = Readonly<Record<string, unknown>>;
