import type { StoredMetadata } from '../../ledger/events.ts';
import { limits } from '../../limits.ts';
import type { KubeObject } from '../../views/views.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue } from './field-errors.ts';
import type { Writes } from './kind.ts';
import { jsonBytes, type MetadataBody } from './metadata.ts';

/** What the ledger keeps in an object's metadata itself, whatever its clients send. */
export interface KeptMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: readonly string[];
}

/** What is kept on an object of this spec. */
export function keptMetadata(writes: Writes, spec: unknown): KeptMetadata {
  const { ledgerAnnotations = [] } = writes;
  return { labels: writes.ledgerLabels?.(spec) ?? {}, annotations: ledgerAnnotations };
}

/**
 * What metadata asks to be stored, in the form in which equal requests are equal: without empty
 * fields, and without what the ledger keeps. Managed fields come apart from it.
 */
export function storedMetadata(
  { labels, annotations, finalizers, ownerReferences }: MetadataBody | KubeObject['metadata'],
  kept: KeptMetadata,
  managedFields: StoredMetadata['managedFields'] = [],
): StoredMetadata {
  return {
    ...filledMap('labels', withoutKeys(labels, Object.keys(kept.labels))),
    ...filledMap('annotations', withoutKeys(annotations, kept.annotations)),
    ...filledList('finalizers', finalizers ?? []),
    ...filledList('ownerReferences', ownerReferences ?? []),
    ...filledList('managedFields', managedFields),
  };
}

/** The part of an object that its clients decide about: what can be owned. */
export function ownableFields(
  { ignoresSpec, create }: Writes,
  { managedFields, ...metadata }: StoredMetadata,
  spec: unknown,
): OwnableFields {
  return { metadata, ...(ignoresSpec || create === undefined ? {} : { spec }) };
}
/** The fields of metadata that clients decide about. */
export const OWNABLE_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

export interface OwnableFields {
  readonly metadata: Omit<StoredMetadata, 'managedFields'>;
  readonly spec?: unknown;
}

/** What is wrong with metadata that is larger than what one object may have. */
export function sizeProblems({ labels, annotations, managedFields }: StoredMetadata) {
  const bytes = jsonBytes(labels) + jsonBytes(annotations) + jsonBytes(managedFields);
  const max = limits.objectMetadataBytesMax;
  if (bytes <= max) return [];
  const what = 'labels, annotations and managed fields together';
  const message = `Too long: ${bytes} bytes: ${what} may take no more than ${max} bytes`;
  return [{ reason: 'FieldValueTooLong', message, field: 'metadata.managedFields' }];
}

/** The labels of a body that contradict those that the ledger keeps. */
export function keptLabelProblems({ labels }: MetadataBody, kept: KeptMetadata): StatusCause[] {
  return Object.entries(kept.labels)
    .filter(([key, value]) => labels && Object.hasOwn(labels, key) && labels[key] !== value)
    .map(([key, value]) =>
      invalidValue(`metadata.labels[${key}]`, labels?.[key], `the ledger sets it to "${value}"`),
    );
}

function withoutKeys(
  map: Readonly<Record<string, string>> | null | undefined,
  keys: readonly string[],
): Readonly<Record<string, string>> {
  if (!map) return {};
  if (!keys.some((key) => Object.hasOwn(map, key))) return map;
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** A field with a map; no field where the map is empty. */
export function filledMap<K extends string, T extends object>(key: K, map: T): { [P in K]?: T } {
  return (Object.keys(map).length === 0 ? {} : { [key]: map }) as { [P in K]?: T };
}

function filledList<K extends string, T>(key: K, list: readonly T[]): { [P in K]?: T[] } {
  return (list.length === 0 ? {} : { [key]: list }) as { [P in K]?: T[] };
}
