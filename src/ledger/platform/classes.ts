import type { IPClass } from '../ip-class.ts';
import type { PlatformState } from './state.ts';

/** The default class of a family, or undefined when there is none. */
export function defaultClass(platform: PlatformState, family: string): IPClass | undefined {
  return platform.classes.find((c) => c.isDefault && c.spec.ipFamily === family);
}
