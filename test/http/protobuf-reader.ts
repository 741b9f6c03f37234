/** Reads protobuf by the numbers of fields; it shares nothing with what writes it. */

/** The contents of all fields of this number; of one without a length, its bytes. */
export function fieldsOf(message: Buffer | undefined, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  for (let rest = message ?? Buffer.alloc(0); rest.length > 0; ) {
    const [key, afterKey] = varint(rest);
    const wire = key & 7n;
    let content: Buffer;
    if (wire === 0n) {
      const [, after] = varint(afterKey);
      content = afterKey.subarray(0, afterKey.length - after.length);
      rest = after;
    } else {
      const [length, body] = wire === 1n ? [8n, afterKey] : varint(afterKey);
      content = body.subarray(0, Number(length));
      if (content.length < Number(length)) throw new Error('a field goes on after its message');
      rest = body.subarray(Number(length));
    }
    if (Number(key >> 3n) === wanted) found.push(content);
  }
  return found;
}

/** The content of the first such field, going on within it by further numbers. */
export function fieldAt(message: Buffer | undefined, ...path: number[]): Buffer | undefined {
  return path.reduce<Buffer | undefined>((part, number) => fieldsOf(part, number)[0], message);
}

/** A list of names and values in fields of this number. */
export function namesIn(message: Buffer | undefined, at: number): Map<string, Buffer> {
  return new Map(
    fieldsOf(message, at).map((entry) => [
      String(fieldAt(entry, 1)),
      fieldAt(entry, 2) ?? Buffer.alloc(0),
    ]),
  );
}

function varint(bytes: Buffer): [bigint, Buffer] {
  const length = bytes.findIndex((byte) => byte < 0x80) + 1;
  if (length === 0) throw new Error('a number has no end');
  const value = [...bytes.subarray(0, length)].reduceRight(
    (sum, byte) => (sum << 7n) | BigInt(byte & 0x7f),
    0n,
  );
  return [value, bytes.subarray(length)];
}
