import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import type { Command } from '../../src/cli/commands.ts';
import { kubeconfig } from '../../src/cli/kubeconfig.ts';
import { token } from '../../src/cli/token.ts';
import { readTokenFile } from '../../src/security/token-file.ts';
import { Tokens } from '../../src/security/tokens.ts';
import { accessIn, bodies, paths, ServiceProcess, send } from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';

const NOW = new Date('2026-03-02T08:00:00Z');

function line() {
  const data = mkdtempSync(join(tmpdir(), 'netalloc-token-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const printed: string[] = [];
  const world = { clock: () => NOW, randomBytes };
  const runOf =
    (command: Command) =>
    async (...args: string[]) => {
      const code = await command.run(args, {
        env: { NETALLOC_DATA: data },
        print: (text) => printed.push(text),
        tell: () => {},
        stdin: process.stdin,
        stdout: process.stdout,
        worldOf: () => world as never,
        untilSignal: () => Promise.reject(new Error('unexpected')),
      });
      return { code, lines: printed.splice(0) };
    };
  const [run, write] = [runOf(token), runOf(kubeconfig)];
  return { data, file: join(data, 'tokens.json'), run, write };
}

/** A service of a line's data directory, and its operator's kubeconfig. */
async function serving(data: string) {
  const service = await ServiceProcess.start(data, { isSecured: true });
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await service.ended();
  });
  const operator = join(data, 'kubeconfig');
  const { server, headers } = accessIn(operator);
  const codeOf = async (path: string, text: string) =>
    (await send(server, 'GET', path, undefined, { authorization: `Bearer ${text}` })).code;
  const made = await send(server, 'POST', paths.namespaces, bodies.named('alpha'), headers);
  return { operator, codeOf, uid: made.body.metadata.uid };
}

test('a token is made, listed and revoked', async () => {
  const { file, run } = line();
  const flags = ['--role', 'provider', '--subject', 'dfw', '--location', 'dfw', '--expires', '24h'];
  const { code, lines } = await run('create', ...flags);
  expect([code, lines.length]).toEqual([0, 1]);
  const [text = ''] = lines;
  const tokens = new Tokens(file, { clock: () => NOW, randomBytes, onFault: () => {} });
  expect(tokens.find(text)).toMatchObject({ role: 'provider', subject: 'dfw', locations: ['dfw'] });
  const [id = ''] = readTokenFile(file).map((one) => one.id);
  expect((await run('list')).lines).toEqual([
    'ID                ROLE      SUBJECT  SCOPE         EXPIRES',
    `${id}  provider  dfw      location/dfw  2026-03-03T08:00:00.000Z`,
  ]);
  expect(await run('revoke', id)).toEqual({ code: 0, lines: [] });
  expect(readTokenFile(file)).toEqual([]);
  await expect(run('revoke', id)).rejects.toThrow(/there is no token/);
});

test('a token of a project is for its present life, by the files while the service runs', async () => {
  const { data, file, run } = line();
  const { codeOf, uid } = await serving(data);
  const flags = ['--role', 'compute', '--subject', 'web', '--project'];
  const [text = ''] = (await run('create', ...flags, 'alpha')).lines;
  expect(readTokenFile(file).at(-1)?.projects).toEqual([{ name: 'alpha', uid }]);
  await expect.poll(() => codeOf(paths.namespace('alpha'), text)).toBe(200);
  await expect(run('create', ...flags, 'beta')).rejects.toThrow(/no project "beta"/);
  expect(readTokenFile(file)).toHaveLength(2);
});

test('a server makes, lists and revokes tokens, for who has the kubeconfig of an operator', async () => {
  const { data, run, write } = line();
  const { operator, codeOf, uid } = await serving(data);
  const by = ['--kubeconfig', operator];
  const flags = ['--role', 'compute', '--subject', 'web', '--project'];
  const [text = ''] = (await run('create', ...by, ...flags, 'alpha')).lines;
  expect(await codeOf(paths.namespace('alpha'), text)).toBe(200);
  const [, id] = text.split('_');
  const { lines } = await run('list', ...by);
  expect(lines).toHaveLength(3);
  expect(lines.at(-1)).toMatch(new RegExp(`^${id} +compute +web +project/alpha +never$`));
  expect(readTokenFile(join(data, 'tokens.json')).at(-1)?.projects).toEqual([
    { name: 'alpha', uid },
  ]);
  await expect(run('create', ...by, ...flags, 'beta')).rejects.toThrow(/there is no such project/);

  // Whoever is no operator is told so.
  const weak = join(data, 'web.kubeconfig');
  writeFileSync(join(data, 'web.token'), text);
  await write('--token-file', join(data, 'web.token'), '--output', weak);
  await expect(run('list', '--kubeconfig', weak)).rejects.toThrow(/"web" cannot get path/);

  expect((await run('revoke', ...by, id ?? '')).code).toBe(0);
  expect(await codeOf(paths.namespace('alpha'), text)).toBe(401);
  await expect(run('revoke', ...by, id ?? '')).rejects.toThrow(/there is no token/);
});

