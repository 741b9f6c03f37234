import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import {
  type KeyPair,
  makeAuthority,
  makeServerCertificate,
} from '../../src/security/certificates.ts';
import type { Expiry } from '../../src/security/expiry.ts';
import { GivenCertificate } from '../../src/security/given-certificate.ts';
import { OwnCertificate } from '../../src/security/own-certificate.ts';
import { Secured } from '../../src/security/secured.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const DAY_MS = 86_400_000;

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'netalloc-certificates-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** Certificate files of an authority of the test's. */
async function givenFiles() {
  const place = directory();
  const paths = {
    certificate: join(place, 'tls.crt'),
    key: join(place, 'tls.key'),
    authority: join(place, 'ca.crt'),
  };
  const ca = await makeAuthority(new Date(NOW), randomBytes);
  writeFileSync(paths.authority, ca.certificate);
  const make = () => makeServerCertificate(ca, ['ledger.example'], new Date(NOW), randomBytes);
  const first = await make();
  const put = ({ certificate, key }: Partial<KeyPair>) => {
    if (certificate !== undefined) writeFileSync(paths.certificate, certificate);
    if (key !== undefined) writeFileSync(paths.key, key);
  };
  put(first);
  return { paths, first, make, put };
}

/** A server that listens and is secured, at instants that the test gives. */
async function listening(given?: Awaited<ReturnType<typeof givenFiles>>['paths']) {
  const time = { ms: NOW };
  const faults: unknown[] = [];
  const told: Expiry[] = [];
  const place = directory();
  const clock = () => new Date(time.ms);
  const secured = await Secured.open({
    ...{ directory: place, tokensPath: join(place, 'tokens.json'), names: [], given },
    ...{ clock, certificateClock: clock, randomBytes },
    onFault: (fault) => faults.push(fault),
    onEndsSoon: (expiry) => told.push(expiry),
  });
  const server = createServer(secured.tls, (_request, response) => response.end('fine'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  const open = async () => {
    // Whether it is trusted is not asked: the clock of the test is not that of the machine.
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  };
  const shown = async () => (await open()).getPeerX509Certificate() as X509Certificate;
  return {
    time,
    faults,
    told,
    secured,
    place,
    open,
    shown,
    refresh: () => secured.refresh(server, url),
  };
}

async function answerOn(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [data] = await once(socket, 'data');
  return String(data);
}

test('the end of an authority is told once a day, from half a year before on', async () => {
  const { time, told, faults, place, secured, refresh } = await listening();
  const ends = NOW + 3_650 * DAY_MS;
  const at = async (ms: number) => {
    time.ms = ms;
    await refresh();
    return told.splice(0).map(({ certificate, daysLeft }) => [certificate, daysLeft]);
  };
  expect(await at(NOW)).toEqual([]);
  expect(await at(ends - 180 * DAY_MS - 1_000)).toEqual([]);
  expect(await at(ends - 179 * DAY_MS)).toEqual([['authority', 179]]);
  expect(await at(ends - 179 * DAY_MS + 1_000)).toEqual([]);
  expect(await at(ends - 10 * DAY_MS)).toEqual([
    ['authority', 10],
    ['server', 10],
  ]);
  expect(secured.expiries.map(({ endsAt }) => endsAt.getTime())).toEqual([ends, ends]);
  // The way out: another authority is put in its place.
  const next = await makeAuthority(new Date(time.ms), randomBytes);
  writeFileSync(join(place, 'ca-key.pem'), next.key + next.certificate);
  await refresh();
  expect(await at(ends - 8 * DAY_MS)).toEqual([]);
  expect(faults).toEqual([]);
});

test('the end of a given certificate is told, too', async () => {
  const { paths } = await givenFiles();
  const { time, told, refresh } = await listening(paths);
  await refresh();
  expect(told).toEqual([]);
  time.ms = NOW + 80 * DAY_MS;
  await refresh();
  expect(told).toMatchObject([{ certificate: 'server', daysLeft: 10 }]);
});

test('a certificate of our own is renewed at half of its time, and nothing is cut', async () => {
  const { time, faults, open, shown, refresh } = await listening();
  const first = await shown();
  const before = await open();
  expect(await answerOn(before)).toMatch(/fine$/);
  time.ms = NOW + 45 * DAY_MS - 1;
  await refresh();
  expect((await shown()).serialNumber).toBe(first.serialNumber);
  time.ms = NOW + 45 * DAY_MS;
  await refresh();
  const second = await shown();
  expect(second.serialNumber).not.toBe(first.serialNumber);
  expect(second.validToDate.getTime()).toBe(NOW + 135 * DAY_MS);
  expect(await answerOn(before)).toMatch(/fine$/);
  await refresh();
  expect((await shown()).serialNumber).toBe(second.serialNumber);
  expect(faults).toEqual([]);
});

test('a certificate of our own does not outlast its authority', async () => {
  const place = directory();
  const time = { ms: NOW };
  const options = { directory: place, names: [], clock: () => new Date(time.ms), randomBytes };
  const { authority } = await OwnCertificate.open(options);
  const end = new X509Certificate(authority.certificate).validToDate.getTime();
  time.ms = end - DAY_MS;
  const last = await OwnCertificate.open(options);
  expect(new X509Certificate(last.current.certificate).validToDate.getTime()).toBe(end);
  expect(await last.refresh()).toBe(false);
  time.ms = end;
  await expect(OwnCertificate.open(options)).rejects.toThrow(/ca-key\.pem: it was good until/);
});

test('an authority that is replaced signs what is shown next, and is in the kubeconfig', async () => {
  const { place, faults, shown, refresh } = await listening();
  const first = await shown();
  const other = await makeAuthority(new Date(NOW), randomBytes);
  const path = join(place, 'ca-key.pem');
  rmSync(path);
  await refresh();
  expect((await shown()).serialNumber).toBe(first.serialNumber);
  const another = await makeAuthority(new Date(NOW), randomBytes);
  writeFileSync(path, other.key + another.certificate);
  await refresh();
  await refresh();
  expect(faults.splice(0).map(String)).toEqual([expect.stringMatching(/ca-key\.pem: it has to/)]);
  expect((await shown()).serialNumber).toBe(first.serialNumber);

  writeFileSync(path, other.key + other.certificate);
  await refresh();
  const authority = new X509Certificate(other.certificate);
  expect((await shown()).verify(authority.publicKey)).toBe(true);
  expect(readFileSync(join(place, 'ca.pem'), 'utf8')).toBe(other.certificate);
  expect(authorityIn(place)).toBe(other.certificate);
  expect(faults).toEqual([]);
});

/** What the kubeconfig of a data directory trusts. */
function authorityIn(place: string): string {
  const { clusters } = JSON.parse(readFileSync(join(place, 'kubeconfig'), 'utf8'));
  const data = clusters[0].cluster['certificate-authority-data'];
  return Buffer.from(data, 'base64').toString();
}

test('a given certificate is shown, and another one as soon as the files have it', async () => {
  const files = await givenFiles();
  const { faults, place, shown, refresh } = await listening(files.paths);
  const fingerprintOf = ({ certificate }: KeyPair) => new X509Certificate(certificate).fingerprint;
  expect((await shown()).fingerprint).toBe(fingerprintOf(files.first));

  const second = await files.make();
  files.put(second);
  await refresh();
  expect((await shown()).fingerprint).toBe(fingerprintOf(second));
  expect(authorityIn(place)).toBe(readFileSync(files.paths.authority, 'utf8'));

  // The certificate of a third one is there before its key: what there was goes on until both are.
  const third = await files.make();
  files.put({ certificate: third.certificate });
  await refresh();
  await refresh();
  expect(faults.splice(0).map(String)).toEqual([
    expect.stringMatching(/tls\.key is not the key of the certificate in .*tls\.crt/),
  ]);
  expect((await shown()).fingerprint).toBe(fingerprintOf(second));
  files.put({ key: third.key });
  await refresh();
  expect((await shown()).fingerprint).toBe(fingerprintOf(third));

  rmSync(files.paths.key);
  await refresh();
  await refresh();
  expect(faults.splice(0).map(String)).toEqual([expect.stringMatching(/tls\.key: ENOENT/)]);
  expect((await shown()).fingerprint).toBe(fingerprintOf(third));
});

test('a given certificate that cannot be used is refused', async () => {
  const { paths, first, put } = await givenFiles();
  const open = (nowMs = NOW) => new GivenCertificate(paths, () => new Date(nowMs));
  expect(open().current).toEqual(first);
  expect(() => open(NOW + 90 * DAY_MS)).toThrow(/tls\.crt was good until/);
  put({ certificate: 'nothing' });
  expect(open).toThrow(/tls\.crt: /);
  put({ certificate: first.certificate, key: 'nothing' });
  expect(open).toThrow(/tls\.key: /);
  put(first);
  writeFileSync(paths.authority, 'nothing');
  expect(open).toThrow(/ca\.crt: /);
});
