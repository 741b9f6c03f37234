import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyServerOptions, LogController } from 'fastify';
import { limits } from '../limits.ts';
import { enforcePermissions } from './auth/enforce.ts';
import { addReviews } from './auth/reviews.ts';
import type { HttpDeps } from './deps.ts';
import { clientFault, handleFault } from './faults.ts';
import { Freshness } from './freshness.ts';
import { addHealth } from './health.ts';
import { servedKinds } from './kube/kinds/served-kinds.ts';
import { addKubeRoutes } from './kube/routes.ts';
import { addLedgerRoutes } from './ledger/routes.ts';
import { addMetrics } from './metrics.ts';
import { addOpenApi } from './openapi.ts';
import { refuseOtherMethods } from './other-methods.ts';
import { sendStatusError } from './replies.ts';
import { closeConnectionsInTime } from './shutdown.ts';
import { StatusError } from './status.ts';

export type { HttpDeps } from './deps.ts';

/** The HTTP surface, ready to listen. It decides nothing: it reads, asks the ledger, answers. */
export function buildServer(deps: HttpDeps): FastifyInstance {
  const options: FastifyServerOptions = {
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: deps.newId,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMsMax,
    keepAliveTimeout: limits.keepAliveMs,
    return503OnClosing: false,
    routerOptions: { maxParamLength: limits.pathParameterCharsMax, ignoreTrailingSlash: true },
    frameworkErrors: handleFault,
    clientErrorHandler: refuseMalformed,
  };
  const app = serverOf(options, deps.tls);
  // Clients label bodies in ways that no parser of the framework takes; handlers decode them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler(handleFault);
  app.setNotFoundHandler((_request, reply) => {
    const message = 'the server could not find the requested resource';
    sendStatusError(reply, new StatusError('NotFound', message));
  });
  closeConnectionsInTime(app);
  const freshness = new Freshness(deps);
  enforcePermissions(app, deps, freshness);
  app.register(async (scope) => addRoutes(scope, deps, freshness));
  return app;
}

/** The routes do not care whether it is HTTP or HTTPS that they are reached by. */
function serverOf(options: FastifyServerOptions, tls: HttpDeps['tls']): FastifyInstance {
  if (tls === undefined) return Fastify(options);
  const secured = { ...options, https: tls };
  return Fastify(secured) as unknown as FastifyInstance;
}

async function addRoutes(
  scope: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
): Promise<void> {
  const kinds = servedKinds(deps.defaultLocation);
  const refuseOthers = refuseOtherMethods(scope);
  await addOpenApi(scope, kinds, deps.version);
  addHealth(scope, deps.ledger);
  if (deps.metrics !== undefined) addMetrics(scope, deps.metrics);
  await scope.register(async (kube) => addKubeRoutes(kube, deps, freshness, kinds));
  await scope.register(async (reviews) => addReviews(reviews, deps));
  await scope.register(async (ledger) => addLedgerRoutes(ledger, deps, freshness, kinds));
  refuseOthers();
}

/** What is no HTTP never becomes a request: it is answered on the socket, which is closed. */
function refuseMalformed(this: unknown, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isSlow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const line = isSlow ? '408 Request Timeout' : '400 Bad Request';
  const body = JSON.stringify(clientFault(400, `malformed HTTP: ${error.message}`).body());
  socket.end(
    `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
