import type { FastifyRequest, onRequestHookHandler } from 'fastify';

/** A check of every request as a hook. Most pass, so it costs them no promise. */
export function checked(check: (request: FastifyRequest) => void): onRequestHookHandler {
  return (request, _reply, done) => {
    let refusal: Error | undefined;
    try {
      check(request);
    } catch (error) {
      refusal = error as Error;
    }
    done(refusal);
  };
}
