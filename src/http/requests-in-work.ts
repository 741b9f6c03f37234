import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../limits.ts';
import { INSECURE_IDENTITY } from './auth/authenticator.ts';
import { subjectOf } from './auth/grant.ts';
import { checked } from './checked.ts';
import type { HttpDeps } from './deps.ts';
import { isWatch } from './kube/watch-request.ts';
import { StatusError } from './status.ts';
import { SubjectCounts } from './subject-counts.ts';

const RETRY_AFTER_SECONDS = 1;
const FEED = '/ledger/v1/events';

/**
 * Bounds how many requests of one subject are in work at a time. A rate alone lets one send faster
 * than the ledger answers, and then everybody waits behind all that it has sent. Watches and
 * followers have bounds of their own; alone on its machine, who needs no token needs no bound.
 */
export function boundRequests(
  app: FastifyInstance,
  { requestsAtOnceMax = limits.subjectRequestsAtOnceMax }: Pick<HttpDeps, 'requestsAtOnceMax'>,
): void {
  const counts = new SubjectCounts();
  const admit = (request: FastifyRequest, reply: FastifyReply) => {
    const { grant, routeOptions } = request;
    if (grant === undefined || grant.identity === INSECURE_IDENTITY) return;
    if (routeOptions.url === FEED || isWatch(request)) return;
    const subject = subjectOf(grant);
    if (counts.of(subject) >= requestsAtOnceMax) {
      const message = `${requestsAtOnceMax} requests of one subject are in work: await answers first`;
      const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
      const details = { retryAfterSeconds: RETRY_AFTER_SECONDS };
      throw new StatusError('TooManyRequests', message, details, headers);
    }
    reply.raw.once('close', counts.add(subject));
  };
  app.addHook('onRequest', checked(admit));
}
