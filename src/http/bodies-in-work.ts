import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../limits.ts';
import { subjectOf } from './auth/grant.ts';
import { checked } from './checked.ts';
import type { BodyBounds, HttpDeps } from './deps.ts';
import { StatusError } from './status.ts';
import { SubjectCounts } from './subject-counts.ts';

const BOUNDS: BodyBounds = {
  bytesMax: limits.bodiesBytesMax,
  bytesPerSubjectMax: limits.bodiesBytesPerSubjectMax,
};

const RETRY_AFTER_SECONDS = 1;

/**
 * Bounds the memory of bodies until they are answered: each is bounded, but connections are many,
 * and a body may come slowly. A body counts with the size that it announces from its head on, and
 * one that announces none with the largest that it may have.
 */
export function boundBodies(app: FastifyInstance, { bodies }: Pick<HttpDeps, 'bodies'>): void {
  const { bytesMax, bytesPerSubjectMax } = { ...BOUNDS, ...bodies };
  const counts = new SubjectCounts();
  let total = 0;
  const admit = (request: FastifyRequest, reply: FastifyReply) => {
    const bytes = bytesOf(request);
    // Small ones are bounded by the number of connections.
    if (bytes <= limits.smallBodyBytesMax) return;
    const subject = request.grant === undefined ? '' : subjectOf(request.grant);
    if (counts.of(subject) + bytes > bytesPerSubjectMax) {
      const message = `your requests in work have more than ${bytesPerSubjectMax} bytes`;
      throw refusal('TooManyRequests', `${message}: await answers first`);
    }
    if (total + bytes > bytesMax) {
      const message = `all requests in work have more than ${bytesMax} bytes`;
      throw refusal('ServiceUnavailable', `${message}: try again later`);
    }
    total += bytes;
    const uncount = counts.add(subject, bytes);
    reply.raw.once('close', () => {
      total -= bytes;
      uncount();
    });
  };
  app.addHook('onRequest', checked(admit));
}

function bytesOf({ headers, routeOptions }: FastifyRequest): number {
  const { bodyLimit = limits.bodyBytesMax } = routeOptions;
  if (headers['transfer-encoding'] !== undefined) return bodyLimit;
  // Of a larger one nothing is read.
  const announced = Number(headers['content-length'] ?? 0);
  return announced > bodyLimit ? 0 : announced;
}

function refusal(reason: 'TooManyRequests' | 'ServiceUnavailable', message: string): StatusError {
  const retryAfterSeconds = RETRY_AFTER_SECONDS;
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new StatusError(reason, message, { retryAfterSeconds }, headers);
}
