import type { FastifyRequest } from 'fastify';
import type { ObjectKey, ViewedObject } from '../../views/views.ts';
import { isObject, readJsonList, readJsonObject } from '../json-body.ts';
import {
  APPLY_PATCH_TYPE,
  bodyTypeOf,
  JSON_PATCH_TYPE,
  JSON_TYPE,
  MERGE_PATCH_TYPE,
  requireBodyType,
  STRATEGIC_MERGE_PATCH_TYPE,
  unsupportedPatch,
} from '../media-types.ts';
import { PROTOBUF_TYPE, readProtobuf } from '../protobuf.ts';
import { queryValue } from '../query.ts';
import { badRequest, invalid, type StatusCause } from '../status.ts';
import { bodyOf, type Exchange, optionsOf } from './exchange.ts';
import { required } from './field-errors.ts';
import { repeatedFields } from './field-validation.ts';
import { type JsonPatchOperation, jsonPatched, readJsonPatch } from './json-patch.ts';
import type { Kind } from './kind.ts';
import { mergePatch } from './merge-patch.ts';
import type { AppliedValue, ObjectOwners } from './object-owners.ts';
import { merged } from './ownership/fields.ts';
import { OWNABLE_METADATA, type OwnableFields } from './stored-metadata.ts';
import { readYamlObject } from './yaml-body.ts';

/** What a write asks for: a whole object, a change of the present one, or a part of it. */
export type WrittenBody = Replacement | Configuration;

export type Replacement =
  | { readonly replacement: Record<string, unknown> }
  | { readonly patch: Record<string, unknown> }
  | { readonly operations: readonly JsonPatchOperation[] };

/** A configuration that is applied: the fields that its manager has an opinion about. */
export interface Configuration {
  readonly configuration: Record<string, unknown>;
  readonly force: boolean;
}

/** The body of a request that is a whole object: JSON, or what clients are built to send of it. */
export function readBody(
  request: FastifyRequest,
  kind: Kind,
  exchange: Exchange,
): Record<string, unknown> {
  const { message } = kind;
  const type = request.headers['content-type'];
  if (message !== undefined && type === PROTOBUF_TYPE) {
    return readProtobuf(bodyOf(request.body), message);
  }
  requireBodyType(request.headers['content-type'], JSON_TYPE);
  return readJsonObject(bodyOf(request.body), repeatedFields(kind, exchange));
}

/** The body of a PATCH, by its type. */
export function readPatch(request: FastifyRequest, kind: Kind, exchange: Exchange): WrittenBody {
  const body = bodyOf(request.body);
  const type = bodyTypeOf(request.headers['content-type']);
  const force = queryValue(request, 'force');
  const problems = optionProblems(type, force, exchange);
  if (problems.length > 0) throw invalid(optionsOf('Patch'), '', problems);
  const onRepeated = repeatedFields(kind, exchange);
  switch (type) {
    case MERGE_PATCH_TYPE:
      return { patch: readJsonObject(body, onRepeated) };
    case JSON_PATCH_TYPE:
      return { operations: readJsonPatch(readJsonList(body, onRepeated)) };
    case APPLY_PATCH_TYPE:
      return {
        configuration: readYamlObject(body, onRepeated),
        force: force === 'true' || force === '1',
      };
    default:
      throw unsupportedPatch();
  }
}

/**
 * The body of a PATCH of an Event. Recorders send strategic merge patches, which for the fields of
 * an Event say the same as merge patches.
 */
export function readEventPatch(
  request: FastifyRequest,
  kind: Kind,
  exchange: Exchange,
): Replacement {
  const body = bodyOf(request.body);
  const onRepeated = repeatedFields(kind, exchange);
  switch (bodyTypeOf(request.headers['content-type'])) {
    case MERGE_PATCH_TYPE:
    case STRATEGIC_MERGE_PATCH_TYPE:
      return { patch: readJsonObject(body, onRepeated) };
    case JSON_PATCH_TYPE:
      return { operations: readJsonPatch(readJsonList(body, onRepeated)) };
    default:
      throw unsupportedPatch();
  }
}

function optionProblems(
  type: string,
  force: string | undefined,
  { writer }: Exchange,
): StatusCause[] {
  if (type === APPLY_PATCH_TYPE) {
    return writer.isNamed ? [] : [required('fieldManager', 'is required for apply patch')];
  }
  if (force === undefined) return [];
  const message = 'Forbidden: may not be specified for non-apply patch';
  return [{ reason: 'FieldValueForbidden', message, field: 'force' }];
}

/** The object that a body asks for, given the present one. */
export function writtenObject(written: Replacement, { object }: ViewedObject): unknown {
  if ('patch' in written) return mergePatch(object, written.patch);
  if ('operations' in written) return jsonPatched(object, written.operations);
  return structuredClone(written.replacement);
}

/**
 * The whole object that a configuration asks for, and its owners then. `live` has what clients
 * decide about; of a spec that is none of that, what is sent stands in place of what is there.
 */
export function applyingOver(
  owners: ObjectOwners,
  key: ObjectKey,
  { configuration, force }: Configuration,
  live: OwnableFields,
  presentSpec: unknown,
): { readonly body: unknown; readonly managedFields: AppliedValue['managedFields'] } {
  const { metadata, ...sent } = namedConfiguration(configuration, key);
  const { value, managedFields } = owners.apply(live, ownableIn(configuration, live), force);
  const made = value as Partial<OwnableFields>;
  const spec = 'spec' in live ? made.spec : merged(presentSpec, sent.spec ?? {}, {});
  const body = { ...sent, spec, metadata: { ...metadata, ...made.metadata } };
  return { body: structuredClone(body), managedFields };
}

/** What a configuration says of what can be owned. */
export function ownableIn(configuration: Record<string, unknown>, live: OwnableFields) {
  const { metadata, spec } = configuration;
  const sent = isObject(metadata) ? metadata : {};
  const kept = OWNABLE_METADATA.filter((field) => Object.hasOwn(sent, field));
  const ownable = Object.fromEntries(kept.map((field) => [field, sent[field]]));
  return { metadata: ownable, ...('spec' in live && spec !== undefined ? { spec } : {}) };
}

/** A configuration with the name of its object, which it may leave to the path. */
export function namedConfiguration(
  configuration: Record<string, unknown>,
  { name }: ObjectKey,
): Record<string, unknown> & { readonly metadata: Record<string, unknown> } {
  const { metadata = {} } = configuration;
  if (!isObject(metadata)) throw badRequest('metadata must be an object');
  if (metadata.managedFields != null) throw badRequest('metadata.managedFields must be nil');
  return { ...configuration, metadata: { ...metadata, name: metadata.name ?? name } };
}
