import type { FastifyInstance, FastifyRequest } from 'fastify';
import { uuidOf } from '../../ledger/identifiers.ts';
import { limits } from '../../limits.ts';
import type { KubeObject, ObjectKey, ViewedObject } from '../../views/views.ts';
import { kindAccess } from '../auth/enforce.ts';
import type { HttpDeps } from '../deps.ts';
import type { Freshness } from '../freshness.ts';
import { isObject } from '../json-body.ts';
import { kindRouteSchema } from '../openapi.ts';
import { badRequest, forbidden, invalid, notFound, StatusError } from '../status.ts';
import { keyOf, write } from './answering.ts';
import { type Answer, requireCurrent } from './carry-out.ts';
import type { Exchange } from './exchange.ts';
import { invalidValue, required } from './field-errors.ts';
import { readBySchema } from './field-validation.ts';
import { generatedName } from './generated-name.ts';
import { interfaces } from './kinds/interfaces.ts';
import type { EventKind } from './kinds/kube-events.ts';
import { namespaces } from './kinds/namespaces.ts';
import { jsonBytes, type MetadataBody } from './metadata.ts';
import { requireName, requireNamespace, requireType } from './object-body.ts';
import { untilLatest } from './until-shown.ts';
import { type Replacement, readBody, readEventPatch, writtenObject } from './written-body.ts';

/**
 * What controllers say of objects. It is kept in memory for a while, beside what the ledger tells
 * of its decisions, and never in the log: nothing is decided by it.
 */
export function addEventWrites(
  app: FastifyInstance,
  { deps, freshness }: { readonly deps: HttpDeps; readonly freshness: Freshness },
  kind: EventKind,
  { collection, object }: { readonly collection: string; readonly object: string },
): void {
  const preHandler = untilLatest(freshness);
  const route = (
    operation: 'create' | 'replace' | 'patch',
    verb: 'create' | 'update' | 'patch',
  ) => ({
    schema: kindRouteSchema(kind, operation, 'one Event'),
    preHandler,
    ...kindAccess(verb, kind),
  });
  app.post(collection, route('create', 'create'), (request, reply) =>
    write(deps, request, reply, 'Create', async (exchange) =>
      createEvent(exchange, kind, keyOf(request).namespace, readBody(request, kind, exchange)),
    ),
  );
  const change =
    (written: (request: FastifyRequest, kind: EventKind, exchange: Exchange) => Replacement) =>
    async (exchange: Exchange, request: FastifyRequest) =>
      changeEvent(exchange, kind, keyOf(request), written(request, kind, exchange));
  const replace = change((...read) => ({ replacement: readBody(...read) }));
  app.put(object, route('replace', 'update'), (request, reply) =>
    write(deps, request, reply, 'Update', (exchange) => replace(exchange, request)),
  );
  const patch = change(readEventPatch);
  app.patch(object, route('patch', 'patch'), (request, reply) =>
    write(deps, request, reply, 'Patch', (exchange) => patch(exchange, request)),
  );
}

function createEvent(
  exchange: Exchange,
  kind: EventKind,
  namespace: string,
  body: unknown,
): Answer {
  const { deps, request } = exchange;
  if (deps.views.get('Namespace', '', namespace) === undefined)
    throw notFound(namespaces, namespace);
  const event = readEvent(exchange, kind, namespace, body);
  const name = nameOf(kind, event.metadata, request.commandId);
  if (deps.views.get(kind.viewed, namespace, name) !== undefined) {
    throw new StatusError('AlreadyExists', `events "${name}" already exists`, {
      ...{ name, group: kind.group, kind: kind.plural },
    });
  }
  const creationTimestamp = `${deps.clock().toISOString().slice(0, 19)}Z`;
  const identity = { name, namespace, uid: uuidOf('event', request.commandId), creationTimestamp };
  return { code: 201, text: kept(exchange, kind, event, identity).text };
}

