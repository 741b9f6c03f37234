import type { KubeObject } from '../../views/views.ts';
import { isObject } from '../json-body.ts';

/** The value of a field, by its path; undefined where a part of it is absent. */
export function valueAt(object: KubeObject, path: string): unknown {
  let value: unknown = object;
  for (const step of path.split('.')) {
    value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}
