import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { accessIn, ServiceProcess, send } from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';

const run = promisify(execFile);
const place = mkdtempSync(join(tmpdir(), 'netalloc-tarball-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

it('installs from its tarball and runs there, without the sources', async () => {
  await run('npm', ['pack', '--pack-destination', place], { cwd: ROOT });
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz')) as string;
  const { stdout: listing } = await run('tar', ['-tzf', join(place, tarball)]);
  const files = listing.split('\n');
  expect(files).toContain('package/dist/src/main.js');
  expect(files).toContain('package/src/bin.js');
  expect(files.filter((file) => /\/test\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);

  writeFileSync(join(place, 'package.json'), '{"private":true,"allowScripts":{"node":true}}');
  const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...flags, `./${tarball}`], { cwd: place });
  const script = join(place, 'node_modules', 'netalloc', 'src', 'bin.js');
  const { stdout: plan } = await run(process.execPath, [script, 'plan']);
  expect(JSON.parse(plan).pools).toHaveLength(1);
  const service = await ServiceProcess.start(join(place, 'data'), { script, isSecured: true });
  accessIn(join(place, 'data', 'kubeconfig'));
  expect((await send(service.url, 'GET', '/readyz')).body).toBe('ok');
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);
}, 240_000);

it('runs itself with the pinned Node when another one starts it', async () => {
  const script = join(ROOT, 'src', 'bin.js');
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.0.0' });
    process.argv[1] = ${JSON.stringify(script)};
    await import(${JSON.stringify(script)});`;
  const args = ['--input-type=module', '-e', pretend, 'ignored', 'plan'];
  const { stdout } = await run(process.execPath, args);
  expect(JSON.parse(stdout).classes.length).toBeGreaterThan(0);
});
