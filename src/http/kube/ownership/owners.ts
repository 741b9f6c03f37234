import type { FieldPath, FieldSet } from './field-path.ts';
import { allFields, changesBetween, merged, ownedFields, without } from './fields.ts';
import { bounded, isSameManager, type Managed, type Manager } from './managers.ts';
import type { Shape } from './shape.ts';

/**
 * Who owns which field of an object, by the rules of server-side apply. Pure: values and owners go
 * in, values and owners come out.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */

/** One write: by whom, when, and to what kind of value. */
export interface Write {
  readonly self: Manager & { readonly apiVersion: string };
  readonly time: string;
  readonly shape: Shape;
}

/** A field that somebody else owns and that would have another value. */
export interface Conflict {
  readonly with: Managed;
  readonly field: FieldPath;
}

export type Applied =
  | { readonly value: unknown; readonly managed: readonly Managed[] }
  | { readonly conflicts: readonly Conflict[] };

const NONE: FieldSet = new Set();

/** What the owners of an object are after an update of it: whoever changes a field has it alone. */
export function afterUpdate(
  managed: readonly Managed[],
  before: unknown,
  after: unknown,
  { self, time, shape }: Write,
): readonly Managed[] {
  const { set, removed } = changesBetween(before, after, shape);
  if (set.size === 0 && removed.size === 0) return managed;
  const left = withoutFields(managed, set.union(removed));
  if (set.size === 0) return left;
  const own = left.find((one) => isSameManager(one, self));
  const fields = set.union(own?.fields ?? NONE);
  return bounded([...left.filter((one) => one !== own), { ...self, time, fields }]);
}

/**
 * Applies a configuration: what it says is set and owned, what its manager has applied before and
 * no longer says goes, unless somebody else owns it too. The value may yet be refused or completed;
 * `settled` has the owners of what it has become.
 */
export function applied(
  managed: readonly Managed[],
  live: unknown,
  configuration: unknown,
  force: boolean,
  { self, time, shape }: Write,
): Applied {
  const own = managed.find((one) => isSameManager(one, self));
  const others = managed.filter((one) => one !== own);
  const fields = ownedFields(configuration, shape);
  const kept = others.reduce<FieldSet>((all, one) => all.union(one.fields), fields);
  const gone = (own?.fields ?? NONE).difference(kept);
  const value = without(merged(live, configuration, shape), gone, kept, shape);
  const { set, removed } = changesBetween(live, value, shape);
  const conflicts = others.flatMap((one) =>
    [...one.fields.intersection(set)].map((field) => ({ with: one, field })),
  );
  if (conflicts.length > 0 && !force) return { conflicts };
  const mine = fields.size === 0 ? [] : [{ ...self, time, fields }];
  return { value, managed: [...withoutFields(others, set.union(removed)), ...mine] };
}

/** The owners of what is there when the first one begins to be kept. */
export function ownedBefore(value: unknown, { self, time, shape }: Write): readonly Managed[] {
  const fields = allFields(value, shape);
  const { apiVersion } = self;
  if (fields.size === 0) return [];
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion, time, fields }];
}

/**
 * The owners once it is known what has become of an applied value: what was sent and not taken is
 * nobody's, and where nothing has changed they are the ones from before.
 */
export function settled(
  managed: readonly Managed[],
  { before, live, after }: { before: readonly Managed[]; live: unknown; after: unknown },
  { self, shape }: Write,
): readonly Managed[] {
  const present = allFields(after, shape);
  const next = managed.flatMap((one) => {
    if (!isSameManager(one, self)) return [one];
    const fields = one.fields.intersection(present);
    return fields.size === 0 ? [] : [{ ...one, fields }];
  });
  const { set, removed } = changesBetween(live, after, shape);
  const fieldsIn = (all: readonly Managed[]) => all.find((one) => isSameManager(one, self))?.fields;
  const isSame = areSame(fieldsIn(next) ?? NONE, fieldsIn(before) ?? NONE);
  return set.size === 0 && removed.size === 0 && isSame ? before : next;
}

function withoutFields(managed: readonly Managed[], gone: FieldSet): Managed[] {
  return managed
    .map((one) => ({ ...one, fields: one.fields.difference(gone) }))
    .filter(({ fields }) => fields.size > 0);
}

function areSame(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}
