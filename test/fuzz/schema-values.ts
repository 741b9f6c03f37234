import fc from 'fast-check';
import { wildJson, wildText } from './wild.ts';

/** A schema of an OpenAPI document, as far as values are made by it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const DEPTH_MAX = 8;

/** Values that a schema allows, or nearly: its patterns say more than generators understand. */
export function valuesOf(
  schema: Schema,
  named: Readonly<Record<string, Schema>>,
  depth = 0,
): fc.Arbitrary<unknown> {
  if (depth > DEPTH_MAX) return wildJson;
  const within = (one: Schema) => valuesOf(one, named, depth + 1);
  const { $ref, anyOf, oneOf, allOf, type } = schema;
  if ($ref !== undefined) return within(named[$ref.split('/').at(-1) ?? ''] ?? {});
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const some = anyOf ?? oneOf;
  if (some !== undefined) return fc.oneof(...some.map(within));
  if (allOf !== undefined) return fc.oneof(...allOf.map(within));
  if (type === 'string') return textsOf(schema);
  if (type === 'integer' || type === 'number') return numbersOf(schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') {
    const { items = {}, minItems: minLength = 0, maxItems = 4 } = schema;
    return fc.array(within(items), {
      minLength,
      maxLength: Math.max(minLength, Math.min(maxItems, 4)),
    });
  }
  if (type === 'object' || schema.properties !== undefined) return objectsOf(schema, within);
  return wildJson;
}

function textsOf({ pattern }: Schema): fc.Arbitrary<string> {
  if (pattern === undefined) return wildText;
  const matching = fc.stringMatching(new RegExp(pattern), { size: '-1' });
  return fc.oneof({ weight: 2, arbitrary: wildText }, { weight: 1, arbitrary: matching });
}

function numbersOf({ minimum = -10, maximum = 100_000 }: Schema): fc.Arbitrary<number> {
  return fc.integer({
    min: Math.max(Math.ceil(minimum), -(2 ** 31)),
    max: Math.min(Math.floor(maximum), 2 ** 31 - 1),
  });
}

function objectsOf(
  { properties = {}, required = [], additionalProperties: more }: Schema,
  within: (schema: Schema) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const known = Object.entries(properties).map(([name, schema]) => {
    const value = within(schema);
    const entry = value.map((one): [string, unknown] => [name, one]);
    // Most fields that may be left out are: few values of many fields fit one another.
    return required.includes(name) ? entry : seldom(entry);
  });
  const others =
    typeof more === 'object'
      ? fc.array(fc.tuple(wildText, within(more)), { maxLength: 3 })
      : fc.constant([]);
  return fc
    .tuple(fc.tuple(...known), others)
    .map(([entries, rest]) => ownProperties([...entries.filter((e) => e !== undefined), ...rest]));
}

function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: value },
  );
}

/** An object as a parser makes it: `__proto__` is a key as any other. */
function ownProperties(entries: readonly (readonly [string, unknown])[]): object {
  const texts = entries.map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`,
  );
  return JSON.parse(`{${texts.join()}}`);
}
