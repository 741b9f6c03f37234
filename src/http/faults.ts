import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { LedgerUnavailable } from '../application/request.ts';
import { limits } from '../limits.ts';
import { StoreFull, StoreUnavailable } from '../store/store.ts';
import { ViewsBehind } from '../views/views.ts';
import { sendStatusError } from './replies.ts';
import { StatusError } from './status.ts';

const RETRY_AFTER_SECONDS = 5;

/** Answers whatever was thrown with a Status. Of a fault only the log says what it was. */
export function handleFault(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  sendStatusError(reply, statusOf(error, request));
}

/** What a request, or a part of one, is answered with when this was thrown. */
export function statusOf(error: unknown, request: FastifyRequest): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof LedgerUnavailable) {
    request.log.warn({ err: error }, 'the ledger cannot answer');
    return unavailable(error.message, error.retryAfterSeconds);
  }
  if (error instanceof StoreUnavailable || error instanceof StoreFull) {
    request.log.warn({ err: error }, 'the store cannot answer');
    return unavailable('the store does not answer', RETRY_AFTER_SECONDS);
  }
  if (error instanceof ViewsBehind) {
    request.log.warn({ err: error }, 'the views are behind');
    return new StatusError('Timeout', 'Timeout: the answer was not ready in time; ask again');
  }
  const code = (error as Partial<FastifyError> | null)?.statusCode ?? 500;
  if (code >= 400 && code < 500) {
    const { bodyLimit } = request.routeOptions;
    return clientFault(code, (error as FastifyError).message, bodyLimit);
  }
  request.log.error({ err: error }, 'a request failed');
  const message = `Internal error occurred: the log tells more under request id ${request.id}`;
  return new StatusError('InternalError', message);
}

/** What the framework itself refuses before a handler sees the request. */
function clientFault(
  code: number,
  message: string,
  bodyBytesMax: number = limits.bodyBytesMax,
): StatusError {
  if (code === 413) {
    const text = `the request body is larger than ${bodyBytesMax} bytes`;
    return new StatusError('RequestEntityTooLarge', text);
  }
  if (code === 415) return new StatusError('UnsupportedMediaType', message);
  return new StatusError('BadRequest', message);
}

function unavailable(message: string, retryAfterSeconds: number): StatusError {
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new StatusError('ServiceUnavailable', message, { retryAfterSeconds }, headers);
}
