import { limits } from '../limits.ts';

/**
 * Every answer that is not an object is a Kubernetes Status. This is the closed list of its reasons
 * with their HTTP codes; a reason is never reused with another meaning.
 */
export const STATUS_CODES = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  QuotaExceeded: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  InUse: 409,
  AddressTaken: 409,
  RetainedAddressConflict: 409,
  PoolOverlaps: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  IdempotencyKeyReused: 422,
  ClassNotFound: 422,
  NoDefaultClass: 422,
  NoOfferingPool: 422,
  PrefixLengthRejected: 422,
  FamilyMismatch: 422,
  ScopeRolesMissing: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  Exhausted: 507,
} as const;
export type StatusReason = keyof typeof STATUS_CODES;

/** What is wrong with one field, as clients print it. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** An answer that refuses; thrown anywhere, sent by the error handler. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: StatusReason;
  readonly details: StatusDetails | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    reason: StatusReason,
    message: string,
    details?: StatusDetails,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = STATUS_CODES[reason];
    this.reason = reason;
    this.details = details;
    this.headers = headers;
  }

  body(): StatusBody {
    const { message, reason, details, code } = this;
    const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const;
    return { ...failure, message, reason, ...(details === undefined ? {} : { details }), code };
  }
}

/** A kind of object as Status texts name it. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
}

/** `networks.networking.datumapis.com`, or `namespaces` in the core group. */
export function qualifiedResource({ group, plural }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function qualifiedKind({ group, kind }: Resource): string {
  return group === '' ? kind : `${kind}.${group}`;
}

/** What Status details say of a resource's object. */
export function detailsOf(resource: Resource, name: string): StatusDetails {
  return { name, group: resource.group, kind: resource.plural };
}

export function badRequest(message: string): StatusError {
  return new StatusError('BadRequest', message);
}

export function notFound(resource: Resource, name: string): StatusError {
  const message = `${qualifiedResource(resource)} "${shown(name)}" not found`;
  return new StatusError('NotFound', message, detailsOf(resource, shown(name)));
}

export function conflict(resource: Resource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`;
  return new StatusError('Conflict', message, detailsOf(resource, name));
}

export function forbidden(
  resource: Resource,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): StatusError {
  const message = `${qualifiedResource(resource)} "${shown(name)}" is forbidden: ${why}`;
  const details = detailsOf(resource, shown(name));
  return new StatusError(
    'Forbidden',
    message,
    causes === undefined ? details : { ...details, causes },
  );
}

/** Field errors. Upstream names the kind here, not the resource, and lists each cause's text. */
export function invalid(
  resource: Pick<Resource, 'group' | 'kind'>,
  name: string,
  causes: readonly StatusCause[],
): StatusError {
  const named = causes.slice(0, limits.statusCausesMax);
  const texts = named.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const { group, kind } = resource;
  const subject = `${qualifiedKind({ ...resource, plural: '' })} "${shown(name)}"`;
  const details = { name: shown(name), group, kind, causes: named };
  return new StatusError('Invalid', `${subject} is invalid: ${text}`, details);
}

/** A value or name as a message shows it: cut, so that an answer stays small. */
export function shown(text: string): string {
  const { shownValueCharsMax } = limits;
  return text.length > shownValueCharsMax ? `${text.slice(0, shownValueCharsMax)}...` : text;
}

/** A value of a body as a message shows it. */
export function shownValue(value: unknown): string {
  return shown(JSON.stringify(value) ?? 'null');
}
