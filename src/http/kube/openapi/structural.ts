import { isObject } from '../../json-body.ts';

/** A JSON schema, of whatever draft. */
export type Schema = Readonly<Record<string, unknown>>;

const COMPONENT = '#/components/schemas/';

/**
 * A schema as Kubernetes clients can read it: one type for each value, no unions, no null. What is
 * more than that is left out, so that it may take more than the server does, and never less.
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
export function structural(schema: Schema): Schema {
  if (typeof schema.$ref === 'string') return reference(schema.$ref, schema);
  const { anyOf, oneOf, allOf: _allOf, ...own } = schema;
  const variants = [anyOf, oneOf].find(Array.isArray);
  const merged = variants === undefined ? own : { ...union(variants), ...own };
  const kept = Object.entries(merged).flatMap(([key, value]) =>
    value === undefined ? [] : keyword(key, value, merged),
  );
  return Object.fromEntries(kept);
}

/** Beside a reference nothing else would be looked at. */
function reference($ref: string, { description }: Schema): Schema {
  return description === undefined ? { $ref } : { description, allOf: [{ $ref }] };
}

const KEPT = new Set([
  ...['type', 'description', 'default', 'enum', 'format', 'pattern', 'required'],
  ...['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'],
]);

function keyword(key: string, value: unknown, schema: Schema): [string, unknown][] {
  switch (key) {
    case 'properties':
      return Object.keys(value as object).length === 0 ? [] : [[key, each(value as Schema)]];
    case 'items':
      return [[key, structural(value as Schema)]];
    case 'additionalProperties':
      return mapOf(value, schema);
    case 'const':
      return [['enum', [value]]];
    case 'type':
      if (Array.isArray(value))
        return keyword(
          key,
          value.find((one) => one !== 'null'),
          schema,
        );
      return value === 'integer'
        ? [
            [key, value],
            ['format', 'int64'],
          ]
        : [[key, value]];
    // What a date and time looks like is said by their name.
    case 'pattern':
      return schema.format === 'date-time' ? [] : [[key, value]];
    case 'minimum':
    case 'maximum':
      return Number.isSafeInteger(Math.abs(value as number) + 1) ? [[key, value]] : [];
    default:
      return KEPT.has(key) || key.startsWith('x-') ? [[key, value]] : [];
  }
}

/** Whether a field that is not known is refused is for `fieldValidation` to say. */
function mapOf(value: unknown, { properties = {} }: Schema): [string, unknown][] {
  if (!isObject(value) || Object.keys(properties as object).length > 0) return [];
  if (Object.keys(value).length > 0) return [['additionalProperties', structural(value)]];
  return [['x-kubernetes-preserve-unknown-fields', true]];
}

function each(properties: Schema): Schema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, structural(schema as Schema)]),
  );
}

/** What takes all that any of these schemas does. */
function union(variants: readonly Schema[]): Schema {
  const present = variants.filter(({ type }) => type !== 'null').map(structural);
  const [first = {}, ...others] = present;
  if (others.length === 0) return first;
  const types = new Set(present.map(({ type }) => type));
  if (types.size > 1) return { 'x-kubernetes-preserve-unknown-fields': true };
  if (first.type === 'object') return objectUnion(present);
  const enums = present.map((one) => one.enum);
  const { type, description } = first;
  const one = { type, ...(description === undefined ? {} : { description }) };
  return enums.every(Array.isArray) ? { ...one, enum: [...new Set(enums.flat())] } : one;
}

function objectUnion(variants: readonly Schema[]): Schema {
  const properties: Record<string, Schema> = {};
  for (const variant of variants) {
    for (const [name, schema] of Object.entries((variant.properties ?? {}) as Schema)) {
      const present = properties[name];
      properties[name] =
        present === undefined ? (schema as Schema) : union([present, schema as Schema]);
    }
  }
  const required = variants
    .map((one) => (one.required ?? []) as readonly string[])
    .reduce((some, more) => some.filter((name) => more.includes(name)));
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

/** The components that are referred to in a document or a part of it. */
export function referredTo(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referredTo);
  if (!isObject(value)) return [];
  const { $ref } = value;
  const own =
    typeof $ref === 'string' && $ref.startsWith(COMPONENT) ? [$ref.slice(COMPONENT.length)] : [];
  return [...own, ...Object.values(value).flatMap(referredTo)];
}
