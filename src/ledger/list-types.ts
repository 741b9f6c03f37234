/**
 * What the schema of a list says, at its end, if its items are written by several: apart, and not
 * as one field. OpenAPI has it from there, and so has server-side apply.
 */
export const SET_LIST = { 'x-kubernetes-list-type': 'set' } as const;

/** A list whose items are known by some of their fields. */
export function keyedList(...keys: string[]) {
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys } as const;
}
