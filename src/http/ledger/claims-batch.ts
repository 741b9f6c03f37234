import { hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { limits } from '../../limits.ts';
import { requireGrant } from '../auth/enforce.ts';
import type { Grant } from '../auth/grant.ts';
import type { HttpDeps } from '../deps.ts';
import { statusOf } from '../faults.ts';
import { isObject, readJsonObject } from '../json-body.ts';
import { type Answer, answerText } from '../kube/carry-out.ts';
import { createObject } from '../kube/create.ts';
import { deleteObject } from '../kube/delete.ts';
import { bodyOf, type Exchange, newExchange, readQueryOptions } from '../kube/exchange.ts';
import { required } from '../kube/field-errors.ts';
import { repeatedFields } from '../kube/field-validation.ts';
import type { Kind, Writes } from '../kube/kind.ts';
import { JSON_TYPE, requireBodyType } from '../media-types.ts';
import { invalid, qualifiedResource } from '../status.ts';
import { BATCH, type BatchItem, claimOf, readBatchBody } from './batch-body.ts';
import { canonicalJson } from './canonical-json.ts';
import { handOver } from './hand-over.ts';

/** Claims as a kind whose objects are created and deleted. */
export type ClaimKind = Kind & {
  readonly writes: Writes & Required<Pick<Writes, 'create'>>;
};

/** The text of a batch's answer, and the warnings that go with it. */
export interface BatchAnswer {
  readonly text: string;
  readonly warnings: ReadonlySet<string>;
}

/**
 * Creates and deletes claims: each item is what it would be as a request of its own, and they are
 * handed over in order without waiting for one another, so that many are decided for one append.
 */
export async function writeClaims(
  deps: HttpDeps,
  kind: ClaimKind,
  http: FastifyRequest,
): Promise<BatchAnswer> {
  const { writer, ...options } = readQueryOptions(http, 'Create');
  requireBodyType(http.headers['content-type'], JSON_TYPE);
  const warnings = new Set<string>();
  const warn = (text: string) => {
    if (warnings.size < limits.warningsPerAnswerMax) warnings.add(text);
  };
  const validation = { fieldValidation: options.fieldValidation, warn };
  const body = readJsonObject(bodyOf(http.body), repeatedFields(BATCH, validation));
  const items = readBatchBody(body, validation);
  const texts: string[] = new Array(items.length);
  await handOver(items, {
    inFlightMax: limits.batchItemsInFlightMax,
    subjectOf: claimOf,
    run: async (item, index) => {
      try {
        const exchange = newExchange(deps, {
          ...{ ...options, writer, verb: item.delete === undefined ? 'Create' : 'Delete' },
          ...{ grant: itemGrant(deps, kind, http, item) },
          ...{ correlationId: http.id, idempotencyKey: item.idempotencyKey },
          requestHash: () => hash('sha256', canonicalJson({ ...options, item }), 'hex'),
        });
        const answer = await writeClaim(exchange, kind, item);
        for (const text of exchange.warnings) warn(`items[${index}]: ${text}`);
        texts[index] = itemText(answer);
      } catch (error) {
        const status = statusOf(error, http);
        texts[index] = itemText({ code: status.code, body: status.body() });
      }
    },
  });
  return { text: `{"items":[${texts.join()}]}`, warnings };
}

/** The permission for one item: that of the batch says nothing of the projects in it. */
function itemGrant({ views }: HttpDeps, kind: Kind, http: FastifyRequest, item: BatchItem): Grant {
  const { identity } = http.grant;
  const resource = qualifiedResource(kind);
  if (item.delete !== undefined) {
    const { namespace, name } = item.delete;
    return requireGrant(identity, { verb: 'delete', resource, namespace, name }, kind, views);
  }
  const namespace = namespaceIn(item.create) ?? '';
  return requireGrant(identity, { verb: 'create', resource, namespace }, kind, views);
}

/** Carries out one item. What refuses it is thrown. */
export function writeClaim(exchange: Exchange, kind: ClaimKind, item: BatchItem): Promise<Answer> {
  if (item.delete !== undefined) {
    const { namespace, name, uid } = item.delete;
    return deleteObject(
      exchange,
      kind,
      kind.writes,
      { namespace, name },
      { preconditions: { uid } },
    );
  }
  const namespace = namespaceIn(item.create);
  if (namespace === undefined) {
    const cause = required('metadata.namespace', 'a batch has claims of any namespace');
    throw invalid(kind, '', [cause]);
  }
  return createObject(exchange, kind, kind.writes, namespace, item.create);
}

/** The namespace in a claim; undefined when it has none, empty when its schema will refuse it. */
export function namespaceIn(claim: unknown): string | undefined {
  const metadata = isObject(claim) ? claim.metadata : {};
  if (!isObject(claim) || (metadata !== undefined && !isObject(metadata))) return '';
  const namespace = metadata?.namespace ?? undefined;
  if (namespace === undefined || namespace === '') return undefined;
  return typeof namespace === 'string' ? namespace : '';
}

/** A Status stands under `status`, an object under `object`: as whoever reads it looks for it. */
function itemText(answer: Answer): string {
  const isStatus = 'body' in answer && 'kind' in answer.body && answer.body.kind === 'Status';
  return `{"code":${answer.code},"${isStatus ? 'status' : 'object'}":${answerText(answer)}}`;
}
