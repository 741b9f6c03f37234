import { isDeepStrictEqual } from 'node:util';
import type { StoredMetadata } from '../../ledger/events.ts';
import { limits } from '../../limits.ts';
import type { AnsweredCommand, KubeObject, ObjectKey, ViewedObject } from '../../views/views.ts';
import type { Grant } from '../auth/grant.ts';
import { isObject } from '../json-body.ts';
import { forbidden, invalid, type StatusCause, StatusError } from '../status.ts';
import {
  type Answer,
  carryOut,
  expectationOf,
  objectAfter,
  requireCurrent,
  requireObject,
} from './carry-out.ts';
import type { Exchange } from './exchange.ts';
import { invalidValue } from './field-errors.ts';
import type { Desired, Kind, LedgerCommand, ObjectBody, Writes } from './kind.ts';
import { readObject, requireAllowedName, requireName } from './object-body.ts';
import { ObjectOwners } from './object-owners.ts';
import {
  filledMap,
  type KeptMetadata,
  keptLabelProblems,
  keptMetadata,
  OWNABLE_METADATA,
  ownableFields,
  sizeProblems,
  storedMetadata,
} from './stored-metadata.ts';
import { applyingOver, type Replacement, type WrittenBody, writtenObject } from './written-body.ts';

/** What a write makes of the object that it found. */
export interface Change {
  /** Undefined when things are already so. */
  readonly command: LedgerCommand | undefined;
  /** The object as the change leaves it, as far as the client decides about it. */
  readonly object: KubeObject;
}

/**
 * Reads the object, computes the change and carries it out. When the object has changed meanwhile
 * it is read again and the change computed anew, which refuses a writer that names a
 * resourceVersion. The command keeps its id: a refused one has written nothing.
 */
export async function changeObject(
  exchange: Exchange,
  kind: Kind,
  key: ObjectKey,
  change: (current: ViewedObject) => Change,
): Promise<Answer> {
  const { answered, deps, grant, request } = exchange;
  if (answered !== undefined) return repeatedChange(exchange, kind, key, answered, change);
  for (let attempt = 1; ; attempt += 1) {
    const current = requireObject(deps.views, grant, kind, key);
    const { command, object } = change(current);
    if (command === undefined) return { code: 200, text: current.text };
    try {
      const accepted = await carryOut(exchange, command);
      if (accepted.outcome === 'repeated') {
        return repeatedChange(exchange, kind, key, accepted, change);
      }
      const left = objectAfter(exchange, kind, key, accepted);
      if (left !== undefined) return { code: 200, text: left.text };
      if (request.dryRun) return { code: 200, body: object };
      // The append may hold more than the command: a repeated request knows where that ends.
      const { position } = deps.views.answered(request.commandId) ?? accepted;
      return { code: 200, body: versioned(object, position) };
    } catch (error) {
      const isConflict = error instanceof StatusError && error.reason === 'Conflict';
      const isLast = attempt === limits.unconditionalWriteAttemptsMax;
      if (!isConflict || isLast) throw error;
    }
  }
}

/**
 * The first answer once more. Where the change ended the object, by removing its last finalizer,
 * it is computed again from the object before.
 */
function repeatedChange(
  { deps: { views } }: Exchange,
  kind: Kind,
  { namespace, name }: ObjectKey,
  { code, revision, position }: Pick<AnsweredCommand, 'code' | 'revision' | 'position'>,
  change: (current: ViewedObject) => Change,
): Answer {
  const left = views.getAtRevision(kind.kind, namespace, name, revision);
  if (left !== undefined) return { code, text: left.text };
  const before = views.getAtRevision(kind.kind, namespace, name, revision - 1);
  if (before === undefined) throw new Error(`${kind.kind} ${name} is not in the views`);
  return { code, body: versioned(change(before).object, position) };
}

function versioned(object: KubeObject, position: bigint): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(position) } };
}

/** Replaces or patches an object's spec and metadata; its status is not to be written here. */
export async function updateObject(
  exchange: Exchange,
  kind: Kind,
  writes: Writes,
  key: ObjectKey,
  written: WrittenBody,
): Promise<Answer> {
  requireAllowedName(kind, writes, key.name, 'update');
  return changeObject(exchange, kind, key, (current) => {
    const { metadata: present, spec } = current.object;
    const kept = keptMetadata(writes, spec);
    const stored = storedMetadata(present, kept, present.managedFields);
    const before = ownableFields(writes, stored, spec);
    const owners = new ObjectOwners(exchange, present.managedFields, kind.shape, kind);
    const applying =
      'configuration' in written ? applyingOver(owners, key, written, before, spec) : undefined;
    const body = applying?.body ?? writtenObject(written as Replacement, current);
    const read = readObject(kind, key.namespace, body, exchange);
    requireName(key, read.metadata.name);
    requireCurrent(kind, current, read.metadata);
    const after = ownableFields(writes, storedMetadata(read.metadata, kept), read.spec);
    const managedFields =
      applying?.managedFields(after) ??
      owners.afterUpdate(before, after, read.metadata.managedFields);
    const metadata = storedMetadata(read.metadata, kept, managedFields);
    return changeOf(exchange, kind, writes, key, { read, kept, stored, metadata }, current);
  });
}

