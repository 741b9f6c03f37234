import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/security/certificates.ts';
import { changeTokenFile } from '../../src/security/token-file.ts';
import { accessIn, paths, ServiceProcess, send } from '../faults/process.ts';

/** Starts a service as it is for everybody; it is stopped with the test. */
function start(data: string, ...flags: string[]): Promise<ServiceProcess> {
  return startWith(data, { flags });
}

async function startWith(
  data: string,
  options: Parameters<typeof ServiceProcess.start>[1],
): Promise<ServiceProcess> {
  const service = await ServiceProcess.start(data, { ...options, isSecured: true });
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await service.ended();
  });
  return service;
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'netalloc-secured-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function namespaces(url: string, headers?: Record<string, string>): Promise<number> {
  return (await send(url, 'GET', paths.namespaces, undefined, headers)).code;
}

test('a first start leaves all that an operator needs, and a later one keeps it', async () => {
  const data = directory();
  const first = await start(data);
  expect(first.url).toMatch(/^https:/);
  const { server, headers } = accessIn(join(data, 'kubeconfig'));
  expect(server).toBe(first.url);
  for (const name of ['kubeconfig', 'tokens.json', 'operator.token', 'ca-key.pem']) {
    expect([name, statSync(join(data, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
  const wrong = { authorization: `${headers.authorization}x` };
  expect(await namespaces(server, headers)).toBe(200);
  expect(await namespaces(server)).toBe(401);
  expect(await namespaces(server, wrong)).toBe(401);
  expect((await send(server, 'GET', '/readyz')).code).toBe(200);
  first.kill('SIGTERM');
  await first.ended();

  const second = await start(data);
  const again = accessIn(join(data, 'kubeconfig'));
  expect(again.server).toBe(second.url);
  expect(again.headers).toEqual(headers);
  expect(await namespaces(second.url, headers)).toBe(200);
});

test('it says how to get in, on a line that can be typed as it stands', async () => {
  const data = directory();
  const { url, lines } = await start(data);
  await expect.poll(() => lines.join('\n')).toContain(`${url}/api/v1/namespaces`);
  const text = lines.join('\n');
  expect(text).toContain(`  KUBECONFIG=${data}/kubeconfig kubectl get namespaces`);
  expect(text).toContain(`  curl --cacert ${data}/ca.pem `);
  expect(text).toContain(`$(cat ${data}/operator.token)`);
  expect(text).not.toContain(readFileSync(join(data, 'operator.token'), 'utf8').trim());
});

test('a token that is revoked is known no more, while the service runs', async () => {
  const data = directory();
  const { url } = await start(data);
  const { headers } = accessIn(join(data, 'kubeconfig'));
  expect(await namespaces(url, headers)).toBe(200);
  await changeTokenFile(join(data, 'tokens.json'), () => []);
  await expect.poll(() => namespaces(url, headers)).toBe(401);
});

test('with TLS and tokens it listens anywhere, by names that it is given', async () => {
  const data = directory();
  const flags = ['--listen', '0.0.0.0:0', '--tls-san', 'localhost,ledger.example'];
  const { url } = await start(data, ...flags);
  expect(url).toMatch(/^https:\/\/0\.0\.0\.0:\d+$/);
  const { server, headers } = accessIn(join(data, 'kubeconfig'));
  expect(server).toBe(url.replace('0.0.0.0', 'localhost'));
  expect(await namespaces(server, headers)).toBe(200);
});

test('ledgers that share a tokens file share the operator and the authority', async () => {
  const [shared, one, other] = [directory(), directory(), directory()];
  const tokens = join(shared, 'tokens.json');
  const starts = [one, other].map((data) => start(data, '--tokens', tokens));
  const [first, second] = await Promise.all(starts);
  const [ofFirst, ofSecond] = [one, other].map((data) => accessIn(join(data, 'kubeconfig')));
  expect([ofFirst?.server, ofSecond?.server]).toEqual([first?.url, second?.url]);
  expect(ofFirst?.authority).toBe(ofSecond?.authority);
  expect(await namespaces(first?.url ?? '', ofSecond?.headers)).toBe(200);
  expect(await namespaces(second?.url ?? '', ofFirst?.headers)).toBe(200);
});

test('it shows a certificate that it is given, and its kubeconfig has the authority', async () => {
  const [place, data] = [directory(), directory()];
  const [cert, key, ca] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) => join(place, name));
  const made = await makeAuthority(new Date(), randomBytes);
  const server = await makeServerCertificate(made, ['localhost'], new Date(), randomBytes);
  writeFileSync(cert as string, server.certificate);
  writeFileSync(key as string, server.key);
  writeFileSync(ca as string, made.certificate);
  const flags = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', ca, '--listen', 'localhost:0'];
  const { url } = await start(data, ...(flags as string[]));
  const access = accessIn(join(data, 'kubeconfig'));
  expect(access).toMatchObject({ server: url, authority: made.certificate });
  expect(await namespaces(access.server, access.headers)).toBe(200);
  expect(existsSync(join(data, 'ca.pem'))).toBe(false);
});

test('a drill that shifts the clock leaves certificates to the clocks of clients', async () => {
  const data = directory();
  const { url } = await startWith(data, { env: { NETALLOC_TIME_OFFSET_SECONDS: '31536000' } });
  const { headers } = accessIn(join(data, 'kubeconfig'));
  expect(await namespaces(url, headers)).toBe(200);
});

test.each([
  [['--insecure-http', '--tls-cert', 'x'], /--insecure-http and --tls-cert exclude one another/],
  [['--tls-cert', 'x'], /--tls-cert and --tls-key are given together/],
  [['--tls-ca', 'x'], /--tls-ca only with them/],
  [['--tls-cert', 'no/cert', '--tls-key', 'no/key'], /netalloc: .*no\/cert: ENOENT/],
  [['--insecure-http', '--tokens', 'x'], /--insecure-http and --tokens exclude one another/],
  [['--insecure-http', '--tls-san', 'x'], /--insecure-http and --tls-san exclude one another/],
  [['--insecure-http', '--listen', '0.0.0.0:0'], /listens on loopback only, not on 0\.0\.0\.0/],
  [['--insecure-http', '--listen', '[::]:0'], /listens on loopback only, not on ::/],
  [['--tls-san', 'a_b'], /--tls-san="a_b": must be names and addresses/],
])('%j is refused at the start', async (flags, why) => {
  await expect(start(directory(), ...flags)).rejects.toThrow(why);
});
