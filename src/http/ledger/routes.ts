import type { FastifyInstance } from 'fastify';
import { limits } from '../../limits.ts';
import { pathAccess } from '../auth/enforce.ts';
import type { HttpDeps } from '../deps.ts';
import type { Freshness } from '../freshness.ts';
import { refuseAsOfBesideReads } from '../kube/as-of.ts';
import type { Kind } from '../kube/kind.ts';
import { untilLatest } from '../kube/until-shown.ts';
import { requireJsonAnswer } from '../media-types.ts';
import { addWarnings, sendJsonText } from '../replies.ts';
import { type ClaimKind, writeClaims } from './claims-batch.ts';
import { Feed } from './feed.ts';
import { batchRouteSchema, feedRouteSchema } from './route-schemas.ts';
import { addTokenRoutes } from './tokens.ts';

/** Adds what Kubernetes has no word for. */
export function addLedgerRoutes(
  app: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
  kinds: readonly Kind[],
): void {
  addFeed(app, deps);
  const claims = kinds.find(({ kind }) => kind === 'NetworkInterfaceClaim') as ClaimKind;
  addBatch(app, deps, freshness, claims);
  app.register(async (tokens) => addTokenRoutes(tokens, deps, freshness));
}

function addFeed(app: FastifyInstance, deps: HttpDeps): void {
  const feed = new Feed(deps);
  // Before connections are cut: a follower that was answered to the end knows where to go on.
  app.addHook('preClose', async () => feed.close());
  const schema = feedRouteSchema();
  app.get(
    '/ledger/v1/events',
    { schema, exposeHeadRoute: false, ...pathAccess('get', '/ledger/v1/events') },
    (request, reply) => feed.open(request, reply),
  );
}

function addBatch(
  app: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
  claims: ClaimKind,
): void {
  // A colon of the path itself is written twice.
  app.post(
    '/ledger/v1/claims::batch',
    {
      bodyLimit: limits.batchBodyBytesMax,
      schema: batchRouteSchema(claims),
      preHandler: untilLatest(freshness),
      ...pathAccess('post', '/ledger/v1/claims:batch'),
      onRequest: async (request) => {
        requireJsonAnswer(request.headers.accept);
        refuseAsOfBesideReads(request);
      },
    },
    async (request, reply) => {
      const { text, warnings } = await writeClaims(deps, claims, request);
      addWarnings(reply, warnings);
      return sendJsonText(reply, 200, text);
    },
  );
}
