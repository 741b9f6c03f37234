/**
 * An OpenAPI v2 document as protobuf: kubectl before 1.29 reads no other form of it.
 * https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto has the numbers of fields.
 */
type Write = (number: number, value: never) => Buffer;

/** The fields of a message by their names in JSON. What is not named is left out. */
interface Fields {
  readonly [name: string]: readonly [number: number, write: Write];
}

/** A message, and the number of the field that holds whatever of it begins with `x-`. */
interface Message {
  readonly fields: Fields;
  readonly extensions?: number;
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2 } as const;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const tag = (number: number, wire: number) => varint(number * 8 + wire);
const bytes = (number: number, content: Buffer) =>
  Buffer.concat([tag(number, WIRE.bytes), varint(content.length), content]);

const text = (number: number, value: string) => bytes(number, Buffer.from(value));
const flag = (number: number, value: boolean) =>
  Buffer.concat([tag(number, WIRE.varint), varint(value ? 1 : 0)]);
const integer = (number: number, value: number) =>
  Buffer.concat([tag(number, WIRE.varint), varint(value)]);
const double = (number: number, value: number) => {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([tag(number, WIRE.fixed64), content]);
};

/** Any value, as YAML, of which JSON is a part. */
const any = (number: number, value: unknown) => bytes(number, text(2, JSON.stringify(value)));

const list = (write: Write) => (number: number, values: readonly never[]) =>
  Buffer.concat(values.map((value) => write(number, value)));

/** What has names is a list of names and values. */
const named = (number: number, name: string, write: Write, value: unknown) =>
  bytes(number, Buffer.concat([text(1, name), write(2, value as never)]));
const map =
  (write: Write, at = 1) =>
  (number: number, entries: object) =>
    bytes(
      number,
      Buffer.concat(Object.entries(entries).map(([name, value]) => named(at, name, write, value))),
    );

/** A value that stands alone in messages within each other, by the numbers of these. */
const within = (path: readonly number[], write: Write) => (number: number, value: never) => {
  const [inner = 1, ...rest] = path.toReversed();
  const content = rest.reduce((part, at) => bytes(at, part), write(inner, value));
  return bytes(number, content);
};

const message = (of: () => Message) => (number: number, value: object) =>
  bytes(number, encode(value, of()));

function encode(value: object, { fields, extensions }: Message): Buffer {
  const parts = Object.entries(value).flatMap(([name, one]) => {
    if (extensions !== undefined && name.startsWith('x-')) {
      return [named(extensions, name, any, one)];
    }
    const field = fields[name];
    return field === undefined || one === undefined ? [] : [field[1](field[0], one as never)];
  });
  return Buffer.concat(parts);
}

const schema: Write = message(() => SCHEMA);
const additional: Write = (number, value) => bytes(number, schema(1, value));

const SCHEMA: Message = {
  fields: {
    ...{ $ref: [1, text], format: [2, text], description: [4, text], default: [5, any] },
    ...{ maximum: [7, double], minimum: [9, double], maxLength: [11, integer] },
    ...{ minLength: [12, integer], pattern: [13, text], maxItems: [14, integer] },
    ...{ minItems: [15, integer], required: [19, list(text)], enum: [20, list(any)] },
    ...{ additionalProperties: [21, additional], type: [22, within([1], text)] },
    ...{ items: [23, within([1], schema)], properties: [25, map(schema)] },
  },
  extensions: 31,
};

const PLAIN_PARAMETER = {
  ...{ required: [1, flag], in: [2, text], description: [3, text], name: [4, text] },
} as const satisfies Fields;
const OTHER: Message = { fields: { ...PLAIN_PARAMETER, type: [5, text], enum: [20, list(any)] } };
const QUERY: Message = { fields: { ...PLAIN_PARAMETER, type: [6, text], enum: [21, list(any)] } };
const BODY: Message = {
  fields: { name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] },
};

/** The ways through the alternatives of a parameter to the message that it is. */
const PARAMETERS: Readonly<Record<string, readonly [readonly number[], Message]>> = {
  body: [[1, 1], BODY],
  header: [[1, 2, 1], OTHER],
  query: [[1, 2, 3], QUERY],
  path: [[1, 2, 4], OTHER],
};

function parameter(number: number, value: { readonly in: string }): Buffer {
  const [path, of] = PARAMETERS[value.in] as (typeof PARAMETERS)[string];
  return within(
    path,
    message(() => of),
  )(number, value as never);
}

const RESPONSE: Message = { fields: { description: [1, text], schema: [2, within([1], schema)] } };
const response: Write = within(
  [1],
  message(() => RESPONSE),
);

const OPERATION: Message = {
  fields: {
    ...{ tags: [1, list(text)], summary: [2, text], description: [3, text] },
    ...{ operationId: [5, text], produces: [6, list(text)], consumes: [7, list(text)] },
    ...{ parameters: [8, list(parameter)], responses: [9, map(response)] },
  },
  extensions: 13,
};
const operation: Write = message(() => OPERATION);

const PATH_ITEM: Message = {
  fields: {
    ...{ get: [2, operation], put: [3, operation], post: [4, operation] },
    ...{ delete: [5, operation], patch: [8, operation] },
  },
};

const DOCUMENT: Message = {
  fields: {
    swagger: [1, text],
    info: [2, message(() => ({ fields: { title: [1, text], version: [2, text] } }))],
    paths: [
      8,
      map(
        message(() => PATH_ITEM),
        2,
      ),
    ],
    definitions: [9, map(schema)],
  },
};

/** The bytes of a document. */
export function encodeOpenApiV2(document: object): Buffer {
  return encode(document, DOCUMENT);
}
