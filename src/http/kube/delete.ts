import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Expectation } from '../../ledger/decision.ts';
import type { ObjectKey, ViewedObject } from '../../views/views.ts';
import { readJsonObject } from '../json-body.ts';
import { JSON_TYPE, requireBodyType } from '../media-types.ts';
import { queryValue } from '../query.ts';
import { badRequest, invalid } from '../status.ts';
import {
  type Answer,
  carryOut,
  deletedStatus,
  expectationOf,
  objectAfter,
  objectAt,
  requireCurrent,
  requireObject,
} from './carry-out.ts';
import { bodyOf, type Exchange, isDryRun, withDryRun } from './exchange.ts';
import { causesOf } from './field-errors.ts';
import { refuseRepeated } from './field-validation.ts';
import type { Kind, Writes } from './kind.ts';
import { requireAllowedName } from './object-body.ts';

/**
 * How an object is to be deleted. Every propagation policy acts as Background, since nothing is
 * collected by owner, and there is nothing to be graceful about: those two are checked only.
 */
const deleteOptions = z.object({
  propagationPolicy: z.enum(['Foreground', 'Background', 'Orphan']).nullish(),
  gracePeriodSeconds: z.int().min(0).nullish(),
  dryRun: z.array(z.string()).nullish(),
  preconditions: z
    .object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() })
    .nullish(),
});
export type DeleteOptions = z.infer<typeof deleteOptions>;

/** Reads the options of a deletion from its body, if it has one, and its query. */
export function readDeleteOptions(http: FastifyRequest): DeleteOptions {
  const body = bodyOf(http.body);
  if (body.length > 0) requireBodyType(http.headers['content-type'], JSON_TYPE);
  const given = body.length > 0 ? readJsonObject(body, refuseRepeated) : {};
  if (given.kind !== undefined && given.kind !== 'DeleteOptions') {
    throw badRequest('the body of a DELETE must be DeleteOptions');
  }
  const grace = queryValue(http, 'gracePeriodSeconds');
  const policy = queryValue(http, 'propagationPolicy');
  const options = {
    ...(grace ? { gracePeriodSeconds: Number.isNaN(Number(grace)) ? grace : Number(grace) } : {}),
    ...(policy ? { propagationPolicy: policy } : {}),
    ...given,
  };
  const parsed = deleteOptions.safeParse(options);
  if (parsed.success) return parsed.data;
  const resource = { group: 'meta.k8s.io', kind: 'DeleteOptions' };
  throw invalid(resource, '', causesOf(parsed.error.issues, options));
}

/** Deletes an object. While finalizers hold it the answer is the object, else a Status. */
export async function deleteObject(
  begun: Exchange,
  kind: Kind,
  writes: Writes,
  key: ObjectKey,
  options: DeleteOptions,
): Promise<Answer> {
  const exchange = withDryRun(begun, isDryRun(options.dryRun ?? [], 'Delete'));
  const { views } = exchange.deps;
  requireAllowedName(kind, writes, key.name, 'delete');
  if (exchange.answered !== undefined) return deletionAt(exchange, kind, key, exchange.answered);
  const current = requireObject(views, exchange.grant, kind, key);
  requireCurrent(kind, current, options.preconditions ?? {});
  const expect = deletionExpectation(current, options);
  const accepted = await carryOut(exchange, writes.remove(key, expect, views));
  if (accepted.outcome === 'repeated') return deletionAt(exchange, kind, key, accepted);
  const left = objectAfter(exchange, kind, key, accepted);
  const { uid } = current.object.metadata;
  if (left !== undefined) return { code: 200, text: left.text };
  return { code: 200, body: deletedStatus(kind, key.name, uid) };
}

/** A deletion without preconditions means whatever has the name. */
function deletionExpectation(current: ViewedObject, { preconditions }: DeleteOptions): Expectation {
  if (preconditions?.resourceVersion) return expectationOf(current);
  return preconditions?.uid ? { uid: preconditions.uid } : {};
}

/** What a deletion was answered with; its last event ended the object or marked it. */
function deletionAt(
  { deps }: Exchange,
  kind: Kind,
  key: ObjectKey,
  { code, revision }: { readonly code: number; readonly revision: number },
): Answer {
  const left = objectAt(deps.views, kind, key, revision);
  if (left !== undefined) return { code, text: left.text };
  const before = objectAt(deps.views, kind, key, revision - 1);
  return { code, body: deletedStatus(kind, key.name, before?.object.metadata.uid) };
}