/** What a body asks for, in the form in which it is stored. */
interface Asked {
  readonly read: ObjectBody;
  /** What the ledger keeps on it itself. */
  readonly kept: KeptMetadata;
  /** What is stored now, and what is to be. */
  readonly stored: StoredMetadata;
  readonly metadata: StoredMetadata;
}

/** Refuses a change of metadata that is not within the permission. */
function requireChangeableFields(
  { permission, identity }: Grant,
  kind: Kind,
  name: string,
  before: StoredMetadata,
  after: StoredMetadata,
): void {
  const { metadataFields } = permission;
  if (metadataFields === undefined) return;
  for (const field of OWNABLE_METADATA) {
    if (metadataFields.includes(field) || isDeepStrictEqual(before[field], after[field])) continue;
    const who = `User ${JSON.stringify(identity.subject)} may change metadata of it`;
    throw forbidden(kind, name, `${who} in ${metadataFields.join(', ')} only`);
  }
}

function changeOf(
  { grant }: Exchange,
  kind: Kind,
  writes: Writes,
  key: ObjectKey,
  { read, kept, stored, metadata }: Asked,
  current: ViewedObject,
): Change {
  const { spec: presentSpec } = current.object;
  const spec = writes.ignoresSpec ? presentSpec : read.spec;
  const causes = [
    ...specProblems(writes, presentSpec, spec),
    ...keptLabelProblems(read.metadata, kept),
    ...finalizerProblems(current.object, read.metadata.finalizers ?? []),
    ...sizeProblems(metadata),
  ];
  if (causes.length > 0) throw invalid(kind, key.name, causes);
  requireChangeableFields(grant, kind, key.name, stored, metadata);
  const desired: Desired = { ...key, spec, metadata };
  const expect = expectationOf(current);
  const object = withMetadata(current.object, metadata, kept);
  if (writes.update !== undefined && !isDeepStrictEqual(spec, presentSpec)) {
    return { command: writes.update(desired, expect), object };
  }
  if (isDeepStrictEqual(metadata, stored)) return { command: undefined, object };
  const named = { type: 'ChangeMetadata', kind: kind.kind, name: key.name } as const;
  const change = { ...named, expect, metadata };
  const usual = () => ({ project: writes.projectOf(key), command: change });
  return { command: writes.changeMetadata?.(change) ?? usual(), object };
}

/** What a change of the spec breaks: fields that are immutable, and the kind's own rules. */
function specProblems(writes: Writes, from: unknown, to: unknown): StatusCause[] {
  const [before, after] = [isObject(from) ? from : {}, isObject(to) ? to : {}];
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const causes: StatusCause[] = [];
  for (const field of fields) {
    if (writes.mutableFields?.includes(field)) continue;
    if (isDeepStrictEqual(before[field], after[field])) continue;
    causes.push(invalidValue(`spec.${field}`, after[field], 'field is immutable'));
  }
  return [...causes, ...(writes.changeProblems?.(from, to) ?? [])];
}

/** An object that is being deleted takes no new finalizers, in upstream's words. */
function finalizerProblems({ metadata }: KubeObject, desired: readonly string[]): StatusCause[] {
  if (metadata.deletionTimestamp === undefined) return [];
  const added = desired.filter((one) => !metadata.finalizers?.includes(one));
  if (added.length === 0) return [];
  const names = added.map((one) => JSON.stringify(one)).join(', ');
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
  return [{ reason: 'FieldValueForbidden', message, field: 'metadata.finalizers' }];
}

/** The object with other metadata; what the ledger keeps on it stays. */
function withMetadata(
  object: KubeObject,
  metadata: StoredMetadata,
  kept: KeptMetadata,
): KubeObject {
  const { labels, annotations, finalizers, ownerReferences, managedFields, ...identity } =
    object.metadata;
  const keptAnnotations = kept.annotations.flatMap((key) =>
    annotations?.[key] === undefined ? [] : [[key, annotations[key]] as const],
  );
  return {
    ...object,
    metadata: {
      ...{ ...identity, ...metadata },
      ...filledMap('labels', { ...metadata.labels, ...kept.labels }),
      ...filledMap('annotations', {
        ...metadata.annotations,
        ...Object.fromEntries(keptAnnotations),
      }),
    },
  };
}
