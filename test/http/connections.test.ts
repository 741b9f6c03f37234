import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loopbackOnly } from '../../src/http/auth/authenticator.ts';
import { ANYONE } from '../../src/http/auth/enforce.ts';
import type { ConnectionBounds, HttpDeps } from '../../src/http/deps.ts';
import { buildServer } from '../../src/http/server.ts';
import { makeAuthority, makeServerCertificate } from '../../src/security/certificates.ts';
import { livingWorld } from '../views/living-world.ts';
import { livingDeps, loggerTo } from './living-deps.ts';
import { answersIn, rawSocket, statusIn } from './raw-socket.ts';
import { INTERFACES, NAMESPACES } from './world.ts';

const POST = `POST ${NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
const GET = `GET ${NAMESPACES} HTTP/1.1\r\nHost: localhost\r\n`;

/** An answer that is larger than what the network holds of it. */
const LARGE = '/large';

/** A server with bounds of its own: those of the service would take as long as they say. */
async function listening(connections: Partial<ConnectionBounds>, changes: Partial<HttpDeps> = {}) {
  const world = await livingWorld();
  const logged: string[] = [];
  const app = buildServer({
    ...livingDeps(world),
    authenticator: loopbackOnly,
    logger: loggerTo(logged, 'warn'),
    connections,
    ...changes,
  });
  app.get(LARGE, ANYONE, (_request, reply) => reply.send('x'.repeat(50_000_000)));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  return { ...world, app, port: Number(port), logged };
}

function connectionsOf({ server }: FastifyInstance): Promise<number> {
  return new Promise((resolve) => server.getConnections((_fault, count) => resolve(count)));
}

/** A bound that is looked at all the time. */
const SOON = { checkMs: 10, headMsMax: 100, requestMsMax: 200 };

describe('a client that is slow is cut off', () => {
  test('when it sends nothing', async () => {
    const { port } = await listening(SOON);
    const raw = await rawSocket(port);
    const answer = await raw.ended;
    expect(answersIn(answer)).toEqual(['HTTP/1.1 408']);
    expect(statusIn(answer)).toMatchObject({ kind: 'Status', code: 408 });
  });

  test('when it sends a head byte by byte', async () => {
    const { port } = await listening(SOON);
    const raw = await rawSocket(port);
    raw.write(`${GET}X: `);
    const drip = setInterval(() => raw.write('x'), 10);
    onTestFinished(() => clearInterval(drip));
    expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 408']);
  });

  test('when it sends a body byte by byte, of which nothing is then stored', async () => {
    const { port, store } = await listening(SOON);
    const head = await store.head();
    const raw = await rawSocket(port);
    raw.write(`${POST}Content-Length: 10000\r\n\r\n`);
    const drip = setInterval(() => raw.write(' '), 10);
    onTestFinished(() => clearInterval(drip));
    expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 408']);
    expect(await store.head()).toBe(head);
  });

  test('when it sends chunk by chunk', async () => {
    const { port } = await listening(SOON);
    const raw = await rawSocket(port);
    raw.write(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    const drip = setInterval(() => raw.write('1\r\n \r\n'), 10);
    onTestFinished(() => clearInterval(drip));
    expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 408']);
  });

  test('when it has sent enough of a request to be refused, and goes on with the rest', async () => {
    const { port } = await listening(SOON);
    const raw = await rawSocket(port);
    raw.write(`${POST.replace('POST', 'PUT')}Content-Length: 10000\r\n\r\n`);
    const drip = setInterval(() => raw.write(' '), 10);
    onTestFinished(() => clearInterval(drip));
    expect(answersIn(await raw.ended)[0]).toBe('HTTP/1.1 405');
  });

  test('when it does not read what it has asked for', async () => {
    const { app, port } = await listening({ stillMsMax: 100 });
    const raw = await rawSocket(port);
    raw.socket.pause();
    const served = once(app.server, 'request');
    raw.write(`${GET.replace(NAMESPACES, LARGE)}\r\n`);
    await served;
    await expect.poll(() => connectionsOf(app)).toBe(0);
  });

  test('when it has been answered and asks for nothing more', async () => {
    const { port } = await listening({ keepAliveMs: 100 });
    const raw = await rawSocket(port);
    raw.write(`${GET}\r\n`);
    expect(answersIn(await raw.ended)).toEqual(['HTTP/1.1 200']);
  });

  test('but not while it watches', async () => {
    const { port } = await listening({ ...SOON, keepAliveMs: 100 });
    const raw = await rawSocket(port);
    raw.write(`GET ${INTERFACES}?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await expect.poll(() => raw.answer).toContain('\r\n0\r\n\r\n');
    expect(answersIn(raw.answer)).toEqual(['HTTP/1.1 200']);
  });
});

test('malformed HTTP behind a request that is still answered is not answered within that', async () => {
  const { port } = await listening({});
  const raw = await rawSocket(port);
  raw.write(`GET ${INTERFACES}?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await expect.poll(() => raw.answer).toContain('\r\n\r\n');
  raw.write('nonsense\r\n\r\n');
  const answer = await raw.ended;
  expect(answersIn(answer)).toEqual(['HTTP/1.1 200']);
  expect(answer).not.toContain('malformed');
});

test('connections beyond the bound are not taken, which is told', async () => {
  const { app, port, logged } = await listening({ connectionsMax: 2 });
  const [one, two] = [await rawSocket(port), await rawSocket(port)];
  for (const beyond of [await rawSocket(port), await rawSocket(port)]) {
    expect(await beyond.ended).toBe('');
  }
  expect(logged.map((line) => JSON.parse(line).msg)).toEqual([
    'there are too many connections: new ones are not taken',
  ]);
  two.write(`${GET}\r\n`);
  await expect.poll(() => answersIn(two.answer)).toEqual(['HTTP/1.1 200']);
  one.socket.destroy();
  await expect.poll(() => connectionsOf(app)).toBe(1);
  const next = await rawSocket(port);
  next.write(`${GET}\r\n`);
  await expect.poll(() => answersIn(next.answer)).toEqual(['HTTP/1.1 200']);
});

describe('with TLS', () => {
  async function secured(bounds: Partial<ConnectionBounds>) {
    const authority = await makeAuthority(new Date(), randomBytes);
    const made = await makeServerCertificate(authority, ['localhost'], new Date(), randomBytes);
    const { certificate, key } = made;
    const tls = { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
    const server = await listening(bounds, { tls });
    return { ...server, authority: authority.certificate };
  }

  test.each([
    ['is never begun', ''],
    ['is begun, and never ended', Buffer.from('1603010200010001fc0303', 'hex')],
  ])('a handshake that %s is cut off', async (_what, begun) => {
    const { port } = await secured({ handshakeMsMax: 100 });
    const raw = await rawSocket(port);
    raw.write(begun);
    expect(answersIn(await raw.ended)).toEqual([]);
  });

  test('what is no TLS is cut off', async () => {
    const { port } = await secured({});
    const raw = await rawSocket(port);
    raw.write(`${GET}\r\n`);
    expect(answersIn(await raw.ended)).toEqual([]);
  });

  test('who sends nothing once connected is cut off as without', async () => {
    const { port, authority } = await secured(SOON);
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: authority });
    onTestFinished(() => void socket.destroy());
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    await once(socket, 'close');
    expect(answersIn(answer)).toEqual(['HTTP/1.1 408']);
  });
});
