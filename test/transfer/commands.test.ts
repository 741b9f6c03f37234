import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bodies, paths, ServiceProcess, send } from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';
import { temporaryDirectory } from './files.ts';

// Each command is a process of its own, on a machine that may have much else to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const CLAIMS = 400;

/** Runs a command as a process of its own; gives its exit code and what it wrote. */
async function netalloc(
  args: readonly string[],
  options: { stdin?: string; killWhen?: () => boolean } = {},
) {
  const child = spawn(process.execPath, [join(ROOT, 'src', 'bin.js'), ...args], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const { killWhen } = options;
  const kill = killWhen && setInterval(() => killWhen() && child.kill('SIGKILL'), 1);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  clearInterval(kill);
  return { code: code as number | null, stdout, stderr };
}

const digestIn = (output: string) => /digest\s+([0-9a-f]{64})/.exec(output)?.[1];

let data: string;
let file: string;
let exportedBeside: Awaited<ReturnType<typeof netalloc>>;
let verifiedBeside: typeof exportedBeside;
let asOf: { readonly at: string; readonly names: unknown };

/** What there was at an instant, without what a place in a log shows. */
async function interfacesAt(url: string, at: string) {
  const path = `${paths.of('alpha', 'networkinterfaces')}?asOf=${at}`;
  const { code, body } = await send(url, 'GET', path);
  expect(code).toBe(200);
  return body.items.map(({ metadata, spec }: typeof body) => [metadata.name, metadata.uid, spec]);
}

const directory = mkdtempSync(join(tmpdir(), 'netalloc-commands-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  data = join(directory, 'source');
  file = join(directory, 'log.jsonl');
  const service = await ServiceProcess.start(data);
  await send(service.url, 'POST', paths.namespaces, bodies.named('alpha'));
  await send(service.url, 'POST', paths.locations, bodies.named('dfw'));
  await send(service.url, 'POST', paths.of('alpha', 'networks'), bodies.network('default'));
  const claims = (from: number) => ({
    items: Array.from({ length: CLAIMS / 2 }, (_, n) => ({
      create: {
        apiVersion: 'networking.datumapis.com/v1alpha',
        kind: 'NetworkInterfaceClaim',
        metadata: { name: `c-${from + n}`, namespace: 'alpha' },
        spec: bodies.claim('', 'dfw').spec,
      },
    })),
  });
  await send(service.url, 'POST', '/ledger/v1/claims:batch', claims(0));
  const at = new Date().toISOString();
  await send(service.url, 'POST', '/ledger/v1/claims:batch', claims(CLAIMS));
  asOf = { at, names: await interfacesAt(service.url, at) };
  exportedBeside = await netalloc(['export-log', '--data', data, '--to', file]);
  verifiedBeside = await netalloc(['verify', '--data', data]);
  service.kill('SIGTERM');
  await service.ended();
});

test('a log is exported beside the service, to a new file of its owner alone', async () => {
  expect(exportedBeside.stderr).toMatch(/exported \d+ events of 3 streams, digest [0-9a-f]{64}/);
  expect(exportedBeside).toMatchObject({ code: 0, stdout: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = await netalloc(['export-log', '--data', data, '--to', file]);
  expect(again).toMatchObject({
    code: 1,
    stderr: `netalloc: ${file} exists already; give another name\n`,
  });
  for (const piped of [[], ['--to', '-']]) {
    const { stdout } = await netalloc(['export-log', '--data', data, ...piped]);
    expect(stdout).toBe(readFileSync(file, 'utf8'));
  }
});

test('an import that is killed again and again goes on, and asOf answers the same', async () => {
  const copy = join(temporaryDirectory(), 'copy');
  const command = ['import-log', '--data', copy, '--from', file];
  const mark = join(copy, 'import-unfinished');
  await netalloc(command, { killWhen: () => existsSync(mark) });
  await netalloc(command, { killWhen: () => existsSync(`${copy}/log.sqlite-wal`) });
  const last = await netalloc(command);
  expect(last.stderr).toMatch(/imported \d+ events/);
  expect(digestIn(last.stderr)).toBe(digestIn(exportedBeside.stderr));
  const again = await netalloc(command);
  expect(again.stderr).toMatch(/imported 0 events \((\d+) were there already\); all \1 are proved/);
  const verified = await netalloc(['verify', '--data', copy]);
  expect(verified.code).toBe(0);
  expect(digestIn(verified.stdout)).toBe(digestIn(exportedBeside.stderr));
  const service = await ServiceProcess.start(copy);
  expect(await interfacesAt(service.url, asOf.at)).toEqual(asOf.names);
  expect(asOf.names).toHaveLength(CLAIMS / 2);
  expect((await netalloc(command)).stderr).toContain('is served by another netalloc process');
  service.kill('SIGTERM');
  await service.ended();
});

test('an import from a pipe that ends too early leaves a log that nobody serves', async () => {
  const copy = join(temporaryDirectory(), 'copy');
  const whole = readFileSync(file, 'utf8');
  const command = ['import-log', '--data', copy];
  const cut = await netalloc(command, { stdin: whole.slice(0, whole.length - 200) });
  expect(cut).toMatchObject({ code: 1 });
  expect(cut.stderr).toMatch(/^netalloc: line \d+ /);
  const served = await netalloc(['serve', '--data', copy, '--listen', '127.0.0.1:0']);
  expect(served).toMatchObject({ code: 1 });
  expect(served.stderr).toContain('an import was not finished');
  expect(await netalloc(command, { stdin: whole })).toMatchObject({ code: 0 });
  const other = `${whole.split('\n').slice(0, 2).join('\n')}\n`;
  writeFileSync(`${file}.other`, other);
  const refused = await netalloc([...command, '--from', `${file}.other`]);
  expect(refused).toMatchObject({ code: 1 });
});

test('verify proves log, decisions and views beside the service, and a file without them', async () => {
  expect(verifiedBeside).toMatchObject({ code: 0 });
  expect(digestIn(verifiedBeside.stdout)).toBe(digestIn(exportedBeside.stderr));
  expect(verifiedBeside.stdout).toContain('\nrules: every event keeps them\n');
  expect(verifiedBeside.stdout).toMatch(
    /\nviews: \d+ rows at position \d+ show what the log says\n/,
  );
  const whole = readFileSync(file, 'utf8');
  for (const [from, stdin] of [[file], ['-', whole]] as const) {
    const { code, stdout } = await netalloc(['verify', '--json', '--from', from], { stdin });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ format: 'netalloc-verify', version: 1, digest: digestIn(exportedBeside.stderr) },
      ...{ damage: null, findings: [], findingsLeftOut: 0 },
      views: { compared: false, reason: 'a file has none' },
    });
  }
  const cut = await netalloc(['verify', '--from', '-'], { stdin: whole.slice(0, -200) });
  expect(cut).toMatchObject({ code: 2 });
  expect(cut.stdout).toMatch(/^damaged: line \d+ /);
});

