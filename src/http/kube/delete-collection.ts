import type { FastifyRequest } from 'fastify';
import { uuidOf } from '../../ledger/identifiers.ts';
import { limits } from '../../limits.ts';
import type { ViewedObject } from '../../views/views.ts';
import { badRequest, type StatusBody, StatusError } from '../status.ts';
import type { Answer } from './carry-out.ts';
import { type DeleteOptions, deleteObject } from './delete.ts';
import type { Exchange } from './exchange.ts';
import type { Kind, Writes } from './kind.ts';
import { listedPages } from './list.ts';

/**
 * Deletes every object that a list with the same selectors would show, each as a request of its
 * own. What cannot be deleted ends it with that refusal, and what comes before is gone by then.
 */
export async function deleteCollection(
  exchange: Exchange,
  kind: Kind,
  writes: Writes,
  namespace: string,
  options: DeleteOptions,
  http: FastifyRequest,
): Promise<Answer> {
  if (exchange.request.idempotency !== undefined) {
    const message = 'an Idempotency-Key stands for one object: it is not taken for a collection';
    throw badRequest(message);
  }
  const selected = kind.namespaced ? namespace : undefined;
  for (const page of listedPages(exchange.deps, kind, selected, http)) {
    for (let from = 0; from < page.length; from += limits.deletionsAtOnceMax) {
      const some = page.slice(from, from + limits.deletionsAtOnceMax);
      const ended = await Promise.allSettled(
        some.map((one) => deleteListed(exchange, kind, writes, one, options)),
      );
      const refused = ended.find((one) => one.status === 'rejected');
      if (refused !== undefined) throw refused.reason;
    }
  }
  return { code: 200, body: deletedAll(kind) };
}

/** Deletes the very object that was listed; one that is gone meanwhile needs no deletion. */
async function deleteListed(
  exchange: Exchange,
  kind: Kind,
  writes: Writes,
  { namespace, name, object }: ViewedObject,
  options: DeleteOptions,
): Promise<void> {
  const { uid } = object.metadata;
  const commandId = uuidOf(exchange.request.commandId, 'collection', uid);
  const own = { ...exchange, request: { ...exchange.request, commandId } };
  const preconditions = { uid, ...options.preconditions };
  try {
    await deleteObject(own, kind, writes, { namespace, name }, { ...options, preconditions });
  } catch (error) {
    const isGone = error instanceof StatusError && error.reason === 'NotFound';
    if (!isGone) throw error;
  }
}

function deletedAll({ group, plural }: Kind): StatusBody {
  const details = { group, kind: plural };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