function changeEvent(
  exchange: Exchange,
  kind: EventKind,
  key: ObjectKey,
  written: Replacement,
): Answer {
  const { views } = exchange.deps;
  const current = views.get(kind.viewed, key.namespace, key.name);
  if (current === undefined || !isAboutSeen(exchange, kind, key.namespace, current.object)) {
    throw notFound(kind, key.name);
  }
  if (views.kubeEvents.isOwn(key.namespace, key.name)) {
    throw forbidden(kind, key.name, 'it tells of a decision of the ledger');
  }
  const event = readEvent(exchange, kind, key.namespace, writtenObject(written, current));
  requireName(key, event.metadata.name);
  requireCurrent(kind, current, event.metadata);
  const { name, namespace, uid, creationTimestamp } = current.object.metadata;
  const identity = { name, namespace: namespace ?? '', uid, creationTimestamp };
  return { code: 200, text: kept(exchange, kind, event, identity).text };
}

type Identity = Pick<KubeObject['metadata'], 'name' | 'uid' | 'creationTimestamp'> & {
  readonly namespace: string;
};

/** Keeps an Event, unless it is a dry run; as it is kept, or would be. */
function kept(
  { deps, request }: Exchange,
  { viewed, apiVersion, kind }: EventKind,
  { metadata, ...fields }: ReturnType<typeof readEvent>,
  identity: Identity,
): Pick<ViewedObject, 'text'> {
  const { labels, annotations } = metadata;
  const own = {
    ...identity,
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
  };
  const event = { ...fields, apiVersion, kind, metadata: own } as unknown as KubeObject;
  if (request.dryRun) return { text: JSON.stringify(event) };
  return deps.views.kubeEvents.keep(viewed, event);
}

/** Reads an Event out of a body: of a kind, within bounds, and about what its sender may see. */
function readEvent(exchange: Exchange, kind: EventKind, namespace: string, body: unknown) {
  if (exchange.request.idempotency !== undefined) {
    throw badRequest('an Idempotency-Key is not taken for Events: their names say which they are');
  }
  requireType(kind, body);
  const bytes = jsonBytes(body);
  if (bytes > limits.kubeEventBytesMax) {
    const message = `an Event may have no more than ${limits.kubeEventBytesMax} bytes: it has ${bytes}`;
    throw new StatusError('RequestEntityTooLarge', message);
  }
  const read = readBySchema(kind.eventSchema, body, kind, '', exchange);
  requireNamespace(namespace, read.metadata.namespace);
  requireSeen(exchange, kind, namespace, read);
  return read;
}

/** Refuses an Event about an object of another project, or about one that its sender cannot see. */
function requireSeen(exchange: Exchange, kind: EventKind, namespace: string, event: object): void {
  const [field, about] = subjectOf(kind, event);
  if (about.namespace && about.namespace !== namespace) {
    const why = 'does not match event.namespace';
    throw invalid(kind, '', [invalidValue(`${field}.namespace`, about.namespace, why)]);
  }
  if (isAboutSeen(exchange, kind, namespace, event)) return;
  throw forbidden(kind, '', 'it has to be about an interface at a location of yours');
}

/** Whoever sees some interfaces only says something of those only. */
function isAboutSeen(
  { grant, deps }: Exchange,
  kind: EventKind,
  namespace: string,
  event: object,
): boolean {
  if (grant.sees === undefined) return true;
  const [, about] = subjectOf(kind, event);
  if (about.kind !== interfaces.kind || typeof about.name !== 'string') return false;
  const nic = deps.views.get(interfaces.viewed, namespace, about.name);
  return nic !== undefined && grant.sees(nic.object);
}

function subjectOf(kind: EventKind, event: object): [field: string, Record<string, unknown>] {
  const field = kind.group === '' ? 'involvedObject' : 'regarding';
  const about = (event as Record<string, unknown>)[field];
  return [field, isObject(about) ? about : {}];
}

function nameOf(kind: EventKind, { name, generateName }: MetadataBody, commandId: string): string {
  if (name !== undefined) return name;
  if (generateName) return generatedName(generateName, commandId);
  throw invalid(kind, '', [required('metadata.name', 'name or generateName is required')]);
}
