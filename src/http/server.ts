import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { limits } from '../limits.ts';
import { enforcePermissions } from './auth/enforce.ts';
import { addReviews, REVIEW_SCHEMAS } from './auth/reviews.ts';
import { boundBodies } from './bodies-in-work.ts';
import type { HttpDeps } from './deps.ts';
import { handleFault } from './faults.ts';
import { Freshness } from './freshness.ts';
import { addHealth } from './health.ts';
import { servedKinds } from './kube/kinds/served-kinds.ts';
import { addKubeRoutes } from './kube/routes.ts';
import { addLedgerRoutes } from './ledger/routes.ts';
import { listenerOf } from './listener.ts';
import { refuseMalformed } from './malformed-requests.ts';
import { encodingProblem } from './media-types.ts';
import { addMetrics } from './metrics.ts';
import { addOpenApi } from './openapi.ts';
import { refuseOtherMethods } from './other-methods.ts';
import { sendStatusError } from './replies.ts';
import { boundRequests } from './requests-in-work.ts';
import { closeConnectionsInTime } from './shutdown.ts';
import { StatusError } from './status.ts';

export type { HttpDeps } from './deps.ts';

/** The HTTP surface, ready to listen. It decides nothing: it reads, asks the ledger, answers. */
export function buildServer(deps: HttpDeps): FastifyInstance {
  const app = Fastify({
    serverFactory: listenerOf(deps),
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: deps.newId,
    bodyLimit: limits.bodyBytesMax,
    return503OnClosing: false,
    routerOptions: { maxParamLength: limits.pathParameterCharsMax, ignoreTrailingSlash: true },
    frameworkErrors: handleFault,
    clientErrorHandler: refuseMalformed,
  });
  // Clients label bodies in ways that no parser of the framework takes; handlers decode them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, ({ headers }, body, done) => {
    done(encodingProblem(headers['content-encoding']) ?? null, body);
  });
  app.setErrorHandler(handleFault);
  app.setNotFoundHandler((_request, reply) => {
    const message = 'the server could not find the requested resource';
    sendStatusError(reply, new StatusError('NotFound', message));
  });
  closeConnectionsInTime(app);
  const freshness = new Freshness(deps);
  enforcePermissions(app, deps, freshness);
  boundRequests(app, deps);
  boundBodies(app, deps);
  app.register(async (scope) => addRoutes(scope, deps, freshness));
  return app;
}

async function addRoutes(
  scope: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
): Promise<void> {
  const kinds = servedKinds(deps.defaultLocation);
  const refuseOthers = refuseOtherMethods(scope);
  await addOpenApi(scope, kinds, REVIEW_SCHEMAS, deps.version);
  addHealth(scope, deps.ledger);
  if (deps.metrics !== undefined) addMetrics(scope, deps.metrics);
  await scope.register(async (kube) => addKubeRoutes(kube, deps, freshness, kinds));
  await scope.register(async (reviews) => addReviews(reviews, deps));
  await scope.register(async (ledger) => addLedgerRoutes(ledger, deps, freshness, kinds));
  refuseOthers();
}
