import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { accessIn, bodies, paths, ServiceProcess, send } from '../faults/process.ts';

const TOKENS = '/ledger/v1/tokens';
/** The files that are there to hold the operator's token. */
const HOLDERS = ['operator.token', 'kubeconfig'];

/** What must be nowhere: a token as it is, its secret, and both as clients may encode them. */
function tracesOf(token: string): string[] {
  const secret = token.split('_').slice(2).join('_');
  expect(secret).toHaveLength(43);
  const encoded = (text: string) => [
    text,
    Buffer.from(text).toString('base64url').slice(0, -2),
    Buffer.from(text).toString('hex'),
  ];
  return [...encoded(token), ...encoded(secret)];
}

/** A request that no HTTP client would send, and what comes back before the end or the cut. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text));
  let answer = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    answer += part;
  });
  socket.on('error', () => {}).on('close', () => resolve(answer));
  return promise;
}

test('no token is in the log, the logs, the errors, the metrics or the answers', {
  timeout: 120_000,
}, async () => {
  const data = mkdtempSync(join(tmpdir(), 'netalloc-secrets-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const flags = ['--log-level', 'trace'];
  const service = await ServiceProcess.start(data, { flags, isSecured: true });
  onTestFinished(() => service.kill('SIGKILL'));
  const { server, headers } = accessIn(join(data, 'kubeconfig'));
  const operator = headers.authorization.slice('Bearer '.length);
  const answers: string[] = [];
  const ask = async (token: string, method: string, path: string, body?: unknown, more = {}) => {
    const type = { 'content-type': 'application/json' };
    const answer = await fetch(server + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...type, ...more },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    answers.push(JSON.stringify([...answer.headers]), await answer.text());
    return answer.status;
  };
  expect(await ask(operator, 'POST', paths.namespaces, bodies.named('alpha'))).toBe(201);
  expect(await ask(operator, 'POST', paths.locations, bodies.named('dfw'))).toBe(201);
  const networks = paths.of('alpha', 'networks');
  expect(await ask(operator, 'POST', networks, bodies.network('default'))).toBe(201);
  const asked = { role: 'compute', subject: 'web', projects: ['alpha'] };
  const made = await send(server, 'POST', TOKENS, asked, headers);
  const web: string = made.body.token;
  const bad = `${web.slice(0, -6)}AAAAAA`;

  const claims = paths.of('alpha', 'networkinterfaceclaims');
  const key = { 'idempotency-key': 'claim-0' };
  expect(await ask(web, 'POST', claims, bodies.claim('web-0', 'dfw'), key)).toBe(201);
  expect(await ask(web, 'GET', `${claims}?watch=true&timeoutSeconds=1`)).toBe(200);
  expect(await ask(web, 'GET', '/ledger/v1/events?project=alpha&follow=false')).toBe(200);
  expect(await ask(web, 'GET', paths.locations)).toBe(403);
  expect(await ask(web, 'POST', claims, { spec: 1 })).toBe(422);
  expect(await ask(web, 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})).toBe(201);
  expect(await ask(bad, 'GET', claims)).toBe(401);
  expect(await ask(bad, 'GET', '/nothing/at/all')).toBe(401);
  expect(await ask(operator, 'GET', TOKENS)).toBe(200);
  expect(await ask(operator, 'GET', '/metrics')).toBe(200);
  const request = `GET ${claims} HTTP/1.1\r\nauthorization: Bearer`;
  for (const malformed of [
    `${request} ${web}\r\nhost : x\r\n\r\n`,
    `${request}\0${web}\r\nhost: x\r\n\r\n`,
    `${request} ${web}\r\nhost: x\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`,
  ]) {
    answers.push(await raw(server, malformed));
  }
  expect(await ask(operator, 'DELETE', `${TOKENS}/${web.split('_')[1]}`)).toBe(200);
  expect(await ask(web, 'GET', claims)).toBe(401);
  // What cannot be read is told of.
  writeFileSync(join(data, 'tokens.json'), readFileSync(join(data, 'tokens.json'), 'utf8') + web);
  await expect.poll(() => service.stderr.join('')).toContain('tokens file');
  service.kill('SIGTERM');
  await service.ended();
  rmSync(join(data, 'tokens.json'));

  const found = new Map<string, string>([
    ['standard output', service.lines.join('\n')],
    ['standard error', service.stderr.join('')],
    ['answers', answers.join('\n')],
  ]);
  for (const name of readdirSync(data).filter((one) => !HOLDERS.includes(one))) {
    found.set(name, readFileSync(join(data, name), 'latin1'));
  }
  // They have what a leak would stand beside.
  expect(found.get('answers')).toContain('malformed HTTP');
  expect(found.get('log.sqlite')).toContain('web-0');
  expect(found.get('standard error')).toContain('a token was made');
  const leaks = [...found].filter(([, text]) =>
    [operator, web, bad].flatMap(tracesOf).some((trace) => text.includes(trace)),
  );
  expect(leaks.map(([where]) => where)).toEqual([]);
});
