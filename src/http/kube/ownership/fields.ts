import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../json-body.ts';
import { type FieldPath, type FieldSet, innerPaths, under } from './field-path.ts';
import type { Shape } from './shape.ts';

/** What stands for an object or list whose own fields are told apart. */
const STRUCTURE = Symbol('structure');

interface Field {
  /** A value that is compared as a whole, or `STRUCTURE`. */
  readonly value: unknown;
  /** Whether it is owned by itself: an inner node is only if it is empty or an item of a list. */
  readonly isOwned: boolean;
}

/** The keys that an item of a list is known by, as a step of a path. */
function keyStep(item: unknown, keys: readonly string[]): string {
  const known = isObject(item) ? keys.filter((key) => Object.hasOwn(item, key)) : [];
  const named = known.map((key) => [key, (item as Record<string, unknown>)[key]]);
  return `k:${JSON.stringify(Object.fromEntries(named))}`;
}

const valueStep = (value: unknown) => `v:${JSON.stringify(value)}`;

function itemStep(item: unknown, list: NonNullable<Shape['list']>): string {
  return list === 'set' ? valueStep(item) : keyStep(item, list.keys);
}

/** Every field of a value. Its sections, `metadata` and `spec`, are no fields themselves. */
function fieldsOf(value: unknown, shape: Shape): ReadonlyMap<FieldPath, Field> {
  const fields = new Map<FieldPath, Field>();
  const add = (path: FieldPath, field: Field) => {
    if (path.includes('/')) fields.set(path, field);
  };
  const visit = (at: unknown, { list, items, fields }: Shape, path: FieldPath, isItem: boolean) => {
    if (isObject(at)) {
      const entries = Object.entries(at).filter(([, child]) => child !== undefined);
      add(path, { value: STRUCTURE, isOwned: isItem || entries.length === 0 });
      for (const [name, child] of entries) {
        visit(child, fields?.get(name) ?? {}, under(path, `f:${name}`), false);
      }
    } else if (Array.isArray(at) && list !== undefined) {
      add(path, { value: STRUCTURE, isOwned: at.length === 0 });
      for (const item of at) visit(item, items ?? {}, under(path, itemStep(item, list)), true);
    } else {
      add(path, { value: at, isOwned: true });
    }
  };
  visit(value, shape, '', false);
  return fields;
}

/** The fields that whoever applies a value says something about. */
export function ownedFields(value: unknown, shape: Shape): FieldSet {
  const owned = fieldsOf(value, shape)
    .entries()
    .filter(([, { isOwned }]) => isOwned);
  return new Set(owned.map(([path]) => path));
}

/** Every field that a value has, inner nodes too. */
export function allFields(value: unknown, shape: Shape): FieldSet {
  return new Set(fieldsOf(value, shape).keys());
}

export interface Changes {
  /** What is there now and was not, or was otherwise. */
  readonly set: FieldSet;
  readonly removed: FieldSet;
}

/** Which fields differ between two values. */
export function changesBetween(before: unknown, after: unknown, shape: Shape): Changes {
  const [old, present] = [fieldsOf(before, shape), fieldsOf(after, shape)];
  const set = new Set<FieldPath>();
  for (const [path, { value }] of present) {
    const was = old.get(path);
    if (was === undefined || !isDeepStrictEqual(was.value, value)) set.add(path);
  }
  return { set, removed: new Set(old.keys().filter((path) => !present.has(path))) };
}

/** A value with what another one says in its place: field by field, the rest stays. */
export function merged(value: unknown, change: unknown, shape: Shape): unknown {
  if (isObject(change)) return mergedObject(isObject(value) ? value : {}, change, shape);
  const { list, items = {} } = shape;
  if (!Array.isArray(change) || !Array.isArray(value) || list === undefined) return change;
  const byStep = new Map(value.map((item) => [itemStep(item, list), item]));
  for (const item of change) {
    const step = itemStep(item, list);
    byStep.set(step, merged(byStep.get(step), item, items));
  }
  return [...byStep.values()];
}

function mergedObject(
  value: Record<string, unknown>,
  change: Record<string, unknown>,
  { fields }: Shape,
): Record<string, unknown> {
  const result = new Map(Object.entries(value));
  for (const [name, child] of Object.entries(change)) {
    result.set(name, merged(result.get(name), child, fields?.get(name) ?? {}));
  }
  return Object.fromEntries(result);
}

/**
 * A value without some of its fields, and without what is left empty by that. An item of a list or
 * an inner node goes as a whole unless something below it is `kept`.
 */
export function without(value: unknown, gone: FieldSet, kept: FieldSet, shape: Shape): unknown {
  if (gone.size === 0) return value;
  const [goneBelow, keptBelow] = [innerPaths(gone), innerPaths(kept)];
  const rest = (at: unknown, path: FieldPath, { list, items, fields }: Shape): unknown => {
    if (gone.has(path) && !keptBelow.has(path)) return undefined;
    if (!goneBelow.has(path)) return at;
    if (isObject(at)) {
      const left = Object.entries(at).flatMap(([name, child]) => {
        const kept = rest(child, under(path, `f:${name}`), fields?.get(name) ?? {});
        return kept === undefined ? [] : [[name, kept] as const];
      });
      return left.length === 0 && path.includes('/') ? undefined : Object.fromEntries(left);
    }
    if (!Array.isArray(at) || list === undefined) return at;
    const left = at.flatMap((item) => {
      const kept = rest(item, under(path, itemStep(item, list)), items ?? {});
      if (kept === undefined) return [];
      return [isObject(item) && list !== 'set' ? { ...keysOf(item, list.keys), ...kept } : kept];
    });
    return left.length === 0 ? undefined : left;
  };
  return rest(value, '', shape);
}

/** The keys of an item stay while the item does, whoever owned them. */
function keysOf(item: Record<string, unknown>, keys: readonly string[]): object {
  return Object.fromEntries(keys.map((key) => [key, item[key]]));
}

/** Paths of items that stand in a list of their own more than once. */
export function duplicateItems(value: unknown, shape: Shape): FieldPath[] {
  const duplicates: FieldPath[] = [];
  const visit = (at: unknown, { list, items = {}, fields }: Shape, path: FieldPath) => {
    if (isObject(at)) {
      for (const [name, child] of Object.entries(at)) {
        const inner = fields?.get(name);
        if (inner !== undefined) visit(child, inner, under(path, `f:${name}`));
      }
    } else if (Array.isArray(at) && list !== undefined) {
      const seen = new Set<FieldPath>();
      for (const item of at) {
        const step = under(path, itemStep(item, list));
        if (seen.has(step)) duplicates.push(step);
        seen.add(step);
        visit(item, items, step);
      }
    }
  };
  visit(value, shape, '');
  return duplicates;
}
