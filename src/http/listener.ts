import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { FastifyServerFactory } from 'fastify';
import { limits } from '../limits.ts';
import type { ConnectionBounds, HttpDeps } from './deps.ts';

const BOUNDS: ConnectionBounds = {
  connectionsMax: limits.connectionsMax,
  handshakeMsMax: limits.tlsHandshakeMsMax,
  headBytesMax: limits.requestHeadBytesMax,
  headMsMax: limits.requestHeadMsMax,
  requestMsMax: limits.requestMsMax,
  checkMs: limits.requestCheckMs,
  stillMsMax: limits.connectionStillMsMax,
  keepAliveMs: limits.keepAliveMs,
};

/**
 * What listens, with all bounds of connections. Node itself keeps them, so they hold for whoever
 * has sent no request yet. The routes do not care whether it is HTTP or HTTPS.
 */
export function listenerOf(deps: Pick<HttpDeps, 'tls' | 'connections' | 'clock' | 'logger'>) {
  const { tls } = deps;
  const bounds = { ...BOUNDS, ...deps.connections };
  const options = {
    maxHeaderSize: bounds.headBytesMax,
    // All of a request must have come in the time of a request, its head in that of a head.
    headersTimeout: Math.min(bounds.headMsMax, bounds.requestMsMax),
    requestTimeout: bounds.requestMsMax,
    connectionsCheckingInterval: bounds.checkMs,
    keepAliveTimeout: bounds.keepAliveMs,
  };
  const factory: FastifyServerFactory<Server> = (handler) => {
    const server: Server =
      tls === undefined
        ? createServer(options, handler)
        : createSecureServer(
            { ...options, ...tls, handshakeTimeout: bounds.handshakeMsMax },
            handler,
          );
    server.maxConnections = bounds.connectionsMax;
    server.setTimeout(bounds.stillMsMax);
    server.maxHeadersCount = limits.requestHeadersMax;
    tellOfDrops(server, deps);
    return server;
  };
  return factory;
}

/** Somebody has to know that connections are not taken; but not once for each of them. */
function tellOfDrops(server: Server, { clock, logger }: Pick<HttpDeps, 'clock' | 'logger'>): void {
  let dropped = 0;
  let toldMs = Number.NEGATIVE_INFINITY;
  server.on('drop', () => {
    dropped += 1;
    const nowMs = clock().getTime();
    if (nowMs - toldMs < limits.dropsToldMs) return;
    logger.warn({ dropped }, 'there are too many connections: new ones are not taken');
    toldMs = nowMs;
    dropped = 0;
  });
}
