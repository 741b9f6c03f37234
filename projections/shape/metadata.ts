import type { StoredMetadata } from '../../src/ledger/events.ts';
import type { KubeObject, ObjectMetadata } from '../../src/views/views.ts';

export const NETWORKING = 'networking.datumapis.com/v1alpha';
export const IPAM = 'ipam.miloapis.com/v1alpha1';

/** The label that claims and interfaces always carry. */
export const LOCATION_LABEL = 'networking.datumapis.com/location';

/** What the ledger keeps on an object itself, whatever its clients send. */
export type Kept = Pick<StoredMetadata, 'labels' | 'annotations'>;

/** The instant that was written last: an object's conditions mostly have one in common. */
let written = { at: '', text: '' };

/** An instant as Kubernetes writes it: in whole seconds. */
export function seconds(at: string): string {
  if (written.at !== at) written = { at, text: [at.slice(0, 19), 'Z'].join('') };
  return written.text;
}

/** The metadata of an object that has just been created; `namespace` is empty for cluster scope. */
export function newMetadata(
  data: { readonly at: string; readonly name: string; readonly uid: string },
  namespace: string,
  given: StoredMetadata = {},
  kept: Kept = {},
): ObjectMetadata {
  const { at, name, uid } = data;
  return {
    ...(namespace === '' ? { name, uid } : { name, namespace, uid }),
    // Known when the whole command has been applied.
    resourceVersion: '',
    generation: 1,
    creationTimestamp: seconds(at),
    ...filled(given, kept),
  };
}

/** The object with other labels, annotations and so on; who it is stays. */
export function withMetadata(object: KubeObject, given: StoredMetadata, kept: Kept): KubeObject {
  const { labels, annotations, ownerReferences, finalizers, managedFields, ...identity } =
    object.metadata;
  return { ...object, metadata: { ...identity, ...filled(given, kept) } };
}

/** The object of the next generation: its spec has changed, or its deletion has been requested. */
export function nextGeneration(object: KubeObject): KubeObject {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, generation: metadata.generation + 1 } };
}

/** The object as one that goes when its finalizers have. */
export function terminating(object: KubeObject, at: string): KubeObject {
  const next = nextGeneration(object);
  const deletion = { deletionTimestamp: seconds(at), deletionGracePeriodSeconds: 0 };
  return { ...next, metadata: { ...next.metadata, ...deletion } };
}

/** Metadata without what is empty. */
function filled(given: StoredMetadata, kept: Kept): StoredMetadata {
  const { ownerReferences, finalizers, managedFields } = given;
  const metadata: { -readonly [K in keyof StoredMetadata]: StoredMetadata[K] } = {};
  const labels = merged(given.labels, kept.labels);
  const annotations = merged(given.annotations, kept.annotations);
  if (labels !== undefined) metadata.labels = labels;
  if (annotations !== undefined) metadata.annotations = annotations;
  if (ownerReferences?.length) metadata.ownerReferences = ownerReferences;
  if (finalizers?.length) metadata.finalizers = finalizers;
  if (managedFields?.length) metadata.managedFields = managedFields;
  return metadata;
}

type Texts = StoredMetadata['labels'];

function merged(given: Texts, kept: Texts): Texts {
  if (given === undefined) return kept;
  const all = { ...given, ...kept };
  return Object.keys(all).length > 0 ? all : undefined;
}
