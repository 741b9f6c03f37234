import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Tokens } from '../../../src/security/tokens.ts';
import { loggerTo } from '../living-deps.ts';
import { guarded, pathsOf, populate } from './guarded.ts';

const TOKENS = '/ledger/v1/tokens';
const DAY_MS = 86_400_000;

/** A server whose tokens are those of a file. */
async function withTokens() {
  const place = mkdtempSync(join(tmpdir(), 'netalloc-tokens-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const path = join(place, 'tokens.json');
  const nowMs = Date.parse('2026-03-02T08:00:00Z');
  const options = { clock: () => new Date(nowMs), randomBytes, onFault: () => {} };
  const tokens = new Tokens(path, options);
  const logged: string[] = [];
  const logger = loggerTo(logged, 'info');
  const world = await guarded({ tokens, logger, clock: options.clock }, (text) =>
    tokens.find(text),
  );
  await populate(world, ['alpha', 'beta']);
  return { ...world, path, nowMs, logged, another: () => new Tokens(path, options) };
}

test('an operator makes a token, and whoever has it is let in at once', async () => {
  const { operator, bearing, generation, nowMs, logged, path } = await withTokens();
  const asked = { role: 'compute', subject: 'web', projects: ['alpha'], expires: '24h' };
  const { code, body } = await operator.post(TOKENS, asked);
  const { id, token, ...rest } = body;
  expect([code, rest]).toEqual([
    201,
    {
      ...{ role: 'compute', subject: 'web', projects: [generation('alpha')], locations: [] },
      createdAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(nowMs + DAY_MS).toISOString(),
    },
  ]);
  expect((await bearing(token).get(pathsOf('alpha', 'networks'))).code).toBe(200);
  expect((await bearing(token).get(pathsOf('beta', 'networks'))).code).toBe(403);

  const list = await operator.get(TOKENS);
  expect(list.body).toEqual({ items: [{ id, ...rest }] });
  expect(readFileSync(path, 'utf8')).not.toContain(token.split('_').at(-1));
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'a token was made', tokenId: id, actor: { subject: 'op', role: 'operator' } },
  ]);
  expect(logged.join()).not.toContain(token.slice(-20));
});

test('a token that is revoked ends at once, with what it has open, and for other ledgers', async () => {
  const { operator, bearing, another, logged } = await withTokens();
  const asked = { role: 'compute', subject: 'web', projects: ['alpha'] };
  const { body } = await operator.post(TOKENS, asked);
  const holder = bearing(body.token);
  const other = another();
  expect(other.find(body.token)?.subject).toBe('web');
  const watch = await holder.follow(`${pathsOf('alpha', 'networks')}?watch=true`);
  const feed = await holder.follow('/ledger/v1/events?project=alpha');
  const dry = await operator.send('DELETE', `${TOKENS}/${body.id}?dryRun=All`);
  expect([dry.code, dry.body.id]).toEqual([200, body.id]);
  expect((await holder.get(pathsOf('alpha', 'networks'))).code).toBe(200);

  const gone = await operator.send('DELETE', `${TOKENS}/${body.id}`);
  expect([gone.code, gone.body.id]).toEqual([200, body.id]);
  expect((await holder.get(pathsOf('alpha', 'networks'))).code).toBe(401);
  await Promise.all([watch.ended, feed.ended]);
  other.refresh();
  expect(other.find(body.token)).toBe(undefined);
  expect((await operator.get(TOKENS)).body).toEqual({ items: [] });
  const again = await operator.send('DELETE', `${TOKENS}/${body.id}`);
  expect([again.code, again.body.reason]).toEqual([404, 'NotFound']);
  const told = logged.map((line) => JSON.parse(line)).filter(({ tokenId }) => tokenId === body.id);
  expect(told.map(({ msg }) => msg)).toEqual(['a token was made', 'a token was revoked']);
});

test('a dry run says what would be made, and makes nothing', async () => {
  const { operator, generation } = await withTokens();
  const asked = { role: 'compute', subject: 'web', projects: ['alpha'] };
  const { code, body } = await operator.post(`${TOKENS}?dryRun=All`, asked);
  const projects = [generation('alpha')];
  expect([code, body]).toEqual([201, { ...asked, projects, locations: [], expiresAt: null }]);
  expect((await operator.get(TOKENS)).body).toEqual({ items: [] });
});

test.each([
  [{}, /subject: Required value, role: Required value/],
  [{ role: 'king', subject: 'a' }, /role: Unsupported value: "king"/],
  [{ role: 'auditor', subject: 'A B' }, /subject: Invalid value: "A B": must be a DNS name/],
  [{ role: 'compute', subject: 'a' }, /projects: .*a token of role compute needs some/],
  [{ role: 'provider', subject: 'a' }, /locations: .*a token of role provider needs some/],
  [{ role: 'auditor', subject: 'a', projects: ['alpha'] }, /projects: .*is not limited to any/],
  [{ role: 'operator', subject: 'a', locations: ['dfw'] }, /locations: .*is not limited to any/],
  [{ role: 'compute', subject: 'a', projects: ['x'] }, /projects\[0\]: .*there is no such project/],
  [{ role: 'auditor', subject: 'a', expires: 'soon' }, /expires: .*a duration such as 720h/],
  [{ role: 'auditor', subject: 'a', expires: '0s' }, /expires: .*a duration such as 720h/],
])('%j is refused, and makes nothing', async (asked, why) => {
  const { operator } = await withTokens();
  const { code, body } = await operator.post(TOKENS, asked);
  expect([code, body.reason, body.message]).toEqual([422, 'Invalid', expect.stringMatching(why)]);
  expect((await operator.get(TOKENS)).body).toEqual({ items: [] });
});

test('what could be misunderstood is refused', async () => {
  const { operator, path } = await withTokens();
  const asked = { role: 'auditor', subject: 'a' };
  const refusals = [
    await operator.post(TOKENS, { ...asked, project: ['alpha'] }),
    await operator.post(`${TOKENS}?fieldValidation=Ignore`, { ...asked, project: ['alpha'] }),
    await operator.send('POST', TOKENS, asked, { 'idempotency-key': 'a' }),
    await operator.send('DELETE', `${TOKENS}/x`, undefined, { 'idempotency-key': 'a' }),
    await operator.get(`${TOKENS}?asOf=1`),
  ];
  expect(refusals.map(({ code }) => code)).toEqual([400, 400, 400, 400, 400]);
  expect((await operator.get(TOKENS)).body).toEqual({ items: [] });

  writeFileSync(path, 'nothing');
  const broken = await operator.post(TOKENS, asked);
  expect([broken.code, broken.body.reason]).toEqual([503, 'ServiceUnavailable']);
});

test('without authentication there are no tokens', async () => {
  const { operator } = await guarded();
  const { code, body } = await operator.get(TOKENS);
  expect([code, body.message]).toEqual([404, expect.stringContaining('--insecure-http')]);
});
