import type { z } from 'zod';
import { limits } from '../../limits.ts';
import { isObject } from '../json-body.ts';
import { type StatusCause, shown, shownValue } from '../status.ts';

/**
 * What zod finds wrong with a body, as Kubernetes words it: the path of the field, a reason out of
 * its list, and the value that was sent.
 */
type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** `spec.addresses[0].class`; keys that are no plain words stand in brackets. */
export function fieldPath(path: Path): string {
  let text = '';
  for (const step of path) {
    const key = String(step);
    if (typeof step === 'number' || !/^[A-Za-z_]\w*$/.test(key)) text += `[${shown(key)}]`;
    else text += text === '' ? key : `.${shown(key)}`;
  }
  return text;
}

/**
 * The causes of an Invalid answer. A field that is wrong in several ways at once is named once:
 * what zod says after the first follows from it. Our own checks speak of another thing each time.
 */
export function causesOf(issues: readonly Issue[], body: unknown): StatusCause[] {
  const causes = new Map<string, StatusCause>();
  for (const issue of issues) {
    if (causes.size === limits.statusCausesMax) break;
    const field = fieldPath(issue.path);
    const key = issue.code === 'custom' ? `${field}\n${causes.size}` : field;
    if (causes.has(key)) continue;
    causes.set(key, { ...causeOf(issue, valueAt(body, issue.path)), field });
  }
  return [...causes.values()];
}

/** A cause that says that a value is not allowed, for checks that are no schema's. */
export function invalidValue(field: string, value: unknown, message: string): StatusCause {
  const text = `Invalid value: ${shownValue(value)}: ${message}`;
  return { reason: 'FieldValueInvalid', message: text, field };
}

export function required(field: string, message: string): StatusCause {
  return { reason: 'FieldValueRequired', message: `Required value: ${message}`, field };
}

export function unsupportedValue(
  field: string,
  value: unknown,
  supported: readonly unknown[],
): StatusCause {
  const values = supported.map((one) => JSON.stringify(one)).join(', ');
  const message = `Unsupported value: ${shownValue(value)}: supported values: ${values}`;
  return { reason: 'FieldValueNotSupported', message, field };
}

function causeOf(issue: Issue, value: unknown): StatusCause {
  if (value === undefined && issue.code !== 'custom') {
    return { reason: 'FieldValueRequired', message: 'Required value' };
  }
  switch (issue.code) {
    case 'invalid_value':
      return unsupportedValue('', value, issue.values);
    case 'invalid_type': {
      const message = `Invalid value: ${shownValue(value)}: must be of type ${issue.expected}`;
      return { reason: 'FieldValueTypeInvalid', message };
    }
    case 'too_big':
      return tooBig(issue, value);
    case 'too_small':
      return invalidValue('', value, ownWords(issue) ?? `must be no less than ${issue.minimum}`);
    case 'custom':
      return customCause(issue, value);
    case 'invalid_key':
      return invalidValue('', issue.path.at(-1), issue.issues[0]?.message ?? issue.message);
    default:
      return invalidValue('', value, issue.message);
  }
}

function tooBig(issue: Extract<Issue, { code: 'too_big' }>, value: unknown): StatusCause {
  const { origin, maximum } = issue;
  if (origin === 'array' && Array.isArray(value)) {
    const message = `Too many: ${value.length}: must have at most ${maximum} items`;
    return { reason: 'FieldValueTooMany', message };
  }
  if (origin === 'string') {
    const message = `Too long: may not be more than ${maximum} characters`;
    return { reason: 'FieldValueTooLong', message };
  }
  return invalidValue('', value, ownWords(issue) ?? `must be no more than ${maximum}`);
}

/** A message that a schema was given; zod's own words speak of its types. */
function ownWords(issue: Extract<Issue, { code: 'too_big' | 'too_small' }>): string | undefined {
  if (!issue.message.startsWith('Too ')) return issue.message;
  const bound =
    issue.code === 'too_big' ? `more than ${issue.maximum}` : `less than ${issue.minimum}`;
  if (issue.origin === 'array') return `must have no ${bound} items`;
  return issue.origin === 'string' ? `must have no ${bound} characters` : undefined;
}

const CUSTOM_WORDS: Readonly<Record<string, string>> = {
  FieldValueDuplicate: 'Duplicate value',
  FieldValueTooLong: 'Too long',
};

/** Checks of ours say their reason and, where it is not the field's own, the value they mean. */
function customCause(issue: Extract<Issue, { code: 'custom' }>, value: unknown): StatusCause {
  const params = issue.params as { reason?: string; shown?: string } | undefined;
  const reason = params?.reason ?? 'FieldValueInvalid';
  const what = shownValue(params?.shown ?? value);
  const message = `${CUSTOM_WORDS[reason] ?? 'Invalid value'}: ${what}: ${issue.message}`;
  return { reason, message };
}

function valueAt(body: unknown, path: Path): unknown {
  let value = body;
  for (const step of path) {
    if (Array.isArray(value)) value = value[step as number];
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step as string];
    else return undefined;
  }
  return value;
}
