import type { FastifySchema } from 'fastify';
import { z } from 'zod';
import { ROLES } from '../../security/identity.ts';
import { tokenRequest } from '../../security/token-request.ts';
import { JSON_TYPE } from '../media-types.ts';
import { jsonSchema } from '../openapi.ts';

const shownToken = z.object({
  id: z.string(),
  subject: z.string(),
  role: z.enum(ROLES),
  projects: z.array(z.object({ name: z.string(), uid: z.string() })),
  locations: z.array(z.string()),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
});
const madeToken = shownToken.extend({
  token: z.string().describe('The token itself; it is nowhere kept. Absent from a dry run.'),
});
const dryRun = z.object({ dryRun: z.literal('All') }).partial();

/** The schemas of the routes of tokens, for the OpenAPI document. */
export function listTokensSchema(): FastifySchema {
  return { ...answering(200, z.object({ items: z.array(shownToken) })), summary: 'list tokens' };
}

export function createTokenSchema(): FastifySchema {
  return {
    ...answering(201, madeToken),
    summary: 'make a token',
    querystring: jsonSchema(dryRun),
    consumes: [JSON_TYPE],
    body: jsonSchema(tokenRequest),
  };
}

export function revokeTokenSchema(): FastifySchema {
  return {
    ...answering(200, shownToken),
    summary: 'revoke a token, and end what it has open',
    querystring: jsonSchema(dryRun),
    params: jsonSchema(z.object({ id: z.string() })),
  };
}

function answering(code: number, schema: z.ZodType): FastifySchema {
  return {
    tags: ['ledger/v1'],
    response: {
      [code]: { description: 'OK', ...jsonSchema(schema) },
      default: { description: 'The request was refused', $ref: 'Status#' },
    },
  };
}
