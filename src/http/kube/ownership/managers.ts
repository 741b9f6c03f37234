import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { StoredMetadata } from '../../../ledger/events.ts';
import { limits } from '../../../limits.ts';
import { type FieldSet, fieldSetOf, fieldsV1Of } from './field-path.ts';

/** Who has written fields, by which kind of write. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource?: string | undefined;
}

/** What a manager owns of an object, and when that last changed. */
export interface Managed extends Manager {
  readonly apiVersion: string;
  readonly time?: string | undefined;
  readonly fields: FieldSet;
}

const entry = z.object({
  manager: z.string().default(''),
  operation: z.enum(['Apply', 'Update']),
  apiVersion: z.string(),
  time: z.string().nullish(),
  fieldsType: z.literal('FieldsV1'),
  fieldsV1: z.unknown(),
  subresource: z.string().nullish(),
});
const entries = z.array(entry);

/** What `managedFields` says; undefined when it is no list of entries that can be read. */
export function readManagedFields(given: unknown): readonly Managed[] | undefined {
  if (given === undefined || given === null) return [];
  const parsed = entries.safeParse(given);
  if (!parsed.success) return undefined;
  const managed: Managed[] = [];
  for (const { fieldsV1, fieldsType, time, subresource, ...manager } of parsed.data) {
    const fields = fieldSetOf(fieldsV1 ?? {});
    if (fields === undefined) return undefined;
    if (fields.size === 0) continue;
    const when = time ? { time } : {};
    managed.push({ ...manager, ...when, ...(subresource ? { subresource } : {}), fields });
  }
  return managed;
}

/** Whether a body asks for all owners to be forgotten: a list of one empty entry. */
export function isReset(given: unknown): boolean {
  return isDeepStrictEqual(given, [{}]);
}

/**
 * The owners that a write begins with: those of the object, unless its body brings others. A client
 * that knows nothing of them, and sends none, leaves them as they are.
 */
export function managedBefore(present: unknown, sent: unknown): readonly Managed[] {
  const read = readManagedFields(sent);
  return read?.length ? read : (readManagedFields(present) ?? []);
}

/** The owners as an object's metadata has them: who applies first, then by time. */
export function writeManagedFields(
  managed: readonly Managed[],
): NonNullable<StoredMetadata['managedFields']> {
  const sorted = [...managed].sort(
    (a, b) =>
      compare(a.operation, b.operation) ||
      compare(a.time ?? '', b.time ?? '') ||
      compare(a.manager, b.manager),
  );
  return sorted.map(({ manager, operation, apiVersion, time, subresource, fields }) => ({
    ...{ manager, operation, apiVersion },
    ...(time === undefined ? {} : { time }),
    ...{ fieldsType: 'FieldsV1', fieldsV1: fieldsV1Of(fields) },
    ...(subresource === undefined ? {} : { subresource }),
  }));
}

export function isSameManager(a: Manager, b: Manager): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}

/** Stands for those who updated an object longest ago, once there are too many to tell apart. */
const ANCIENT = 'ancient-changes';

/** No more than so many who update: the oldest of them become one. */
export function bounded(managed: readonly Managed[]): readonly Managed[] {
  const updaters = managed.filter(({ operation }) => operation === 'Update');
  const over = updaters.length - limits.updateManagersPerObjectMax;
  if (over <= 0) return managed;
  const oldest = updaters.sort((a, b) => compare(a.time ?? '', b.time ?? '')).slice(0, over + 1);
  const [{ apiVersion }, last] = [oldest[0] as Managed, oldest.at(-1) as Managed];
  const fields = oldest.reduce<FieldSet>((all, one) => all.union(one.fields), new Set());
  const ancient = { manager: ANCIENT, operation: 'Update', apiVersion, time: last.time } as const;
  return [...managed.filter((one) => !oldest.includes(one)), { ...ancient, fields }];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
