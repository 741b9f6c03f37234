import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';

/** What a check does: it throws a refusal, or needs time to find one. */
type Check = (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined | void;

/** A check of every request as a hook. Most pass at once, so it costs them no promise. */
export function checked(check: Check): onRequestHookHandler {
  return (request, reply, done) => {
    let later: Promise<void> | undefined | void;
    try {
      later = check(request, reply);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (later === undefined) done();
    else later.then(() => done(), done);
  };
}
