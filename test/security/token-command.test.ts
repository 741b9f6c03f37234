import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { token } from '../../src/cli/token.ts';
import { readTokenFile } from '../../src/security/token-file.ts';
import { Tokens } from '../../src/security/tokens.ts';
import { bodies, paths, ServiceProcess, send } from '../faults/process.ts';

const NOW = new Date('2026-03-02T08:00:00Z');

function line() {
  const data = mkdtempSync(join(tmpdir(), 'netalloc-token-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const printed: string[] = [];
  const world = { clock: () => NOW, randomBytes };
  const run = (...args: string[]) =>
    token.run(args, {
      env: { NETALLOC_DATA: data },
      print: (text) => printed.push(text),
      tell: () => {},
      stdin: process.stdin,
      stdout: process.stdout,
      worldOf: () => world as never,
      untilSignal: () => Promise.reject(new Error('unexpected')),
    });
  return { data, file: join(data, 'tokens.json'), printed, run };
}

test('a token is made, listed and revoked', async () => {
  const { file, printed, run } = line();
  const flags = ['--role', 'provider', '--subject', 'dfw', '--location', 'dfw', '--expires', '24h'];
  expect(await run('create', ...flags)).toBe(0);
  const [text = ''] = printed.splice(0);
  const tokens = new Tokens(file, { clock: () => NOW, onFault: () => {} });
  expect(tokens.find(text)).toMatchObject({ role: 'provider', subject: 'dfw', locations: ['dfw'] });
  await run('list');
  const [id = ''] = readTokenFile(file).map((one) => one.id);
  expect(printed.splice(0)).toEqual([
    `${id}  provider  dfw  location/dfw  2026-03-03T08:00:00.000Z`,
  ]);
  expect(await run('revoke', id)).toBe(0);
  expect(readTokenFile(file)).toEqual([]);
  await expect(run('revoke', id)).rejects.toThrow(/there is no token/);
});

test('a token of a project names its present life, while the service runs', async () => {
  const { data, file, run } = line();
  const service = await ServiceProcess.start(data);
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await service.ended();
  });
  const made = await send(service.url, 'POST', paths.namespaces, bodies.named('alpha'));
  const flags = ['--role', 'compute', '--subject', 'web', '--project'];
  await run('create', ...flags, 'alpha');
  expect(readTokenFile(file)[0]?.projects).toEqual([
    { name: 'alpha', uid: made.body.metadata.uid },
  ]);
  await expect(run('create', ...flags, 'beta')).rejects.toThrow(/no project "beta"/);
  expect(readTokenFile(file)).toHaveLength(1);
});

test.each([
  [['create', '--role', 'king', '--subject', 'a'], /--role must be one of/],
  [['create', '--role', 'auditor'], /--subject is required/],
  [['create', '--role', 'compute', '--subject', 'a'], /needs a --project/],
  [['create', '--role', 'provider', '--subject', 'a'], /needs a --location/],
  [['create', '--role', 'auditor', '--subject', 'a', '--expires', 'soon'], /such as 720h/],
  [['create', '--role', 'auditor', '--subject', 'A B'], /must be a DNS name/],
  [['create', '--crown'], /Unknown option '--crown'/],
])('what cannot be meant is refused: %j', async (args, why) => {
  const { file, run } = line();
  await expect(run(...args)).rejects.toThrow(why);
  expect(readTokenFile(file)).toEqual([]);
});
