import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { changeTokenFile } from '../../src/security/token-file.ts';
import { ServiceProcess } from '../faults/process.ts';

interface Access {
  readonly server: string;
  readonly authority: string;
  readonly token: string;
}

/** What a client takes out of a kubeconfig. */
function accessIn(path: string): Access {
  const { clusters, users } = JSON.parse(readFileSync(path, 'utf8'));
  const { server, 'certificate-authority-data': data } = clusters[0].cluster;
  return { server, authority: Buffer.from(data, 'base64').toString(), token: users[0].user.token };
}

function ask(url: string, path: string, ca: string, token?: string): Promise<number | undefined> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { ca, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

/** Starts a service with tokens; it is stopped with the test. */
async function start(data: string, tokens: string): Promise<ServiceProcess> {
  const service = await ServiceProcess.start(data, { flags: ['--tokens', tokens] });
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

test('a first start leaves all that an operator needs, and a later one keeps it', async () => {
  const data = directory();
  const tokens = join(data, 'tokens.json');
  const first = await start(data, tokens);
  expect(first.url).toMatch(/^https:/);
  const path = join(data, 'kubeconfig');
  const { server, authority, token } = accessIn(path);
  expect(server).toBe(first.url);
  for (const file of [path, tokens, join(data, 'ca-key.pem')]) {
    expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
  }
  expect(await ask(server, '/api/v1/namespaces', authority, token)).toBe(200);
  expect(await ask(server, '/api/v1/namespaces', authority)).toBe(401);
  expect(await ask(server, '/api/v1/namespaces', authority, `${token}x`)).toBe(401);
  expect(await ask(server, '/readyz', authority)).toBe(200);
  first.kill('SIGTERM');
  await first.ended();
  const second = await start(data, tokens);
  expect(await ask(second.url, '/api/v1/namespaces', authority, token)).toBe(200);
});

test('a token that is revoked is known no more, while the service runs', async () => {
  const data = directory();
  const tokens = join(data, 'tokens.json');
  const { url } = await start(data, tokens);
  const { authority, token } = accessIn(join(data, 'kubeconfig'));
  expect(await ask(url, '/version', authority, token)).toBe(200);
  changeTokenFile(tokens, () => []);
  await expect.poll(() => ask(url, '/version', authority, token)).toBe(401);
});

test('plain HTTP and tokens exclude one another', async () => {
  const flags = ['--insecure-http', '--tokens', 'x'];
  await expect(ServiceProcess.start(directory(), { flags })).rejects.toThrow(/exclude one another/);
});
