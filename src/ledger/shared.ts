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
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i += 1) if (!equals(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  // JSON has no undefined, so that a field which is not there equals none that is. Unlike lists of
  // the names, these loops make nothing: this runs for every claim and address that is read.
  let more = 0;
  for (const name in a) {
    if (!equals((a as Fields)[name], (b as Fields)[name])) return false;
    more += 1;
  }
  for (const _ in b) more -= 1;
  return more === 0;
}

type Fields = Readonly<Record<string, unknown>>;
