import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { ServiceProcess } from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.warn('\nNOT TESTED: the first steps of the README. There is no curl.\n');
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('\nNOT TESTED: kubectl as the README types it. There is none.\n');

/** The commands of the quick start and of the first steps, as they stand, but for the address. */
function firstSteps(url: string): string {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const part = text.slice(text.indexOf('In another terminal'), text.indexOf('## The API'));
  const blocks = [...part.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block);
  return blocks.join('\n').replace('https://127.0.0.1:8470', url);
}

it.skipIf(!hasCurl)(
  'does what the README tells a newcomer to type',
  { timeout: 120_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'netalloc-readme-'));
    const data = join(directory, 'netalloc-data');
    const service = await ServiceProcess.start(data, { isSecured: true });
    try {
      const steps = firstSteps(service.url);
      for (const user of ['claims=', 'nics=', 'alpha.jsonl', 'ipam='])
        expect(steps).toContain(user);
      // In the order in which they are typed: a line that fails does not keep the next from coming.
      const { stdout } = await promisify(execFile)('bash', ['-c', steps], {
        cwd: directory,
        // kubectl keeps what it has discovered there.
        env: { ...process.env, HOME: directory },
      });
      expect(stdout).not.toContain('"status":"Failure"');
      if (hasKubectl) expect(stdout).toMatch(/^NAME +.*\nweb-0 +/m);
      // Compute: a claim that waits is bound when its location is there.
      expect(stdout).toMatch(/"reason":"LocationNotFound"/);
      expect(stdout).toMatch(/"type":"MODIFIED","object":.*"name":"job-2".*"status":"True"/);
      // A provider: its report makes the claim ready.
      expect(stdout).toMatch(/"name":"web-0".*"type":"Ready","status":"True"/);
      // An auditor: the project from its first event on.
      const events = readFileSync(join(directory, 'alpha.jsonl'), 'utf8').trimEnd().split('\n');
      expect(JSON.parse(events[0] as string).type).toMatch(/AddressSpaceOpened$/);
      expect(events.at(-1)).toContain('web-0');
      // An operator: public addresses, of a pool that tells how much of it is held.
      expect(stdout).toMatch(
        /"externalAddresses":\[\{"family":"IPv4","address":"198\.51\.100\.16"/,
      );
      expect(stdout).toMatch(/"name":"nat".*"address":"198\.51\.100\.17"/);
      expect(stdout).toMatch(/"reserved":"16","held":"2"/);
    } finally {
      service.kill('SIGTERM');
      await service.ended();
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
