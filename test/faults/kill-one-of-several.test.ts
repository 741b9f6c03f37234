import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { kurrentUrl } from '../store/kurrent-server.ts';
import { ROOT } from '../tidy/sources.ts';
import { bodies, isBroken, paths, ServiceProcess, send } from './process.ts';

const url = await kurrentUrl();
const directory = mkdtempSync(join(tmpdir(), 'netalloc-one-of-several-'));
const processes: ServiceProcess[] = [];

afterAll(async () => {
  for (const process of processes) process.kill('SIGTERM');
  await Promise.all(processes.map((process) => process.ended()));
  rmSync(directory, { recursive: true, force: true });
});

const CLIENTS_EACH = 8;
const CLAIMS_EACH = 25;
const CLAIMS_BEFORE_KILL = 60;
const LOG_PREFIX = `test${randomUUID().slice(0, 8)}.`;
const project = 'alpha';
const claims = paths.of(project, 'networkinterfaceclaims');

interface Told {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Asks one ledger until it has told enough, or is gone. */
async function work(ledger: ServiceProcess, prefix: string, onTold: (told: Told) => void) {
  for (let n = 0; n < CLAIMS_EACH; n += 1) {
    const name = `${prefix}-${n}`;
    try {
      const { code, body } = await send(ledger.url, 'POST', claims, bodies.claim(name, project));
      expect([code, body.reason]).toEqual([201, undefined]);
      onTold({ name, addresses: addressesOf(body) });
    } catch (error) {
      if (isBroken(error)) return;
      throw error;
    }
  }
}

function addressesOf({ status }: { status: { addresses: { address: string }[] } }): string[] {
  return status.addresses.map(({ address }) => address);
}

it.skipIf(url === undefined)(
  'one of several ledgers is killed: nothing that it told is lost, and the others go on',
  async () => {
    const script = join(ROOT, 'test', 'faults', 'ledger-of-a-log.ts');
    const options = { script, env: { LOG_PREFIX }, flags: ['--store', url as string] };
    for (const name of ['one', 'two', 'three']) {
      processes.push(await ServiceProcess.start(join(directory, name), options));
    }
    const [first, doomed] = processes as [ServiceProcess, ServiceProcess];
    const make = async (path: string, body: object) =>
      expect((await send(first.url, 'POST', path, body)).code).toBe(201);
    await make(paths.locations, bodies.named(project));
    await make(paths.namespaces, bodies.named(project));
    await make(paths.of(project, 'networks'), bodies.network('default'));
    const told: Told[] = [];
    const onTold = (one: Told) => {
      if (told.push(one) === CLAIMS_BEFORE_KILL) doomed.kill('SIGKILL');
    };
    const clients = processes.flatMap((ledger, at) =>
      Array.from({ length: CLIENTS_EACH }, (_, n) => work(ledger, `c-${at}-${n}`, onTold)),
    );
    await Promise.all(clients);
    expect(await doomed.ended()).toBe('SIGKILL');
    const left = processes.filter((ledger) => ledger !== doomed);
    // The clients of the others were all answered.
    expect(told.length).toBeGreaterThanOrEqual(left.length * CLIENTS_EACH * CLAIMS_EACH);
    for (const { url: at } of left) {
      const { body } = await send(at, 'GET', claims);
      const found = new Map<string, string[]>(
        body.items.map((item: Parameters<typeof addressesOf>[0] & { metadata: Told }) => {
          return [item.metadata.name, addressesOf(item)];
        }),
      );
      for (const { name, addresses } of told) {
        expect([name, found.get(name)]).toEqual([name, addresses]);
      }
      const given = [...found.values()].flat();
      expect(new Set(given).size).toBe(given.length);
    }
  },
  180_000,
);
