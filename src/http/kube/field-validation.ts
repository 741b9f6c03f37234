import type { z } from 'zod';
import { limits } from '../../limits.ts';
import { badRequest, invalid } from '../status.ts';
import type { Exchange } from './exchange.ts';
import { causesOf, fieldPath } from './field-errors.ts';
import type { Kind } from './kind.ts';

/** What becomes of fields that a kind does not have. */
export const FIELD_VALIDATION = ['Ignore', 'Warn', 'Strict'] as const;
export type FieldValidation = (typeof FIELD_VALIDATION)[number];

type Issue = z.core.$ZodIssue;
type Subject = Pick<Kind, 'group' | 'kind' | 'version'>;
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
  exchange: Pick<Exchange, 'fieldValidation' | 'warn'>,
): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const unknown = issues.filter((issue): issue is Unknown => issue.code === 'unrecognized_keys');
  if (unknown.length === 0) throw invalid(kind, name, causesOf(issues, body));
  const fields = unknown.flatMap(({ path, keys }) => keys.map((key) => fieldPath([...path, key])));
  if (exchange.fieldValidation === 'Strict') throw strictDecodingError(kind, fields);
  if (exchange.fieldValidation === 'Warn') {
    for (const field of fields) exchange.warn(`unknown field "${field}"`);
  }
  for (const { path, keys } of unknown) prune(body, path, keys);
  return readBySchema(schema, body, kind, name, exchange);
}

function strictDecodingError({ kind, version }: Subject, fields: readonly string[]) {
  const named = fields.slice(0, limits.statusCausesMax).map((field) => `unknown field "${field}"`);
  const how = `${kind} in version "${version}" cannot be handled as a ${kind}`;
  return badRequest(`${how}: strict decoding error: ${named.join(', ')}`);
}

/** Takes keys away from the object at a path. Bodies are the request's own and may be changed. */
function prune(body: unknown, path: readonly PropertyKey[], keys: readonly string[]): void {
  let value = body;
  for (const step of path) value = (value as Record<PropertyKey, unknown>)[step];
  for (const key of keys) delete (value as Record<string, unknown>)[key];
}
