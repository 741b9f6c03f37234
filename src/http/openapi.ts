import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { limits } from '../limits.ts';
import { AUTHENTICATED } from './auth/enforce.ts';
import type { Kind } from './kube/kind.ts';
import { metadataBody } from './kube/metadata.ts';
import { objectSchema } from './kube/openapi/object-schema.ts';
import { addKubeOpenApi } from './kube/openapi/openapi-routes.ts';
import type { WholeDocument } from './kube/openapi/openapi-v3.ts';
import { JSON_TYPE, PATCH_TYPES } from './media-types.ts';
import { PROTOBUF_TYPE } from './protobuf.ts';
import { sendJsonText } from './replies.ts';

/**
 * The OpenAPI document. It is made of the zod schemas that bodies are read by, so that it cannot
 * say anything else than what the server does. The schemas of routes are for this document alone:
 * Fastify itself neither validates nor serialises by them.
 */
export async function addOpenApi(
  app: FastifyInstance,
  kinds: readonly Kind[],
  others: Readonly<Record<string, object>>,
  version: string,
): Promise<void> {
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: 'netalloc', version } },
    refResolver: { buildLocalReference: (schema) => String(schema.$id) },
  });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.addSchema({ $id: 'Status', ...jsonSchema(statusSchema) });
  app.addSchema({ $id: 'ObjectMeta', ...jsonSchema(metadataBody(z.string()).describe(METADATA)) });
  for (const kind of kinds) app.addSchema({ $id: kind.viewed, ...objectSchema(kind, jsonSchema) });
  for (const [kind, schema] of Object.entries(others)) app.addSchema({ $id: kind, ...schema });
  let text: string | undefined;
  app.get('/openapi.json', { schema: { hide: true }, ...AUTHENTICATED }, (_request, reply) => {
    text ??= JSON.stringify(app.swagger());
    sendJsonText(reply, 200, text);
  });
  addKubeOpenApi(app, () => app.swagger() as unknown as WholeDocument);
}

const METADATA = 'What is known of an object whatever its kind: name, namespace, labels.';

const statusSchema = z.object({
  kind: z.literal('Status'),
  apiVersion: z.literal('v1'),
  metadata: z.object({}),
  status: z.enum(['Success', 'Failure']),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.int().optional(),
  details: z
    .object({
      name: z.string(),
      group: z.string(),
      kind: z.string(),
      uid: z.string(),
      retryAfterSeconds: z.int(),
      causes: z.array(z.object({ reason: z.string(), message: z.string(), field: z.string() })),
    })
    .partial()
    .optional(),
});

const asOf = z.string().describe('A position, or an RFC 3339 instant: shows things as they were.');
const readOptions = z.object({ resourceVersion: z.string(), asOf }).partial();
const selectors = z.object({
  labelSelector: z.string().optional(),
  fieldSelector: z
    .string()
    .optional()
    .describe('IPAllocations: `status.phase=Quarantined` lists the blocks that rest now.'),
});
const listOptions = readOptions.extend({
  ...selectors.shape,
  limit: z.string().optional().describe(`At most ${limits.pageObjectsMax} objects in one page.`),
  continue: z.string().optional(),
  resourceVersionMatch: z.enum(['Exact', 'NotOlderThan']).optional(),
  watch: z.string().optional().describe('Changes as they happen, one JSON object a line.'),
  allowWatchBookmarks: z.string().optional(),
  sendInitialEvents: z.string().optional(),
  timeoutSeconds: z.string().optional().describe('How long a watch lasts.'),
});
export const writeOptions = z
  .object({
    dryRun: z.literal('All'),
    fieldValidation: z.enum(['Ignore', 'Warn', 'Strict']),
    fieldManager: z.string().max(limits.fieldManagerBytesMax),
  })
  .partial();
const patchOptions = writeOptions.extend({
  force: z.string().optional().describe('Applies over conflicts with other field managers.'),
});
const deleteOptions = z
  .object({
    dryRun: z.literal('All'),
    propagationPolicy: z.enum(['Foreground', 'Background', 'Orphan']),
    gracePeriodSeconds: z.string(),
  })
  .partial();
const idempotencyKey = z
  .object({ 'idempotency-key': z.string().min(1).max(limits.idempotencyKeyCharsMax) })
  .partial();

/** What a route does, for its schema. */
type Operation = 'get' | 'list' | 'create' | 'replace' | 'patch' | 'delete' | 'delete all';

const QUERIES: Readonly<Record<Operation, object>> = {
  get: jsonSchema(readOptions),
  list: jsonSchema(listOptions),
  create: jsonSchema(writeOptions),
  replace: jsonSchema(writeOptions),
  patch: jsonSchema(patchOptions),
  delete: jsonSchema(deleteOptions),
  'delete all': jsonSchema(deleteOptions.extend(selectors.shape)),
};
/** The same in the words of Kubernetes, by which clients find what they look for. */
const ACTIONS: Readonly<Record<Operation, string>> = {
  ...{ get: 'get', list: 'list', create: 'post', replace: 'put', patch: 'patch', delete: 'delete' },
  'delete all': 'deletecollection',
};
const WRITE_HEADERS = jsonSchema(idempotencyKey);

/** The schema of a route of a kind; `what` says which object it is about. */
export function kindRouteSchema(kind: Kind, operation: Operation, what: string): FastifySchema {
  const isWrite = operation !== 'get' && operation !== 'list';
  const { group, version } = kind;
  const extensions = {
    'x-kubernetes-action': ACTIONS[operation],
    'x-kubernetes-group-version-kind': { group, version, kind: kind.kind },
  };
  return {
    ...extensions,
    tags: [kind.apiVersion],
    summary: `${operation} ${what}`,
    querystring: QUERIES[operation],
    ...(isWrite ? { headers: WRITE_HEADERS } : {}),
    ...bodyOf(kind, operation),
    response: {
      [operation === 'create' ? 201 : 200]: answerOf(kind, operation),
      default: { description: 'The request was refused', $ref: 'Status#' },
    },
  };
}

function bodyOf(kind: Kind, operation: Operation): FastifySchema {
  if (operation === 'create' || operation === 'replace') {
    const consumes = [JSON_TYPE, ...(kind.message === undefined ? [] : [PROTOBUF_TYPE])];
    return { consumes, body: { $ref: `${kind.viewed}#` } };
  }
  if (operation === 'patch') return { consumes: [...PATCH_TYPES], body: {} };
  return {};
}

function answerOf(kind: Kind, operation: Operation) {
  const description = 'OK';
  if (operation === 'delete') {
    return { description, anyOf: [{ $ref: 'Status#' }, { $ref: `${kind.viewed}#` }] };
  }
  if (operation === 'delete all') return { description, $ref: 'Status#' };
  if (operation !== 'list') return { description, $ref: `${kind.viewed}#` };
  const items = { type: 'array', items: { $ref: `${kind.viewed}#` } };
  const metadata = { type: 'object' };
  const properties = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata, items };
  return { description, type: 'object', properties, required: ['metadata', 'items'] };
}

/** A schema as the document has it. */
export function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
