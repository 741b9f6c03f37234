import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OBJECT_META } from '../../src/http/kube/object-meta-message.ts';
import { type Message, readProtobuf } from '../../src/http/protobuf.ts';
import { CLAIMS, NAMESPACES, world } from './world.ts';

const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };

/** What `kubectl create namespace proto-1-33` of kubectl 1.33 sends. */
const FROM_KUBECTL = Buffer.from(
  'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEiIKGgoKcHJvdG8tMS0zMxIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==',
  'base64',
);

const bytes = (number: number, ...parts: Buffer[]) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
};
const text = (number: number, value: string) => bytes(number, Buffer.from(value));
const flag = (number: number) => Buffer.from([number * 8, 1]);
const namespace = (...metadata: Buffer[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    bytes(1, text(1, 'v1'), text(2, 'Namespace')),
    bytes(2, bytes(1, ...metadata), bytes(2, text(1, 'kubernetes'))),
  ]);
const label = (number: number, key: string, value: string) =>
  bytes(number, text(1, key), text(2, value));

describe('a namespace in protobuf', () => {
  test('is created as kubectl sends it', async () => {
    const { request, get } = world();
    const query = '?fieldManager=kubectl-create&fieldValidation=Strict';
    const made = await request('POST', NAMESPACES + query, FROM_KUBECTL, PROTOBUF);
    expect([made.code, made.headers['content-type']]).toEqual([
      201,
      expect.stringMatching(/^application\/json/),
    ]);
    expect((await get(`${NAMESPACES}/proto-1-33`)).body.metadata.uid).toBe(made.body.metadata.uid);
  });

  test('has the metadata that it says, and is replaced in the same way', async () => {
    const { request, get } = world();
    const owner = bytes(
      13,
      text(1, 'Tenant'),
      text(3, 't'),
      text(4, 'u'),
      text(5, 'x/v1'),
      flag(6),
    );
    const parts = [text(1, 'beta'), label(11, 'app', 'web'), label(11, 'tier', ''), owner];
    const notes = [label(12, 'note', 'grüße'), text(14, 'x/y'), text(14, 'x/z')];
    const body = namespace(...parts, ...notes);
    expect((await request('POST', NAMESPACES, body, PROTOBUF)).code).toBe(201);
    const { metadata } = (await get(`${NAMESPACES}/beta`)).body;
    expect(metadata).toMatchObject({
      labels: { app: 'web', tier: '' },
      annotations: { note: 'grüße' },
      finalizers: ['x/y', 'x/z'],
      ownerReferences: [
        { apiVersion: 'x/v1', kind: 'Tenant', name: 't', uid: 'u', controller: true },
      ],
    });
    const other = namespace(text(1, 'beta'), label(11, 'app', 'db'));
    expect((await request('PUT', `${NAMESPACES}/beta`, other, PROTOBUF)).code).toBe(200);
    const replaced = (await get(`${NAMESPACES}/beta`)).body.metadata;
    expect(replaced.labels).toEqual({ app: 'db' });
  });

  test.each([
    ['of another kind', Buffer.from('k8s\0\x0a\x07\x12\x05Event'), 400],
    ['with a key that no object may have', namespace(label(11, '__proto__', 'x')), 400],
    ['with a bad label', namespace(text(1, 'gamma'), label(11, 'a b', 'x')), 422],
    ['without a name', namespace(), 422],
    ['that is JSON', Buffer.from('{}'), 400],
    ['that is empty', Buffer.alloc(0), 400],
  ])('%s is refused', async (_what, body, code) => {
    const refused = await world().request('POST', NAMESPACES, body, PROTOBUF);
    expect([refused.code, refused.body.kind]).toEqual([code, 'Status']);
  });

  test('is the only kind that is taken so: others say what they take', async () => {
    const refused = await world().request('POST', CLAIMS, FROM_KUBECTL, PROTOBUF);
    expect([refused.code, refused.body.reason]).toEqual([415, 'UnsupportedMediaType']);
    expect(refused.body.message).toContain('the supported media type is application/json');
  });
});

describe('reading protobuf', () => {
  const message: Message = { 1: ['metadata', OBJECT_META] };

  test('of whatever bytes gives an object or a refusal, never a fault', () => {
    const read = (body: Buffer) => {
      try {
        expect(readProtobuf(body, message)).toBeTypeOf('object');
      } catch (error) {
        expect(error).toMatchObject({ code: 400, reason: 'BadRequest' });
      }
    };
    const whole = namespace(text(1, 'a'), label(11, 'b', 'c'), text(14, 'd'));
    for (let length = 0; length <= whole.length; length += 1) read(whole.subarray(0, length));
    const anything = fc.uint8Array({ maxLength: 60 });
    const property = fc.property(anything, fc.nat(whole.length), (noise, at) => {
      read(Buffer.concat([whole.subarray(0, at), noise]));
      read(Buffer.concat([whole.subarray(0, at), noise, whole.subarray(at)]));
    });
    fc.assert(property);
  });

  test('of very many small fields takes no longer for each of them', () => {
    const many = Buffer.concat(Array.from({ length: 500_000 }, () => Buffer.from([14 * 8 + 2, 0])));
    const length = Buffer.from([
      0x80 | (many.length & 0x7f),
      0x80 | ((many.length >> 7) & 0x7f),
      many.length >> 14,
    ]);
    const metadata = Buffer.concat([Buffer.from([0x0a]), length, many]);
    const outer = Buffer.from([
      ...[0x12, 0x80 | (metadata.length & 0x7f), 0x80 | ((metadata.length >> 7) & 0x7f)],
      metadata.length >> 14,
    ]);
    const read = readProtobuf(Buffer.concat([Buffer.from('k8s\0'), outer, metadata]), message);
    expect((read.metadata as { finalizers: string[] }).finalizers).toHaveLength(500_000);
  });
});
