import type { FastifyInstance } from 'fastify';
import { describe, expect, test } from 'vitest';
import { LedgerUnavailable } from '../../src/application/request.ts';
import { limits } from '../../src/limits.ts';
import { guarded } from './auth/guarded.ts';
import { answersIn, rawSocket } from './raw-socket.ts';
import { GROUP, location, NAMESPACES } from './world.ts';

/** A bound that one body of a kilobyte more than what does not count fits. */
const BYTES = limits.smallBodyBytesMax + 1_024;

async function portOf(app: FastifyInstance): Promise<number> {
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
}

const announcing = (name: string, length: string) =>
  `POST ${NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${name}\r\n` +
  `Content-Type: application/json\r\nConnection: close\r\n${length}\r\n\r\n`;
const ofLength = (bytes: number) => `Content-Length: ${bytes}`;
const CHUNKED = 'Transfer-Encoding: chunked';

describe.each([
  ['its own', { bytesPerSubjectMax: BYTES }, 429, 422],
  ['those of all', { bytesMax: BYTES }, 503, 503],
])('a body that does not fit beside %s', (_what, bodies, code, ofAnother) => {
  async function occupied() {
    const world = await guarded({ bodies });
    for (const name of ['one', 'two']) world.be(name, { role: 'operator' });
    const port = await portOf(world.app);
    const begun = await rawSocket(port);
    begun.write(announcing('one', ofLength(BYTES)));
    const send = async (name: string, length: string, body = '') => {
      const raw = await rawSocket(port);
      raw.write(announcing(name, length) + body);
      return answersIn(await raw.ended);
    };
    const large = '{}'.padEnd(BYTES);
    await expect.poll(() => send('one', ofLength(BYTES), large)).toEqual([`HTTP/1.1 ${code}`]);
    return { begun, send, large };
  }

  test('is not read', async () => {
    const { send, large } = await occupied();
    expect(await send('one', CHUNKED)).toEqual([`HTTP/1.1 ${code}`]);
    expect(await send('two', ofLength(BYTES), large)).toEqual([`HTTP/1.1 ${ofAnother}`]);
    expect(await send('one', ofLength(2), '{}')).toEqual(['HTTP/1.1 422']);
  });

  test('is read when they have been answered', async () => {
    const { begun, send, large } = await occupied();
    begun.write(large);
    expect(answersIn(await begun.ended)).toEqual(['HTTP/1.1 422']);
    expect(await send('one', ofLength(BYTES), large)).toEqual(['HTTP/1.1 422']);
  });

  test('is read when their connection is gone', async () => {
    const { begun, send, large } = await occupied();
    begun.socket.destroy();
    await expect.poll(() => send('one', ofLength(BYTES), large)).toEqual(['HTTP/1.1 422']);
  });
});

/** A ledger that answers when it is told to, and tells when it has been asked. */
function waitingLedger() {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<never>();
  const never = () => Promise.reject(new Error('unexpected'));
  const platform = () => {
    asked.resolve();
    return answer.promise;
  };
  return {
    asked,
    answer,
    ledger: { platform, project: never, authoredPool: never, ready: () => [] },
  };
}

test('so many requests of one subject are in work, and no answer of another waits for them', async () => {
  const { asked, answer, ledger } = waitingLedger();
  const { operator, be } = await guarded({ requestsAtOnceMax: 1, ledger });
  const other = be('other', { role: 'operator' });
  const first = operator.send('POST', `${GROUP}/locations`, location('dfw'));
  await asked.promise;
  const refused = await operator.get(`${GROUP}/locations`);
  expect([refused.code, refused.body.reason]).toEqual([429, 'TooManyRequests']);
  expect(refused.body.details.retryAfterSeconds).toBe(1);
  expect((await other.get(`${GROUP}/locations`)).code).toBe(200);
  answer.reject(new LedgerUnavailable('not now'));
  expect((await first).code).toBe(503);
  expect((await operator.get(`${GROUP}/locations`)).code).toBe(200);
});

test('a watch and a follower are not among the requests in work', async () => {
  const { operator } = await guarded({ requestsAtOnceMax: 1 });
  await operator.follow(`${GROUP}/locations?watch=true`);
  await operator.follow('/ledger/v1/events');
  expect((await operator.get(`${GROUP}/locations`)).code).toBe(200);
});

test('a body counts until it is answered, also when it has been read', async () => {
  const { asked, answer, ledger } = waitingLedger();
  const { operator } = await guarded({ bodies: { bytesPerSubjectMax: BYTES }, ledger });
  const padded = (name: string) => Buffer.from(JSON.stringify(location(name)).padEnd(BYTES));
  const headers = { 'content-length': String(BYTES) };
  const post = (name: string) => operator.send('POST', `${GROUP}/locations`, padded(name), headers);
  const first = post('dfw');
  await asked.promise;
  expect((await post('lhr')).code).toBe(429);
  answer.reject(new LedgerUnavailable('not now'));
  expect((await first).code).toBe(503);
  expect((await post('lhr')).code).toBe(503);
});
