import type { FastifySchema } from 'fastify';
import { z } from 'zod';
import type { Kind } from '../kube/kind.ts';
import { JSON_TYPE } from '../media-types.ts';
import { jsonSchema, writeOptions } from '../openapi.ts';
import { batchBody } from './batch-body.ts';
import { LINES_TYPE, SSE_TYPE } from './feed-request.ts';

/** The schema of the batch of claims, for the OpenAPI document. */
export function batchRouteSchema({ kind }: Pick<Kind, 'kind'>): FastifySchema {
  const claim = { $ref: `${kind}#` };
  const status = { $ref: 'Status#' };
  const properties = { code: { type: 'integer' }, object: claim, status };
  const items = { type: 'array', items: { type: 'object', properties, required: ['code'] } };
  return {
    tags: ['ledger/v1'],
    summary: 'create and delete claims, each item as a request of its own',
    querystring: jsonSchema(writeOptions),
    consumes: [JSON_TYPE],
    body: jsonSchema(batchBody),
    response: {
      200: { description: 'OK', type: 'object', properties: { items }, required: ['items'] },
      default: { description: 'The request was refused, and nothing is done', ...status },
    },
  };
}

const feedOptions = z
  .object({
    after: z.string().describe('Begin after this position; from the first event without it.'),
    follow: z.enum(['true', 'false']).describe('Whether it goes on at the head; true if absent.'),
    type: z.string().describe('Only these types of events; several with commas.'),
    project: z.string().describe('Only the stream of this project.'),
    stream: z.string().describe('Only this stream.'),
    address: z.string().describe('Only blocks that contain this address or prefix, or lie in it.'),
  })
  .partial();
const feedHeaders = z
  .object({ 'last-event-id': z.string().describe('Wins over after.') })
  .partial();

/** The schema of the event feed, for the OpenAPI document. */
export function feedRouteSchema(): FastifySchema {
  const lines = { type: 'string', description: 'CloudEvents 1.0 in JSON, as lines or as SSE.' };
  const content = { [LINES_TYPE]: { schema: lines }, [SSE_TYPE]: { schema: lines } };
  return {
    tags: ['ledger/v1'],
    summary: 'follow the events of the log',
    querystring: jsonSchema(feedOptions),
    headers: jsonSchema(feedHeaders),
    response: {
      200: { description: 'OK', content },
      default: { description: 'The request was refused', $ref: 'Status#' },
    },
  };
}
