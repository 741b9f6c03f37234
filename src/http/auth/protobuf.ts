import { isUtf8 } from 'node:buffer';
import { badRequest } from '../status.ts';

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** The fields of a message by their numbers: texts, and messages within. All others are skipped. */
export interface Message {
  readonly [number: number]: readonly [name: string, type: 'text' | Message];
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
  return { ...typeMeta, ...decode(raw, message) };
}

function decode(bytes: Buffer, message: Message): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const { number, bytes: value } of fieldsOf(bytes)) {
    const field = message[number];
    if (field === undefined || value === undefined) continue;
    const [name, type] = field;
    object[name] = type === 'text' ? textOf(value) : decode(value, type);
  }
  return object;
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw malformed();
  return bytes.toString('utf8');
}

interface Field {
  readonly number: number;
  /** Of a field with a length; undefined for a number. */
  readonly bytes: Buffer | undefined;
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
    if (wire === WIRE.bytes) yield { number, bytes: skip(varint()) };
    else {
      if (wire === WIRE.varint) varint();
      else if (wire === WIRE.fixed64) skip(8);
      else if (wire === WIRE.fixed32) skip(4);
      else throw malformed();
      yield { number, bytes: undefined };
    }
  }
}

function malformed() {
  return badRequest('the body is not valid protobuf');
}
