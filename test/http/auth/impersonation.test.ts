import { expect, test } from 'vitest';
import { claim, NAMESPACES, world } from '../world.ts';
import { guarded, pathsOf, populate } from './guarded.ts';

const CLAIMS = pathsOf('mine', 'networkinterfaceclaims');
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** What clients send to act as somebody else; upstream wants a user with all of them. */
const HEADERS = [
  { 'impersonate-user': 'bob' },
  { 'impersonate-user': 'bob', 'impersonate-group': 'admins' },
  { 'Impersonate-Group': 'system:masters' },
  { 'impersonate-uid': '7' },
  { 'impersonate-extra-scopes': 'view' },
];

test.each(HEADERS)('nobody acts as somebody else: %j', async (headers) => {
  const place = await guarded();
  await populate(place, ['mine']);
  const { operator } = place;
  const json = { 'content-type': 'application/json', ...headers };
  const attempts = [
    await operator.send('POST', CLAIMS, claim('web-0'), json),
    await operator.send('GET', NAMESPACES, undefined, headers),
    await operator.send('POST', REVIEWS, { spec: {} }, json),
    await operator.send('GET', '/no/such/path', undefined, headers),
  ];
  const refused = [403, 'Forbidden', expect.stringContaining('cannot impersonate')];
  expect(attempts.map(({ code, body }) => [code, body.reason, body.message])).toEqual(
    attempts.map(() => refused),
  );
  expect((await operator.get(CLAIMS)).body.items).toEqual([]);
});

test('nor where everybody is an operator', async () => {
  const { get } = world();
  const { code, body } = await get(NAMESPACES, { 'impersonate-user': 'bob' });
  expect([code, body.message]).toEqual([
    403,
    'forbidden: User "insecure-http" cannot impersonate user "bob": there is no impersonation',
  ]);
});

test('an unknown caller is told nothing of that', async () => {
  const { bearing } = await guarded();
  const answer = await bearing('x').send('GET', NAMESPACES, undefined, { 'impersonate-user': 'b' });
  expect(answer.code).toBe(401);
});