test('a lost token of an operator is replaced by whoever has the data directory', async () => {
  const { data } = line();
  const { operator } = await serving(data);
  const before = accessIn(operator);
  rmSync(join(data, 'operator.token'));
  rmSync(operator);
  const script = join(ROOT, 'src', 'bin.js');
  const command = `"${process.execPath}" "${script}"`;
  const flags = `--data "${data}"`;
  const to = `--server ${before.server} --output "${operator}"`;
  await promisify(execFile)('sh', [
    '-c',
    `${command} token create ${flags} --role operator --subject operator |
      ${command} kubeconfig ${flags} --token-file - ${to}`,
  ]);
  expect(statSync(operator).mode & 0o777).toBe(0o600);
  const after = accessIn(operator);
  expect(after).toMatchObject({ server: before.server, authority: before.authority });
  expect(after.headers).not.toEqual(before.headers);
  const asked = () => send(after.server, 'GET', paths.namespaces, undefined, after.headers);
  await expect.poll(async () => (await asked()).code).toBe(200);
});

test('a kubeconfig is written for a token, with the server and authority of another', async () => {
  const { data, run, write } = line();
  const [text = ''] = (await run('create', '--role', 'auditor', '--subject', 'a')).lines;
  const tokenFile = join(data, 'a.token');
  writeFileSync(tokenFile, `${text}\n`);
  const to = ['--token-file', tokenFile];
  await expect(write(...to)).rejects.toThrow(/--server is required/);
  await expect(write(...to, '--server', 'http://x')).rejects.toThrow(/must be like https/);

  writeFileSync(join(data, 'ca.pem'), 'the authority');
  const output = join(data, 'first');
  await write(...to, '--server', 'https://ledger.example:8470', '--output', output);
  expect(accessInText(readFileSync(output, 'utf8'))).toEqual({
    server: 'https://ledger.example:8470',
    authority: 'the authority',
    token: text,
  });
  const { lines } = await write(...to, '--like', output, '--server', 'https://[::1]:1');
  expect(accessInText(lines.join('\n'))).toMatchObject({
    server: 'https://[::1]:1',
    authority: 'the authority',
  });

  writeFileSync(tokenFile, 'no-token-at-all');
  const wrong = write(...to, '--like', output);
  await expect(wrong).rejects.toThrow(/a\.token has no token of netalloc/);
  await expect(wrong).rejects.not.toThrow(/no-token-at-all/);
  await expect(write(...to, '--like', tokenFile)).rejects.toThrow(/as netalloc writes it/);
});

function accessInText(text: string) {
  const { clusters, users } = JSON.parse(text);
  const { server, 'certificate-authority-data': data } = clusters[0].cluster;
  return { server, authority: Buffer.from(data, 'base64').toString(), token: users[0].user.token };
}

test.each([
  [['create', '--role', 'king', '--subject', 'a'], /--role: Invalid option: expected one of/],
  [['create', '--role', 'auditor'], /--subject is required/],
  [['create', '--role', 'compute', '--subject', 'a'], /--project: a token of role compute needs/],
  [['create', '--role', 'provider', '--subject', 'a'], /--location: a token of role provider/],
  [['create', '--role', 'auditor', '--subject', 'a', '--project', 'b'], /is not limited to any/],
  [['create', '--role', 'auditor', '--subject', 'a', '--expires', 'soon'], /such as 720h/],
  [['create', '--role', 'auditor', '--subject', 'A B'], /--subject: must be a DNS name/],
  [['create', '--crown'], /Unknown option '--crown'/],
  [['list', '--kubeconfig', 'a', '--data', 'b'], /--kubeconfig is for a server/],
  [['list', '--kubeconfig', 'not-there'], /kubeconfig not-there: ENOENT/],
])('what cannot be meant is refused: %j', async (args, why) => {
  const { file, run } = line();
  await expect(run(...args)).rejects.toThrow(why);
  expect(readTokenFile(file)).toEqual([]);
});
