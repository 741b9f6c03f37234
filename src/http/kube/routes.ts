import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { kindAccess } from '../auth/enforce.ts';
import { REVIEW_RESOURCES } from '../auth/reviews.ts';
import { checked } from '../checked.ts';
import type { HttpDeps } from '../deps.ts';
import type { Freshness } from '../freshness.ts';
import { JSON_TYPE, requireJsonAnswer } from '../media-types.ts';
import { kindRouteSchema } from '../openapi.ts';
import { sendJsonText } from '../replies.ts';
import { keyOf, sendAnswer, write } from './answering.ts';
import { applyObject } from './apply.ts';
import { refuseAsOfBesideReads, untilInstantIsOver } from './as-of.ts';
import { createObject } from './create.ts';
import { deleteObject, readDeleteOptions } from './delete.ts';
import { deleteCollection } from './delete-collection.ts';
import { resourceOfKind } from './discovery.ts';
import { addDiscovery } from './discovery-routes.ts';
import type { Exchange } from './exchange.ts';
import { reportStatus } from './interface-status.ts';
import type { Kind, Writes } from './kind.ts';
import { isKubeEvent } from './kinds/kube-events.ts';
import { addEventWrites } from './kube-events.ts';
import { type ListText, listObjects } from './list.ts';
import { getObject } from './read.ts';
import { untilLatest, untilShown } from './until-shown.ts';
import { updateObject } from './update.ts';
import { watchObjects } from './watch.ts';
import { isWatch } from './watch-request.ts';
import { Watchers } from './watchers.ts';
import { readBody, readPatch, type WrittenBody } from './written-body.ts';

/** Adds the Kubernetes API: discovery, and the resources of every kind that is served. */
export function addKubeRoutes(
  app: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
  kinds: readonly Kind[],
): void {
  app.addHook(
    'onRequest',
    checked((request) => requireJsonAnswer(request.headers.accept)),
  );
  app.addHook('onRequest', checked(refuseAsOfBesideReads));
  addDiscovery(app, [...kinds.map(resourceOfKind), ...REVIEW_RESOURCES], deps.version);
  const watchers = new Watchers(deps);
  const server = { deps, freshness, watchers };
  // Before connections are cut: a client goes on after an end, and may give up after a cut.
  app.addHook('preClose', async () => watchers.close());
  for (const kind of kinds) {
    const paths = pathsOf(kind);
    addReads(app, server, kind, paths);
    if (kind.writes !== undefined) addWrites(app, server, kind, kind.writes, paths);
    if (isKubeEvent(kind)) addEventWrites(app, server, kind, paths);
    if (kind.hasStatus) addStatus(app, server, kind, `${paths.object}/status`);
  }
}

/** What all routes of a server have in common. */
interface Server {
  readonly deps: HttpDeps;
  readonly freshness: Freshness;
  readonly watchers: Watchers;
}

interface Paths {
  readonly all: string;
  readonly collection: string;
  readonly object: string;
}

function pathsOf({ group, apiVersion, plural, namespaced }: Kind): Paths {
  const root = group === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
  const all = `${root}/${plural}`;
  const collection = namespaced ? `${root}/namespaces/:namespace/${plural}` : all;
  return { all, collection, object: `${collection}/:name` };
}

function addReads(app: FastifyInstance, server: Server, kind: Kind, paths: Paths): void {
  const { deps, watchers } = server;
  const listOrWatch = (
    request: FastifyRequest,
    reply: FastifyReply,
    namespace: string | undefined,
  ) => {
    if (isWatch(request)) watchObjects({ deps, watchers }, kind, namespace, request, reply);
    else sendList(negotiated(reply), listObjects(deps, kind, namespace, request));
  };
  const preHandler = beforeReads(server);
  const get = kindRouteSchema(kind, 'get', `one ${kind.kind}`);
  app.get(
    paths.object,
    { schema: get, preHandler, ...kindAccess('get', kind) },
    (request, reply) => {
      sendAnswer(negotiated(reply), getObject(deps, kind, keyOf(request), request));
    },
  );
  const list = kindRouteSchema(kind, 'list', `objects of kind ${kind.kind}`);
  app.get(
    paths.collection,
    { schema: list, preHandler, ...kindAccess('list', kind) },
    (request, reply) => {
      const namespace = kind.namespaced ? keyOf(request).namespace : undefined;
      listOrWatch(request, reply, namespace);
    },
  );
  if (paths.all === paths.collection) return;
  const listAll = kindRouteSchema(kind, 'list', `objects of kind ${kind.kind} in all namespaces`);
  app.get(
    paths.all,
    { schema: listAll, preHandler, ...kindAccess('list', kind) },
    (request, reply) => {
      listOrWatch(request, reply, undefined);
    },
  );
}

