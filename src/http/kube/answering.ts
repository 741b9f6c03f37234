import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectKey } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { addWarnings, sendJsonText } from '../replies.ts';
import { type Answer, answerText } from './carry-out.ts';
import { beginExchange, type Exchange, type WriteVerb } from './exchange.ts';

/** A writing request from its options to its answer, warnings included. */
export async function write(
  deps: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  verb: WriteVerb,
  handle: (exchange: Exchange) => Promise<Answer>,
): Promise<FastifyReply> {
  const exchange = beginExchange(deps, request, verb);
  try {
    const answer = await handle(exchange);
    addWarnings(reply, exchange.warnings);
    return sendAnswer(reply, answer);
  } catch (error) {
    addWarnings(reply, exchange.warnings);
    throw error;
  }
}

export function sendAnswer(reply: FastifyReply, answer: Answer): FastifyReply {
  return sendJsonText(reply, answer.code, answerText(answer));
}

/** The object that a path names; a part that the path does not have is empty. */
export function keyOf(request: FastifyRequest): ObjectKey {
  const { namespace = '', name = '' } = request.params as Partial<ObjectKey>;
  return { namespace, name };
}
