import type { FastifyRequest, preHandlerHookHandler } from 'fastify';
import type { Freshness } from '../freshness.ts';
import { queryValue } from '../query.ts';

const POSITION = /^[1-9]\d{0,18}$/;

/**
 * Lets a read begin when this process shows what it has to: the position that it names, or else all
 * that is in the log. `resourceVersion=0` takes what is at hand, and what is malformed is left to
 * the read to refuse.
 */
export function untilShown(freshness: Freshness): preHandlerHookHandler {
  return (http, _reply, done) => {
    const shown = neededBy(http, freshness);
    if (shown === undefined) done();
    else shown.then(() => done(), done);
  };
}

/** Lets a write begin that rests on what is shown of the object. */
export function untilLatest(freshness: Freshness): preHandlerHookHandler {
  return (_http, _reply, done) => {
    const shown = freshness.latest();
    if (shown === undefined) done();
    else shown.then(() => done(), done);
  };
}

function neededBy(http: FastifyRequest, freshness: Freshness): Promise<void> | undefined {
  const named = queryValue(http, 'resourceVersion') || queryValue(http, 'asOf');
  if (named === '0') return undefined;
  if (named !== undefined && POSITION.test(named)) return freshness.upTo(BigInt(named));
  return freshness.latest();
}
