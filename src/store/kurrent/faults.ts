import { StoreUnavailable } from '../store.ts';

/** What the client says of a fault, on whichever of its ways the fault came. */
interface ClientFault {
  readonly type?: string;
  readonly code?: number;
  readonly message: string;
}

/** What the server refuses for good: it would refuse the same call again. */
const REFUSALS = new Set([
  'access-denied',
  'invalid-argument',
  'maximum-append-size-exceeded',
  'missing-required-metadata-property',
  'stream-deleted',
  'unsupported',
]);
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;
const REFUSED_CODES = [INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED];

/** A node that has left a call without a sign for too long. */
export class NodeSilent extends StoreUnavailable {
  constructor(msMax: number) {
    super(`KurrentDB is silent for ${msMax} ms`);
  }
}

/**
 * A fault of the client as one of the port. Whatever the server does not refuse for good is a
 * store that does not answer now: of an append it is unknown whether it has happened.
 */
export function storeFault(fault: unknown): unknown {
  if (!isOfClient(fault)) return fault;
  const { type, code, message } = fault;
  const text = message === '' ? `${type ?? 'fault'} ${code ?? ''}`.trim() : message;
  if (REFUSALS.has(type ?? '') || REFUSED_CODES.includes(code ?? 0)) {
    return new Error(`KurrentDB refuses: ${text}`, { cause: fault });
  }
  return new StoreUnavailable(`KurrentDB does not answer: ${text}`, { cause: fault });
}

/** Another node leads: the client turns to it with the next call. */
export function isNotLeader(fault: unknown): boolean {
  return isOfClient(fault) && fault.type === 'not-leader';
}

/** The node may be gone without that anything has ended: other nodes may have a new leader. */
export function isSilence(fault: unknown): fault is Error {
  return fault instanceof NodeSilent || (isOfClient(fault) && fault.type === 'deadline-exceeded');
}

export function isStreamNotFound(fault: unknown): boolean {
  return isOfClient(fault) && fault.type === 'stream-not-found';
}

/** No event begins at the position; reads and subscriptions say so differently. */
export function isInvalidPosition(fault: unknown): boolean {
  const cause = fault instanceof Error && fault.cause !== undefined ? fault.cause : fault;
  return isOfClient(cause) && /invalid ?position/i.test(cause.message);
}

/** The last revision that the server names with a conflict; undefined for any other fault. */
export function conflictingRevision(fault: unknown): bigint | 'no_stream' | undefined {
  if (!isOfClient(fault) || fault.type !== 'wrong-expected-version') return undefined;
  return (fault as unknown as { readonly actualVersion: bigint | 'no_stream' }).actualVersion;
}

/** Errors of the client have a type, those of gRPC below it a number; discovery has neither. */
function isOfClient(fault: unknown): fault is Error & ClientFault {
  if (!(fault instanceof Error)) return false;
  const { type, code } = fault as Partial<ClientFault>;
  return typeof type === 'string' || typeof code === 'number' || /discover/i.test(fault.message);
}