test('verify tells views that differ by a code of its own', async () => {
  const path = join(data, 'views.sqlite');
  const bytes = readFileSync(path);
  const database = new DatabaseSync(path);
  database.exec("UPDATE claims SET object = replace(object, 'eth0', 'eth9') WHERE name = 'c-0'");
  database.close();
  const told = await netalloc(['verify', '--data', data]);
  expect(told).toMatchObject({ code: 3 });
  expect(told.stdout).toContain('\nviews: claims alpha/c-0\n  expected spec as its events say\n');
  const json = await netalloc(['verify', '--data', data, '--json']);
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout)).toMatchObject({
    findings: [],
    views: { compared: true, leftOut: 0, differences: [{ table: 'claims', row: 'alpha/c-0' }] },
  });
  writeFileSync(path, bytes);
});

test('verify says where a log was changed, with a code of its own', async () => {
  const path = join(data, 'log.sqlite');
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf('"InterfaceReady"');
  bytes[at + 1] = 'J'.charCodeAt(0);
  writeFileSync(path, bytes);
  const { code, stdout } = await netalloc(['verify', '--data', data]);
  expect(code).toBe(2);
  expect(stdout).toMatch(/^damaged: addressSpace-project\.alpha revision \d+\n/);
});

test('unknown flags and places that have no log are refused in a sentence', async () => {
  const nowhere = temporaryDirectory();
  for (const command of ['verify', 'export-log']) {
    const { code, stderr } = await netalloc([command, '--data', nowhere]);
    expect(code).toBe(1);
    expect(stderr).toContain('does not exist');
  }
  const unknown = await netalloc(['import-log', '--form', file]);
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.stderr).toMatch(/'--form'[\s\S]*Usage: netalloc import-log/);
  expect((await netalloc(['verify', '--help'])).stdout).toMatch(/^Usage: netalloc verify/);
});
