import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { LedgerRequest } from '../../application/request.ts';
import { uuidOf } from '../../ledger/identifiers.ts';
import { limits } from '../../limits.ts';
import type { AnsweredCommand } from '../../views/views.ts';
import type { Grant } from '../auth/grant.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue, queryValues } from '../query.ts';
import { badRequest, invalid, StatusError } from '../status.ts';
import { unsupportedValue } from './field-errors.ts';
import { type FieldManager, fieldManagerOf, fieldManagerProblems } from './field-manager.ts';
import { FIELD_VALIDATION, type FieldValidation } from './field-validation.ts';

export type WriteVerb = 'Create' | 'Update' | 'Patch' | 'Delete';

/** One request that writes: what the handlers need of it beside its body. */
export interface Exchange {
  readonly deps: HttpDeps;
  readonly grant: Grant;
  readonly fieldValidation: FieldValidation;
  /** Who owns the fields that are written. */
  readonly writer: FieldManager;
  readonly request: LedgerRequest;
  /** The answer of an earlier request with the same key and content. */
  readonly answered: AnsweredCommand | undefined;
  /** Warnings that go with the answer. */
  readonly warnings: ReadonlySet<string>;
  warn(text: string): void;
}

/** What a writing request says beside its body. */
interface WriteOptions {
  readonly grant: Grant;
  readonly verb: WriteVerb;
  readonly correlationId: string;
  readonly fieldValidation: FieldValidation;
  readonly writer: FieldManager;
  readonly dryRun: boolean;
  readonly idempotencyKey: string | undefined;
  /** What makes two requests the same; asked for when there is a key. */
  readonly requestHash: () => string;
}

/** Reads the options that all writing requests have in common. */
export function beginExchange(deps: HttpDeps, http: FastifyRequest, verb: WriteVerb): Exchange {
  return newExchange(deps, {
    ...{ grant: http.grant, verb, correlationId: http.id, idempotencyKey: idempotencyKey(http) },
    ...readQueryOptions(http, verb),
    requestHash: () => requestHash(http),
  });
}

/** Reads the options of a writing request that stand in its query. */
export function readQueryOptions(
  http: FastifyRequest,
  verb: WriteVerb,
): Pick<WriteOptions, 'fieldValidation' | 'dryRun' | 'writer'> {
  const writer = fieldManagerOf(http);
  const problems = fieldManagerProblems(writer);
  if (problems.length > 0) throw invalid(optionsOf(verb), '', problems);
  return {
    writer,
    fieldValidation: fieldValidationOf(http, verb),
    dryRun: isDryRun(queryValues(http, 'dryRun'), verb),
  };
}

/** Begins what is answered as one writing request, whatever it was a part of. */
export function newExchange(deps: HttpDeps, options: WriteOptions): Exchange {
  const { grant, verb, correlationId, fieldValidation, writer, dryRun } = options;
  const { idempotencyKey: key } = options;
  const { issuer, subject, role } = grant.identity;
  const actor = { issuer, subject, role };
  const request = { correlationId, actor, dryRun };
  const warnings = new Set<string>();
  const exchange = {
    ...{ deps, grant, warnings, fieldValidation, writer },
    warn: (text: string) => {
      if (warnings.size < limits.warningsPerAnswerMax) warnings.add(text);
    },
  };
  if (key === undefined) {
    const commandId = deps.newId();
    return { ...exchange, request: { ...request, commandId }, answered: undefined };
  }
  const commandId = uuidOf('idempotency-key', actor.issuer, actor.subject, key);
  const code = verb === 'Create' ? 201 : 200;
  const idempotency = { key, requestHash: options.requestHash(), code };
  const answered = deps.views.answered(commandId);
  if (answered !== undefined) requireSameRequest(answered, idempotency.requestHash);
  return { ...exchange, request: { ...request, commandId, idempotency }, answered };
}

/** The same exchange with the dry run that its body asks for. */
export function withDryRun(exchange: Exchange, dryRun: boolean): Exchange {
  if (!dryRun || exchange.request.dryRun) return exchange;
  return { ...exchange, request: { ...exchange.request, dryRun } };
}

/** The same exchange as one that creates its object: a repeated request is told so again. */
export function asCreation(exchange: Exchange): Exchange {
  const { request } = exchange;
  const { idempotency } = request;
  if (idempotency === undefined) return exchange;
  return { ...exchange, request: { ...request, idempotency: { ...idempotency, code: 201 } } };
}

/** A key stands for one request: another one under it is refused, whatever became of the first. */
export function requireSameRequest(
  answered: Pick<AnsweredCommand, 'requestHash'>,
  requestHash: string | undefined,
): void {
  if (answered.requestHash === requestHash) return;
  const message = 'the Idempotency-Key was used for another request';
  throw new StatusError('IdempotencyKeyReused', message);
}

/** Whether dryRun values ask for a dry run; anything but `All` is refused. */
export function isDryRun(values: readonly string[], verb: WriteVerb): boolean {
  for (const value of values) {
    if (value !== 'All') throw invalidOption(verb, 'dryRun', value, ['All']);
  }
  return values.length > 0;
}

/** A request option with a value that it cannot have. */
function invalidOption(
  verb: WriteVerb,
  option: string,
  value: unknown,
  supported: readonly string[],
): StatusError {
  return invalid(optionsOf(verb), '', [unsupportedValue(option, value, supported)]);
}

/** What the options of a request are called in refusals of them. */
export function optionsOf(verb: WriteVerb) {
  return { group: 'meta.k8s.io', kind: `${verb}Options` };
}

function fieldValidationOf(http: FastifyRequest, verb: WriteVerb): FieldValidation {
  const value = queryValue(http, 'fieldValidation');
  if (value === undefined || value === '') return 'Strict';
  const known = FIELD_VALIDATION.find((one) => one === value);
  if (known === undefined) throw invalidOption(verb, 'fieldValidation', value, FIELD_VALIDATION);
  return known;
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** What a key has to be, in words that follow on its name. */
export const KEY_FORM = `must be 1 to ${limits.idempotencyKeyCharsMax} visible ASCII characters`;

export function isIdempotencyKey(key: unknown): key is string {
  const max = limits.idempotencyKeyCharsMax;
  return typeof key === 'string' && key.length <= max && VISIBLE_ASCII.test(key);
}

function idempotencyKey({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || isIdempotencyKey(key)) return key;
  throw badRequest(`Idempotency-Key ${KEY_FORM}`);
}

/** What makes two requests the same: method, path, query in any order, type and body. */
function requestHash({ method, url, headers, body }: FastifyRequest): string {
  const [path, query = ''] = url.split('?', 2);
  const sorted = query.split('&').sort().join('&');
  const type = headers['content-type'] ?? '';
  const hash = createHash('sha256').update(`${method}\n${path}\n${sorted}\n${type}\n`);
  return hash.update(bodyOf(body)).digest('hex');
}

/** The bytes of a request's body; none when it had none. */
export function bodyOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
