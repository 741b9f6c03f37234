import type { RefusalReason, Rejection } from '../ledger/rejections.ts';
import {
  conflict,
  detailsOf,
  forbidden,
  invalid,
  notFound,
  qualifiedResource,
  type Resource,
  StatusError,
} from './status.ts';

/** How each refusal of the ledger is answered: the texts are Kubernetes' where it has one. */
type Answer = (resource: Resource, rejection: Rejection) => StatusError;

const ANSWERS: Readonly<Record<RefusalReason, Answer>> = {
  Invalid: (resource, { subject, message, causes }) =>
    invalid(resource, subject.name, causes ?? [{ reason: 'FieldValueInvalid', message }]),
  NotFound: (resource, { subject }) => notFound(resource, subject.name),
  AlreadyExists: (resource, rejection) =>
    plain('AlreadyExists', resource, rejection, ' already exists'),
  Conflict: (resource, { subject, message }) => conflict(resource, subject.name, message),
  Forbidden: (resource, { subject, message, causes }) =>
    forbidden(resource, subject.name, message, causes),
  InUse: (resource, rejection) =>
    plain('InUse', resource, rejection, ` is in use: ${rejection.message}`),
  AddressTaken: ungiven('AddressTaken'),
  RetainedAddressConflict: ungiven('RetainedAddressConflict'),
  PoolOverlaps: (resource, rejection) =>
    plain('PoolOverlaps', resource, rejection, ` overlaps another pool: ${rejection.message}`),
  ClassNotFound: ungiven('ClassNotFound'),
  NoDefaultClass: ungiven('NoDefaultClass'),
  NoOfferingPool: ungiven('NoOfferingPool'),
  PrefixLengthRejected: ungiven('PrefixLengthRejected'),
  FamilyMismatch: ungiven('FamilyMismatch'),
  ScopeRolesMissing: ungiven('ScopeRolesMissing'),
  QuotaExceeded: ungiven('QuotaExceeded'),
  Exhausted: ungiven('Exhausted'),
};

/** The reasons that have an answer, for the test that compares them with the documented list. */
export const ANSWERED_REFUSALS = Object.keys(ANSWERS) as RefusalReason[];

/** The answer to a refused command about an object of this resource. */
export function refusalAnswer(resource: Resource, rejection: Rejection): StatusError {
  return ANSWERS[rejection.reason](resource, rejection);
}

function ungiven(reason: RefusalReason): Answer {
  return (resource, rejection) =>
    plain(reason, resource, rejection, ` cannot be given its addresses: ${rejection.message}`);
}

function plain(
  reason: RefusalReason,
  resource: Resource,
  { subject: { name }, causes }: Rejection,
  text: string,
): StatusError {
  const details = detailsOf(resource, name);
  const message = `${qualifiedResource(resource)} "${name}"${text}`;
  return new StatusError(reason, message, causes === undefined ? details : { ...details, causes });
}
