import type { FastifyInstance } from 'fastify';
import { limits } from '../limits.ts';

/**
 * Closing lets requests that have begun finish, but a client that never finishes its own must not
 * keep the process: after a bound the connections that are left are cut.
 */
export function closeConnectionsInTime(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const { server } = app;
    const cut = setTimeout(() => server.closeAllConnections(), limits.closingRequestsMsMax);
    server.once('close', () => clearTimeout(cut));
    // A server that never listened does not say that it has closed.
    cut.unref();
  });
}
