import type { FastifyRequest } from 'fastify';
import { StatusError } from './status.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Without authentication the loopback interface is the only fence, and a web page can reach through
 * it: its requests carry an Origin, or a Host that its own name server points here. Neither is let
 * in.
 */
export function requireLoopback({ headers }: Pick<FastifyRequest, 'headers'>): void {
  if (headers.origin !== undefined) {
    throw new StatusError('Forbidden', 'requests with an Origin header are not served');
  }
  if (!LOOPBACK_HOST.test(headers.host ?? '')) {
    const message = 'only requests whose Host is localhost, 127.0.0.1 or [::1] are served';
    throw new StatusError('Forbidden', message);
  }
}
