/**
 * Refusals: a closed list of values, never exceptions. The reason is the `Status.reason` that a
 * client sees; its HTTP code is the rim's table. Reasons are never reused with another meaning.
 */
export const REFUSALS = [
  'Invalid',
  'NotFound',
  'AlreadyExists',
  'Conflict',
  'Forbidden',
  'InUse',
  'AddressTaken',
  'RetainedAddressConflict',
  'PoolOverlaps',
  'ClassNotFound',
  'NoDefaultClass',
  'NoOfferingPool',
  'PrefixLengthRejected',
  'FamilyMismatch',
  'ScopeRolesMissing',
  'QuotaExceeded',
  'Exhausted',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** What a refusal is about: the kind and name of an object of the API. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
}

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface Rejection {
  readonly reason: RefusalReason;
  readonly subject: Subject;
  /** What is wrong, for a person; the rim puts the object's name before it where clients expect. */
  readonly message: string;
  readonly causes?: readonly Cause[];
}

/** The refusal of a body: each thing that is wrong with it, and where. */
export function invalidWith(
  subject: Subject,
  problems: readonly { readonly path: string; readonly message: string }[],
): Rejection {
  const causes = problems.map(({ path: field, message }) => {
    return { reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, field };
  });
  const message = problems.map(({ path, message: problem }) => `${path}: ${problem}`).join(', ');
  return { reason: 'Invalid', subject, message, causes };
}

/**
 * The refusal to take away what is in use. The message says how much uses it, for a person; each
 * cause counts one kind of use, for a program.
 */
export function inUse(
  subject: Subject,
  message: string,
  uses: Readonly<Record<string, number | bigint>>,
): Rejection {
  const counted = Object.entries(uses).filter(([, count]) => count > 0);
  const causes = counted.map(([reason, count]) => ({ reason, message: String(count) }));
  return { reason: 'InUse', subject, message, causes };
}

/**
 * Why a stored claim waits: the reasons of its `Bound` condition. A second closed list, never
 * reused either.
 */
export const WAIT_REASONS = [
  'InterfaceTerminating',
  'InterfaceHeldByAnotherClaim',
  'InterfaceNotFound',
  'NetworkMismatch',
  'LocationMismatch',
  'InterfaceNameMismatch',
  'AttachmentModeMismatch',
  'AddressFamilyMissing',
  'AddressClassMissing',
  'ReclaimPolicyMismatch',
  'NetworkNotFound',
  'LocationNotFound',
  'NetworkNotAvailableInLocation',
  'LocationDraining',
  'ClassNotFound',
  'NoDefaultClass',
  'NoOfferingPool',
  'AddressFamilyNotCarried',
  'AddressPoolExhausted',
  'QuotaExceeded',
] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];
