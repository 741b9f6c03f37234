import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { JSON_TYPE } from './media-types.ts';

/** A text that is the same for as long as the process runs. */
export interface Document {
  /** Bytes: the framework would write the type of a text in another way. */
  readonly body: Buffer;
  readonly contentType: string;
  /** Names the content: who has it already need not be sent it again. */
  readonly hash: string;
}

export function documentOf(body: Buffer, contentType: string): Document {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 32).toUpperCase();
  return { body, contentType, hash };
}

export function jsonDocument(value: object, contentType = JSON_TYPE): Document {
  return documentOf(Buffer.from(JSON.stringify(value)), contentType);
}

/** Sends a document, or says that the client has it (RFC 9110, section 13.1.2). */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, contentType, hash }: Document,
): FastifyReply {
  const tag = `"${hash}"`;
  reply.header('etag', tag);
  const known = request.headers['if-none-match'] ?? '';
  if (known.split(',').some((one) => one.trim().replace(/^W\//, '') === tag)) {
    return reply.code(304).send();
  }
  return reply.code(200).header('content-type', contentType).send(body);
}
