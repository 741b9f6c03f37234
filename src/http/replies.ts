import type { FastifyReply } from 'fastify';
import { type StatusError, shown } from './status.ts';

/**
 * Answers are serialised once, here: objects are sent as they are stored, and a framework that
 * checked them again would only cost time.
 */
export function sendJsonText(reply: FastifyReply, code: number, text: string): FastifyReply {
  return reply.code(code).header('content-type', 'application/json').send(text);
}

export function sendStatusError(reply: FastifyReply, error: StatusError): FastifyReply {
  return sendJsonText(
    reply.headers({ ...error.headers }),
    error.code,
    JSON.stringify(error.body()),
  );
}

export function sendText(reply: FastifyReply, code: number, text: string): FastifyReply {
  return reply.code(code).header('content-type', 'text/plain; charset=utf-8').send(text);
}

/** Warnings in the form that kubectl prints (RFC 7234, section 5.5). */
export function addWarnings(reply: FastifyReply, warnings: ReadonlySet<string>): void {
  if (warnings.size === 0) return;
  reply.header(
    'warning',
    [...warnings].map((text) => `299 - "${quotable(shown(text))}"`),
  );
}

/** Headers hold visible ASCII; a client's own text may be anything. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&');
}
