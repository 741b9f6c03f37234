import type { z } from 'zod';
import { limits } from '../../limits.ts';
import type { OnRepeated } from '../json-body.ts';
import { badRequest, invalid } from '../status.ts';
import type { Exchange } from './exchange.ts';
import { causesOf, fieldPath } from './field-errors.ts';
import type { Kind } from './kind.ts';

/** What becomes of fields that a kind does not have. */
export const FIELD_VALIDATION = ['Ignore', 'Warn', 'Strict'] as const;
export type FieldValidation = (typeof FIELD_VALIDATION)[number];

type Issue = z.core.$ZodIssue;
type Subject = Pick<Kind, 'group' | 'kind' | 'version'>;
/** How a request wants to be told of them. */
export type Validation = Pick<Exchange, 'fieldValidation' | 'warn'>;
type Unknown = Extract<Issue, { code: 'unrecognized_keys' }>;

/**
 * Reads a body by a schema. Unknown fields are refused, or taken away with or without a warning, as
 * the request wants it; everything else that is wrong is an Invalid answer with its causes.
 */
export function readBySchema<T>(
  schema: z.ZodType<T>,
  body: unknown,
  kind: Subject,
  name: string,
  exchange: Validation,
): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.filter((issue): issue is Unknown => issue.code === 'unrecognized_keys');
  if (unknown.length === 0) throw invalid(kind, name, causesOf(issues, body));
  const fields = unknown.flatMap(({ path, keys }) => keys.map((key) => [...path, key]));
  notDecoded('unknown', fields, kind, exchange);
  for (const { path, keys } of unknown) prune(body, path, keys);
  return readBySchema(schema, body, kind, name, exchange);
}

/** Fields that a body has twice are refused, or the last of each counts, as with unknown ones. */
export function repeatedFields(kind: Subject, exchange: Validation): OnRepeated {
  return (fields) => notDecoded('duplicate', fields, kind, exchange);
}

/** Refuses them, whatever the request wants: where nothing is told of what else would count. */
export const refuseRepeated: OnRepeated = (fields) => {
  throw badRequest(named('duplicate', fields).join(', '));
};

function notDecoded(
  what: 'unknown' | 'duplicate',
  fields: readonly (readonly PropertyKey[])[],
  { kind, version }: Subject,
  { fieldValidation, warn }: Validation,
): void {
  if (fieldValidation === 'Ignore') return;
  const texts = named(what, fields);
  if (fieldValidation === 'Strict') {
    const how = `${kind} in version "${version}" cannot be handled as a ${kind}`;
    throw badRequest(`${how}: strict decoding error: ${texts.join(', ')}`);
  }
  for (const text of texts) warn(text);
}

function named(what: string, fields: readonly (readonly PropertyKey[])[]): readonly string[] {
  return fields
    .slice(0, limits.statusCausesMax)
    .map((field) => `${what} field "${fieldPath(field)}"`);
}

/** Takes keys away from the object at a path. Bodies are the request's own and may be changed. */
function prune(body: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let value = body;
  for (const step of path) value = (value as Record<PropertyKey, unknown>)[step];
  for (const key of keys) delete (value as Record<string, unknown>)[key];
}
