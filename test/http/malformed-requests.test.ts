import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { answersIn, exchange, rawSocket, statusIn } from './raw-socket.ts';
import { CLAIMS, claim, type World, world } from './world.ts';

const BODY = JSON.stringify(claim('smuggled'));
const HEAD = `POST ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
/** What a reader that disagrees about where a request ends would take for another one. */
const HIDDEN = `${HEAD}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;

let server: World;
let port: number;
beforeAll(async () => {
  server = world({});
  port = Number(new URL(await server.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => server.app.close());

describe('a request that readers may see the end of in two ways is refused, and the rest unread', () => {
  test.each([
    ['two lengths', 'Content-Length: 0\r\nContent-Length: 5\r\n\r\n'],
    ['the same length twice', 'Content-Length: 0\r\nContent-Length: 0\r\n\r\n'],
    ['two lengths in one header', 'Content-Length: 0, 0\r\n\r\n'],
    ['length, then chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks, then length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'],
    [
      'chunks that are not the last coding',
      'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks and another coding',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n',
    ],
    ['chunks by another name', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a header that goes on in the next line', 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n'],
    ['a length with a sign', 'Content-Length: +0\r\n\r\n'],
    ['a negative length', 'Content-Length: -1\r\n\r\n'],
    ['a length in hexadecimal', 'Content-Length: 0x0\r\n\r\n'],
    ['an empty length', 'Content-Length:\r\n\r\n'],
    ['a length beyond all numbers', `Content-Length: ${'9'.repeat(40)}\r\n\r\n`],
    ['a chunk with a sign', 'Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n'],
    ['a chunk in hexadecimal notation', 'Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n'],
    ['a chunk of no size', 'Transfer-Encoding: chunked\r\n\r\n;a\r\n\r\n'],
    ['a chunk beyond all numbers', `Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n`],
    ['a chunk longer than it says', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n'],
    ['a chunk whose line ends early', 'Transfer-Encoding: chunked\r\n\r\n0\n\r\n'],
    ['a line that ends with a line feed', 'X: a\nContent-Length: 0\r\n\r\n'],
    ['a line that ends with a carriage return', 'X: a\rContent-Length: 0\r\n\r\n'],
    ['a carriage return within a header', 'X: a\rb\r\nContent-Length: 0\r\n\r\n'],
    ['a null within a header', 'X: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['a head that ends with line feeds', 'Content-Length: 0\n\n'],
    ['a header without a name', ': a\r\nContent-Length: 0\r\n\r\n'],
    ['a header without a colon', 'Content-Length 0\r\n\r\n'],
  ])('%s', async (_what, rest) => {
    const answer = await exchange(port, [HEAD + rest + HIDDEN]);
    expect(answersIn(answer)).toEqual(['HTTP/1.1 400']);
    expect(statusIn(answer)).toMatchObject({ kind: 'Status', reason: 'BadRequest', code: 400 });
    expect(server.ledger.sent).toEqual([]);
  });

  test.each([
    ['no HTTP', 'nonsense\r\n\r\n', 400],
    ['a version that there is not', `GET ${CLAIMS} HTTP/1.7\r\nHost: localhost\r\n\r\n`, 400],
    ['a method that there is not', `FROB ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['TLS', Buffer.from('160301020001000001fc0303', 'hex'), 400],
    [
      'a path that is too long',
      `GET /${'x'.repeat(limits.requestHeadBytesMax)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      431,
    ],
    [
      'a header that is too long',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(limits.requestHeadBytesMax)}\r\n\r\n`,
      431,
    ],
    [
      'headers that are too many',
      `GET / HTTP/1.1\r\nHost: localhost\r\n${'a:\r\n'.repeat(limits.requestHeadersMax)}\r\n`,
      431,
    ],
    [
      'extensions of a chunk that are too long',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
      413,
    ],
  ])('%s', async (_what, text, code) => {
    const answer = await exchange(port, [text]);
    expect(answersIn(answer)).toEqual([`HTTP/1.1 ${code}`]);
    expect(statusIn(answer)).toMatchObject({ kind: 'Status', code });
    expect(server.ledger.sent).toEqual([]);
  });
});

test('a head of the size that is allowed is read', async () => {
  const padding = 'x'.repeat(limits.requestHeadBytesMax - 200);
  const head = `GET ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ${padding}\r\n`;
  expect(answersIn(await exchange(port, [`${head}\r\n`]))).toEqual(['HTTP/1.1 200']);
});

test('headers are all read, or the request is refused: none is left out', async () => {
  const { requestHeadersMax } = limits;
  const origin = 'Origin: https://example.com\r\n';
  const withHeaders = (count: number) =>
    exchange(port, [
      `GET ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        `${'a:\r\n'.repeat(count - 3)}${origin}\r\n`,
    ]);
  expect(answersIn(await withHeaders(requestHeadersMax - 1))).toEqual(['HTTP/1.1 403']);
  expect(answersIn(await withHeaders(requestHeadersMax + 1))).toEqual(['HTTP/1.1 431']);
});

test('what is sent after malformed HTTP is not read', async () => {
  const raw = await rawSocket(port);
  raw.write('nonsense\r\n\r\n');
  raw.write(HIDDEN);
  expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 400']);
  expect(server.ledger.sent).toEqual([]);
});

test('a request without a Host is refused', async () => {
  const answer = await exchange(port, [`GET ${CLAIMS} HTTP/1.1\r\n\r\n`]);
  expect(answersIn(answer)).toEqual(['HTTP/1.1 400']);
});

test.each(['/', 'http://example.com/', '*', '//example.com/'])(
  'a target of another form than a path leads nowhere: %s',
  async (target) => {
    const head = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect(answersIn(await exchange(port, [head]))).toEqual(['HTTP/1.1 404']);
  },
);

test('nobody gets another protocol, or through to somewhere else', async () => {
  const upgrade = 'Connection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n';
  const head = `GET ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\n`;
  expect(answersIn(await exchange(port, [`${head}${upgrade}\r\n`]))).toEqual(['HTTP/1.1 200']);
  const connect = 'CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n';
  expect(answersIn(await exchange(port, [connect]))).toEqual([]);
});

test('a client that asks first is told to go on, or that nothing else can be expected', async () => {
  const raw = await rawSocket(port);
  const length = `Content-Length: ${BODY.length}\r\nConnection: close\r\n`;
  raw.write(`${HEAD}${length}Expect: 100-continue\r\n\r\n`);
  await expect.poll(() => raw.answer).toContain('HTTP/1.1 100 Continue');
  raw.write(BODY);
  expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 201']);
  server.ledger.sent.splice(0);
  const other = `${HEAD}${length}Expect: a cake\r\n\r\n${BODY}`;
  expect(answersIn(await exchange(port, [other]))).toEqual(['HTTP/1.1 417']);
  expect(server.ledger.sent).toEqual([]);
});
