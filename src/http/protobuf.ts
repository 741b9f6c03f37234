import { isUtf8 } from 'node:buffer';
import { refuseUnsafe } from './json-body.ts';
import { badRequest } from './status.ts';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** What a field holds: a text, several, texts by texts, a flag, a message or several. */
type FieldType = 'text' | 'texts' | 'textMap' | 'flag' | Message | readonly [Message];

/** The fields of a message by their numbers. All others are skipped. */
export interface Message {
  readonly [number: number]: readonly [name: string, type: FieldType];
}

/** What a protobuf body of Kubernetes begins with. */
const MAGIC = Buffer.from('k8s\0');
const ENVELOPE: Message = {
  1: ['typeMeta', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }],
};
const RAW_FIELD = 2;

/**
 * Reads a body in the protobuf form that clients send of built-in kinds only, as the JSON of the
 * same object. https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
export function readProtobuf(body: Buffer, message: Message): Record<string, unknown> {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw badRequest('the body is not in the protobuf form of Kubernetes');
  }
  const envelope = body.subarray(MAGIC.length);
  const { typeMeta } = decode(envelope, ENVELOPE) as { typeMeta?: object };
  let raw: Buffer = Buffer.alloc(0);
  for (const { number, bytes } of fieldsOf(envelope)) {
    if (number === RAW_FIELD && bytes !== undefined) raw = bytes;
  }
  const object = { ...typeMeta, ...decode(raw, message) };
  refuseUnsafe(object, 0);
  return object;
}

const ENTRY: Message = { 1: ['key', 'text'], 2: ['value', 'text'] };

function decode(bytes: Buffer, message: Message): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of fieldsOf(bytes)) {
    const known = message[field.number];
    if (known === undefined) continue;
    const [name, type] = known;
    object[name] = fieldValue(field, type, object[name]);
  }
  return object;
}

/** What a field makes of what earlier ones of its number have made. */
function fieldValue({ bytes, isTrue }: Field, type: FieldType, before: unknown): unknown {
  if (type === 'flag') return isTrue;
  if (bytes === undefined) return before;
  // Clients write an empty text where there is none.
  if (type === 'text') return bytes.length === 0 ? undefined : textOf(bytes);
  if (type === 'texts') return withItem(before, textOf(bytes));
  if (type === 'textMap') return withEntry(before, decode(bytes, ENTRY));
  return isList(type) ? withItem(before, decode(bytes, type[0])) : decode(bytes, type);
}

function isList(type: Message | readonly [Message]): type is readonly [Message] {
  return Array.isArray(type);
}

function withItem(before: unknown, item: unknown): unknown[] {
  const list = (before ?? []) as unknown[];
  list.push(item);
  return list;
}

function withEntry(before: unknown, { key = '', value = '' }: Record<string, unknown>): object {
  const entry = { value, enumerable: true, configurable: true, writable: true };
  // However it is named: what must not be is found when the whole object is there.
  return Object.defineProperty(before ?? {}, String(key), entry);
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed();
  return bytes.toString('utf8');
}

interface Field {
  readonly number: number;
  /** Of a field with a length; undefined for a number. */
  readonly bytes: Buffer | undefined;
  /** Of a number: whether it is not zero. */
  readonly isTrue: boolean;
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** https://protobuf.dev/programming-guides/encoding/ */
function* fieldsOf(buffer: Buffer): Generator<Field> {
  let at = 0;
  const skip = (length: number) => {
    if (length > buffer.length - at) throw malformed();
    at += length;
    return buffer.subarray(at - length, at);
  };
  const varint = () => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const [byte = 0] = skip(1);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw malformed();
  };
  while (at < buffer.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === WIRE.bytes) yield { number, bytes: skip(varint()), isTrue: false };
    else {
      let isTrue = false;
      if (wire === WIRE.varint) isTrue = varint() !== 0;
      else if (wire === WIRE.fixed64) skip(8);
      else if (wire === WIRE.fixed32) skip(4);
      else throw malformed();
      yield { number, bytes: undefined, isTrue };
    }
  }
}

function malformed() {
  return badRequest('the body is not valid protobuf');
}
