import { describe, expect, test } from 'vitest';
import { type Message, readProtobuf } from '../../../src/http/protobuf.ts';
import { type Caller, guarded, populate } from './guarded.ts';

const ACCESS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const SUBJECT = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const NET = 'networking.datumapis.com';
const PROTOBUF = { 'content-type': 'application/vnd.kubernetes.protobuf' };

async function callers() {
  const world = await guarded();
  await populate(world, ['mine', 'foreign']);
  const projects = [world.generation('mine')];
  return {
    operator: world.operator,
    compute: world.be('c', { role: 'compute', projects }),
    provider: world.be('p', { role: 'provider', locations: ['dfw'] }),
  };
}

const may = async (caller: Caller, resourceAttributes: object) => {
  const { code, body } = await caller.post(ACCESS, { spec: { resourceAttributes } });
  expect([code, body.kind, body.spec]).toEqual([
    ...[201, 'SelfSubjectAccessReview', { resourceAttributes }],
  ]);
  return body.status.allowed as boolean;
};

describe('whether one may', () => {
  test('is what would happen', async () => {
    const { operator, compute, provider } = await callers();
    const claims = { group: NET, resource: 'networkinterfaceclaims' };
    const nics = { group: NET, resource: 'networkinterfaces' };
    expect(await may(compute, { ...claims, verb: 'create', namespace: 'mine' })).toBe(true);
    expect(await may(compute, { ...claims, verb: 'create', namespace: 'foreign' })).toBe(false);
    expect(await may(compute, { ...claims, verb: 'list' })).toBe(false);
    expect(await may(compute, { ...nics, verb: 'delete', namespace: 'mine' })).toBe(false);
    expect(await may(compute, { resource: 'namespaces', verb: 'get', name: 'mine' })).toBe(true);
    expect(await may(provider, { ...nics, verb: 'watch' })).toBe(true);
    expect(await may(provider, { ...nics, subresource: 'status', verb: 'patch' })).toBe(true);
    expect(await may(provider, { ...nics, verb: 'delete' })).toBe(false);
    expect(await may(operator, { group: '*', resource: '*', verb: '*' })).toBe(true);
    expect(await may(compute, { group: '*', resource: '*', verb: '*' })).toBe(false);
    expect(await may(operator, { ...nics, verb: 'impersonate' })).toBe(false);
  });

  test('is asked of paths, too', async () => {
    const { compute, provider } = await callers();
    const spec = { nonResourceAttributes: { path: '/ledger/v1/events', verb: 'GET' } };
    expect((await compute.post(ACCESS, { spec })).body.status.allowed).toBe(true);
    expect((await provider.post(ACCESS, { spec })).body.status.allowed).toBe(false);
  });

  test.each([
    [{}],
    [{ spec: { resourceAttributes: {}, nonResourceAttributes: {} } }],
    [{ spec: { resourceAttributes: { verb: 1 } } }],
    [{ spec: 'x' }],
  ])('is asked about one thing: %j', async (body) => {
    const { code, body: answer } = await (await callers()).compute.post(ACCESS, body);
    expect([code, answer.reason]).toEqual([422, 'Invalid']);
  });
});

test('rules are those of the namespace', async () => {
  const { compute, operator } = await callers();
  const rulesIn = async (caller: Caller, namespace: string) =>
    (await caller.post(RULES, { spec: { namespace } })).body.status;
  const own = await rulesIn(compute, 'mine');
  expect(own.incomplete).toBe(false);
  expect(own.resourceRules).toContainEqual({
    ...{ verbs: ['get', 'list', 'watch'], apiGroups: [NET], resources: ['networks'] },
  });
  expect(
    own.nonResourceRules.map((rule: { nonResourceURLs: string[] }) => rule.nonResourceURLs),
  ).toEqual([['/ledger/v1/claims:batch'], ['/ledger/v1/events']]);
  expect((await rulesIn(compute, 'foreign')).resourceRules).toEqual([]);
  const all = await rulesIn(operator, 'foreign');
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  expect(all.resourceRules).toEqual([{ verbs, apiGroups: ['*'], resources: ['*'] }]);
  const methods = ['get', 'patch', 'delete', 'post', 'put'];
  expect(all.nonResourceRules).toEqual([{ verbs: methods, nonResourceURLs: ['*'] }]);
});

test('everybody is told who they are', async () => {
  const { compute } = await callers();
  const { code, body } = await compute.post(SUBJECT, {});
  expect([code, body.status.userInfo]).toEqual([
    201,
    { username: 'c', groups: ['netalloc:compute', 'system:authenticated'] },
  ]);
});

describe('in protobuf, as kubectl sends it', () => {
  const text = (number: number, value: string) => bytes(number, Buffer.from(value));
  const bytes = (number: number, value: Buffer) =>
    Buffer.concat([Buffer.from([number * 8 + 2, value.length]), value]);
  const review = (kind: string, spec: Buffer) =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      bytes(1, Buffer.concat([text(1, 'authorization.k8s.io/v1'), text(2, kind)])),
      bytes(
        2,
        Buffer.concat([bytes(1, text(1, '')), bytes(2, spec), Buffer.from([0x18, 0x81, 1])]),
      ),
      ...[text(3, ''), text(4, '')],
    ]);
  const canCreate = (namespace: string) => {
    const parts = [text(1, namespace), text(2, 'create'), text(3, NET), text(4, '*')];
    const of = Buffer.concat([...parts, text(5, 'networkinterfaceclaims'), text(6, '')]);
    return review('SelfSubjectAccessReview', bytes(1, of));
  };

  test('it is the same question', async () => {
    const { compute } = await callers();
    for (const [namespace, allowed] of [
      ['mine', true],
      ['foreign', false],
    ] as const) {
      const { code, body } = await compute.send('POST', ACCESS, canCreate(namespace), PROTOBUF);
      expect([code, body.status.allowed]).toEqual([201, allowed]);
      expect(body.spec.resourceAttributes.namespace).toBe(namespace);
    }
  });

  test('a body that is cut anywhere is refused or read, never a fault', () => {
    const message: Message = { 2: ['spec', { 1: ['resourceAttributes', { 1: ['a', 'text'] }] }] };
    const whole = canCreate('mine');
    for (let length = 0; length < whole.length; length += 1) {
      try {
        readProtobuf(whole.subarray(0, length), message);
      } catch (error) {
        expect(error).toMatchObject({ code: 400, reason: 'BadRequest' });
      }
    }
  });

  test.each([
    ['no magic', Buffer.from('{}')],
    ['a length beyond the end', Buffer.from('k8s\0\x12\x7f')],
    ['a length without end', Buffer.concat([Buffer.from('k8s\0\x12'), Buffer.alloc(12, 0xff)])],
    ['a group', Buffer.from('k8s\0\x13')],
    ['no UTF-8', Buffer.concat([Buffer.from('k8s\0\x0a\x03\x0a\x01'), Buffer.from([0xff])])],
  ])('what it is not is refused: %s', (_what, body) => {
    expect(() => readProtobuf(body, {})).toThrow(/protobuf/);
  });
});
