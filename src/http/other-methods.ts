import type { FastifyInstance } from 'fastify';
import { AUTHENTICATED } from './auth/enforce.ts';
import { StatusError } from './status.ts';

/**
 * Watches routes being added, and gives a function that answers every other method of their paths
 * with 405 and what is allowed.
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const allowed = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    allowed.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...allowed]) {
      const allow = [...methods].sort().join(', ');
      const refuse = ({ method }: { readonly method: string }) => {
        const message = `the server does not allow this method on the requested resource: ${method}`;
        throw new StatusError('MethodNotAllowed', message, undefined, { allow });
      };
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        schema: { hide: true },
        ...AUTHENTICATED,
        // Before the body is read: nothing that it says can matter.
        onRequest: async (request) => refuse(request),
        handler: refuse,
      });
    }
  };
}
