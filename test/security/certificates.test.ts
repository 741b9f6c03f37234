import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/security/certificates.ts';

test('a client that trusts the authority reaches the server by each of its names', async () => {
  const now = new Date();
  const authority = await makeAuthority(now, randomBytes);
  const hosts = ['localhost', '127.0.0.1', '::1'];
  const { certificate: cert, key } = await makeServerCertificate(
    ...([authority, hosts, now, randomBytes] as const),
  );
  const server = createServer({ cert, key }, (_request, response) => response.end('fine'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const ask = (servername: string, ca?: string) =>
    new Promise<number | string | undefined>((resolve) => {
      const host = '127.0.0.1';
      const options = { host, port, servername, ca, agent: false as const, headers: { host } };
      const asked = get(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
  expect(await ask('localhost', authority.certificate)).toBe(200);
  expect(await ask('', authority.certificate)).toBe(200);
  expect(await ask('example.com', authority.certificate)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  const other = await makeAuthority(now, randomBytes);
  expect(await ask('localhost', other.certificate)).toMatch(/SIGNATURE|UNABLE/);
});

test('an authority signs servers and no further authorities; a server is no authority', async () => {
  const now = new Date('2026-03-02T08:00:00Z');
  const authority = await makeAuthority(now, randomBytes);
  const server = await makeServerCertificate(authority, ['::1'], now, randomBytes);
  const [ca, leaf] = [authority, server].map((one) => new X509Certificate(one.certificate));
  expect([ca?.ca, leaf?.ca]).toEqual([true, false]);
  expect(leaf?.checkIssued(ca as X509Certificate)).toBe(true);
  expect(leaf?.verify((ca as X509Certificate).publicKey)).toBe(true);
  expect(leaf?.subjectAltName).toBe('IP Address:0:0:0:0:0:0:0:1');
  expect([leaf?.validFromDate.toISOString(), leaf?.validToDate.toISOString()]).toEqual([
    ...['2026-03-02T07:00:00.000Z', '2026-05-31T08:00:00.000Z'],
  ]);
  expect(ca?.serialNumber).not.toBe(leaf?.serialNumber);
});
