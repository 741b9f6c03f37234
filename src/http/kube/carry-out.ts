import type { LedgerAnswer } from '../../application/request.ts';
import type { ObjectKey, ViewedObject } from '../../views/views.ts';
import type { Grant } from '../auth/grant.ts';
import { refusalAnswer } from '../refusals.ts';
import { conflict, detailsOf, notFound, type StatusBody } from '../status.ts';
import { type Exchange, requireSameRequest } from './exchange.ts';
import type { Kind, LedgerCommand } from './kind.ts';
import { resourceOf } from './kinds/served-kinds.ts';

/** An answer of a handler: its code, and the object or Status that is its body, or its JSON. */
export type Answer =
  | { readonly code: number; readonly body: object }
  | { readonly code: number; readonly text: string };

/** The body of an answer as JSON. */
export function answerText(answer: Answer): string {
  return 'text' in answer ? answer.text : JSON.stringify(answer.body);
}

/** A command that was carried out: now, or before under the same key. */
export type Accepted = Exclude<LedgerAnswer, { readonly outcome: 'rejected' }>;

/** Sends a command to its address space. A refusal is thrown as its answer. */
export async function carryOut(exchange: Exchange, asked: LedgerCommand) {
  const { request } = exchange;
  const answer = await answerOf(exchange, asked);
  if (answer.outcome === 'rejected') {
    throw refusalAnswer(resourceOf(answer.rejection.subject.kind), answer.rejection);
  }
  if (answer.outcome === 'repeated') {
    requireSameRequest(answer, request.idempotency?.requestHash);
  }
  return answer satisfies Accepted;
}

function answerOf({ deps: { ledger }, request }: Exchange, asked: LedgerCommand) {
  if ('authoredPool' in asked) return ledger.authoredPool(asked.authoredPool, request);
  return asked.project === undefined
    ? ledger.platform(asked.command, request)
    : ledger.project(asked.project, asked.command, request);
}

/** The object as an accepted command left it; undefined when it is gone. */
export function objectAfter(
  { deps, request }: Exchange,
  kind: Kind,
  key: ObjectKey,
  accepted: Accepted,
): ViewedObject | undefined {
  if (!request.dryRun || accepted.outcome === 'repeated') {
    return objectAt(deps.views, kind, key, accepted.revision);
  }
  const { stream, firstRevision, events } = accepted;
  if (events.length === 0) return deps.views.get(kind.kind, key.namespace, key.name);
  const left = deps.views.preview(stream, firstRevision, events);
  return left.find(
    (one) => one.kind === kind.kind && one.namespace === key.namespace && one.name === key.name,
  );
}

/** The object as the event at a revision of its stream left it. */
export function objectAt(
  views: Exchange['deps']['views'],
  kind: Kind,
  { namespace, name }: ObjectKey,
  revision: number,
): ViewedObject | undefined {
  return views.getAtRevision(kind.kind, namespace, name, revision);
}

/** The object as it is now, or a NotFound answer: also of one that the asker may not see. */
export function requireObject(
  views: Exchange['deps']['views'],
  grant: Grant,
  kind: Kind,
  { namespace, name }: ObjectKey,
): ViewedObject {
  const viewed = views.get(kind.viewed, namespace, name);
  if (viewed === undefined || grant.sees?.(viewed.object) === false) throw notFound(kind, name);
  return viewed;
}

/** What a writer says of the object that it means to change. */
export interface Precondition {
  readonly uid?: string | null | undefined;
  readonly resourceVersion?: string | null | undefined;
}

/** Refuses a writer whose picture of the object is not the present one. */
export function requireCurrent(
  kind: Kind,
  { object: { metadata }, name }: ViewedObject,
  { uid, resourceVersion }: Precondition,
): void {
  if (uid && uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const why =
      'the object has been modified; please apply your changes to the latest version and try again';
    throw conflict(kind, name, why);
  }
}

/** What a command is told of the object it changes, so that it is refused if that has changed. */
export function expectationOf({ object, revision }: ViewedObject) {
  return { uid: object.metadata.uid, revision };
}

/** The answer to a deletion that is complete. */
export function deletedStatus(kind: Kind, name: string, uid: string | undefined): StatusBody {
  const details = { ...detailsOf(kind, name), ...(uid === undefined ? {} : { uid }) };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
