import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SecurityFileRefused } from '../../security/file-refused.ts';
import type { ProjectGeneration } from '../../security/identity.ts';
import { grantOf, type TokenAdmin, tokenRequest } from '../../security/token-request.ts';
import { pathAccess } from '../auth/enforce.ts';
import type { HttpDeps } from '../deps.ts';
import type { Freshness } from '../freshness.ts';
import { readJsonObject } from '../json-body.ts';
import { bodyOf, readQueryOptions } from '../kube/exchange.ts';
import { invalidValue } from '../kube/field-errors.ts';
import { readBySchema, refuseRepeated } from '../kube/field-validation.ts';
import { untilLatest } from '../kube/until-shown.ts';
import { JSON_TYPE, requireBodyType, requireJsonAnswer } from '../media-types.ts';
import { queryValue } from '../query.ts';
import { sendJsonText } from '../replies.ts';
import { badRequest, invalid, StatusError, shown } from '../status.ts';
import { createTokenSchema, listTokensSchema, revokeTokenSchema } from './token-schemas.ts';

const TOKENS = '/ledger/v1/tokens';
const TOKEN = { group: '', kind: 'Token', version: 'v1' } as const;

/**
 * Adds the tokens of the service, for operators. They are no objects of the log: what holds is the
 * tokens file, and a token's text is nowhere kept.
 */
export function addTokenRoutes(app: FastifyInstance, deps: HttpDeps, freshness: Freshness): void {
  app.addHook('onRequest', async (request) => {
    requireJsonAnswer(request.headers.accept);
    if (queryValue(request, 'asOf') === undefined) return;
    throw badRequest('asOf: there are no tokens of the past');
  });
  app.get(
    TOKENS,
    { schema: listTokensSchema(), ...pathAccess('get', TOKENS) },
    (_request, reply) => {
      sendJsonText(reply, 200, JSON.stringify({ items: adminOf(deps).list() }));
    },
  );
  const preHandler = untilLatest(freshness);
  app.post(
    TOKENS,
    { schema: createTokenSchema(), preHandler, ...pathAccess('post', TOKENS) },
    async (request, reply) => {
      const made = await create(deps, request);
      // What holds a secret is not for any cache.
      return sendJsonText(reply.header('cache-control', 'no-store'), 201, JSON.stringify(made));
    },
  );
  app.delete<{ Params: { id: string } }>(
    `${TOKENS}/:id`,
    { schema: revokeTokenSchema(), ...pathAccess('delete', `${TOKENS}/{id}`) },
    async (request, reply) => sendJsonText(reply, 200, JSON.stringify(await revoke(deps, request))),
  );
}

async function create(deps: HttpDeps, request: FastifyRequest): Promise<object> {
  const admin = adminOf(deps);
  refuseKey(request);
  const { dryRun } = readQueryOptions(request, 'Create');
  requireBodyType(request.headers['content-type'], JSON_TYPE);
  const body = readJsonObject(bodyOf(request.body), refuseRepeated);
  // A field that is not understood may have been meant to limit the token.
  const options = { fieldValidation: 'Strict', warn: () => {} } as const;
  const asked = readBySchema(tokenRequest, body, TOKEN, '', options);
  const grant = grantOf(asked, presentLives(asked.projects, deps), deps.clock());
  if (dryRun) return { ...grant, expiresAt: grant.expiresAt?.toISOString() ?? null };
  const { text, token } = await orUnavailable(admin.add(grant));
  log(deps, request, token.id, 'a token was made');
  return { ...token, token: text };
}

async function revoke(
  deps: HttpDeps,
  request: FastifyRequest<{ Params: { id: string } }>,
): Promise<object> {
  const admin = adminOf(deps);
  refuseKey(request);
  const { id } = request.params;
  const { dryRun } = readQueryOptions(request, 'Delete');
  const removed = dryRun
    ? admin.list().find((token) => token.id === id)
    : await orUnavailable(admin.remove(id));
  if (removed === undefined) {
    throw new StatusError('NotFound', `there is no token "${shown(id)}"`);
  }
  if (!dryRun) log(deps, request, id, 'a token was revoked');
  return removed;
}

function adminOf({ tokens }: HttpDeps): TokenAdmin {
  if (tokens !== undefined) return tokens;
  throw new StatusError('NotFound', 'there are no tokens: the service runs with --insecure-http');
}

function presentLives(
  names: readonly string[],
  { views }: Pick<HttpDeps, 'views'>,
): ProjectGeneration[] {
  return names.map((name, index) => {
    const uid = views.get('Namespace', '', name)?.object.metadata.uid;
    if (uid !== undefined) return { name, uid };
    const cause = invalidValue(`projects[${index}]`, name, 'there is no such project');
    throw invalid(TOKEN, '', [cause]);
  });
}

/** An answer with a secret cannot be given a second time. */
function refuseKey({ headers }: FastifyRequest): void {
  if (headers['idempotency-key'] === undefined) return;
  throw badRequest('Idempotency-Key: what is done to tokens is not kept, and not answered again');
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SecurityFileRefused)) throw error;
    throw new StatusError('ServiceUnavailable', error.message, { retryAfterSeconds: 1 });
  }
}

/** Tokens have no events: this is what tells of them later. */
function log({ logger }: HttpDeps, request: FastifyRequest, tokenId: string, what: string): void {
  const { issuer, subject, role } = request.grant.identity;
  logger.info({ tokenId, actor: { issuer, subject, role } }, what);
}