/** What a read waits for before it begins. */
function beforeReads({ deps, freshness }: Server) {
  return [untilInstantIsOver(deps), untilShown(freshness)];
}

function addWrites(
  app: FastifyInstance,
  server: Server,
  kind: Kind,
  writes: Writes,
  { collection, object }: Paths,
): void {
  const { deps, freshness } = server;
  const one = `one ${kind.kind}`;
  const { create } = writes;
  // A new object rests on nothing that is shown: only its address space decides about it.
  const preHandler = untilLatest(freshness);
  if (create !== undefined) {
    const creating = { ...writes, create };
    const route = { schema: kindRouteSchema(kind, 'create', one), ...kindAccess('create', kind) };
    app.post(collection, route, (request, reply) =>
      write(deps, request, reply, 'Create', (exchange) => {
        const body = readBody(request, kind, exchange);
        return createObject(exchange, kind, creating, keyOf(request).namespace, body);
      }),
    );
  }
  app.delete(
    object,
    { schema: kindRouteSchema(kind, 'delete', one), preHandler, ...kindAccess('delete', kind) },
    (request, reply) =>
      write(deps, request, reply, 'Delete', (exchange) =>
        deleteObject(exchange, kind, writes, keyOf(request), readDeleteOptions(request)),
      ),
  );
  if (!writes.deletesSingly) addCollectionDelete(app, server, kind, writes, collection);
  if (writes.deletesOnly) return;
  app.put(
    object,
    { schema: kindRouteSchema(kind, 'replace', one), preHandler, ...kindAccess('update', kind) },
    (request, reply) =>
      write(deps, request, reply, 'Update', (exchange) =>
        updateObject(exchange, kind, writes, keyOf(request), replacement(request, kind, exchange)),
      ),
  );
  app.patch(
    object,
    { schema: kindRouteSchema(kind, 'patch', one), preHandler, ...kindAccess('patch', kind) },
    (request, reply) =>
      write(deps, request, reply, 'Patch', (exchange) => {
        const patch = readPatch(request, kind, exchange);
        return 'configuration' in patch
          ? applyObject(exchange, kind, writes, keyOf(request), patch)
          : updateObject(exchange, kind, writes, keyOf(request), patch);
      }),
  );
}

function addCollectionDelete(
  app: FastifyInstance,
  { deps, freshness }: Server,
  kind: Kind,
  writes: Writes,
  url: string,
): void {
  const schema = kindRouteSchema(kind, 'delete all', `objects of kind ${kind.kind}`);
  const preHandler = untilLatest(freshness);
  app.delete(
    url,
    { schema, preHandler, ...kindAccess('deletecollection', kind) },
    (request, reply) =>
      write(deps, request, reply, 'Delete', (exchange) => {
        const options = readDeleteOptions(request);
        const { namespace } = keyOf(request);
        return deleteCollection(exchange, kind, writes, namespace, options, request);
      }),
  );
}

function addStatus(app: FastifyInstance, server: Server, kind: Kind, url: string): void {
  const { deps } = server;
  const what = `the status of one ${kind.kind}`;
  const schema = kindRouteSchema(kind, 'get', what);
  const get = { schema, preHandler: beforeReads(server), ...kindAccess('get', kind, 'status') };
  const preHandler = untilLatest(server.freshness);
  app.get(url, get, (request, reply) => {
    sendAnswer(negotiated(reply), getObject(deps, kind, keyOf(request), request));
  });
  app.put(
    url,
    {
      schema: kindRouteSchema(kind, 'replace', what),
      preHandler,
      ...kindAccess('update', kind, 'status'),
    },
    (request, reply) =>
      write(deps, request, reply, 'Update', (exchange) =>
        reportStatus(exchange, kind, keyOf(request), replacement(request, kind, exchange)),
      ),
  );
  app.patch(
    url,
    {
      schema: kindRouteSchema(kind, 'patch', what),
      preHandler,
      ...kindAccess('patch', kind, 'status'),
    },
    (request, reply) =>
      write(deps, request, reply, 'Patch', (exchange) =>
        reportStatus(exchange, kind, keyOf(request), readPatch(request, kind, exchange)),
      ),
  );
}

/** An answer whose form the request has chosen. */
function negotiated(reply: FastifyReply): FastifyReply {
  return reply.header('vary', 'accept');
}

function replacement(request: FastifyRequest, kind: Kind, exchange: Exchange): WrittenBody {
  return { replacement: readBody(request, kind, exchange) };
}

function sendList(reply: FastifyReply, text: ListText): void {
  if (typeof text === 'string') sendJsonText(reply, 200, text);
  else reply.header('content-type', JSON_TYPE).send(Readable.from(text));
}
