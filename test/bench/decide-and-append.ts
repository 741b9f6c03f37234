import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import type { LedgerAnswer } from '../../src/application/request.ts';
import { builtInPlan } from '../../src/ledger/plan.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Bench, quantile, secondsOf } from './bench.ts';
import { LOCATIONS, locationOf, PROJECT } from './service-under-load.ts';

const AT_ONCE = 64;
const actor = { issuer: 'bench', subject: 'bench', role: 'operator' };

/**
 * Claims decided and appended in this process, 64 at a time, beside an SQLite table into which the
 * same number of bytes is committed by as many transactions.
 */
export const decideAndAppend: Bench = {
  name: 'decide-and-append',
  async run({ quick, say, newDirectory }) {
    const rounds = quick ? 20 : 200;
    const directory = newDirectory();
    const store = openSqliteStore({ directory, clock: () => new Date() });
    const ledger = await begun(store);
    const claims = rounds * AT_ONCE;
    say(`${claims} claims`);
    const seconds = await secondsOf(async () => {
      for (let round = 0; round < rounds; round += 1) await claimAtOnce(ledger, round);
    });
    const head = await store.head();
    await ledger.close();
    await store.close();
    const log = new DatabaseSync(join(directory, 'log.sqlite'), { readOnly: true });
    const { bytes } = log.prepare('SELECT sum(length(events)) AS bytes FROM frames').get() as {
      bytes: number;
    };
    log.close();
    const bytesPerClaim = Math.round((bytes / Number(head)) * 4);
    say('the same bytes without deciding anything');
    const raw = [0, 1, 2].map(() => rawCommits(newDirectory(), rounds, bytesPerClaim));
    return [
      {
        name: `decide and append, ${AT_ONCE} at a time`,
        value: claims / seconds,
        unit: 'claims/s',
        baseline: { name: 'raw group commit of the bytes', value: claims / quantile(raw, 0.5) },
      },
    ];
  },
};

async function begun(store: ReturnType<typeof openSqliteStore>): Promise<Ledger> {
  const ledger = await Ledger.open(
    {
      ...{ store, clock: () => new Date(), newId: randomUUID, random: Math.random },
      ...{ log: pino({ level: 'silent' }), viewed: async () => {}, answered: () => undefined },
    },
    builtInPlan(),
    false,
  );
  for (const { name, ipFamily, cidr, classNames } of builtInPlan().pools) {
    const uid = ledger.platformState.roots.find(({ pool }) => pool.name === name)?.pool.uid ?? '';
    const spec = { ipFamily, cidr, classNames };
    await ledger.pool(name, { type: 'OpenPool', name, uid, spec, metadata: {} }, ledger.own());
  }
  const metadata = {};
  for (let n = 0; n < LOCATIONS; n += 1) {
    const spec = { projects: ['*'], draining: false };
    const command = { type: 'CreateLocation', name: locationOf(n), spec, metadata } as const;
    await ledger.platform(command, requestOf());
  }
  const ipFamilies: ('IPv6' | 'IPv4')[] = ['IPv6', 'IPv4'];
  const spec = { ipFamilies, mtu: 1460, ipam: { mode: 'Auto' as const } };
  await ledger.project(PROJECT, { type: 'CreateNamespace', metadata }, requestOf());
  const network = { type: 'CreateNetwork', name: 'default', spec, metadata } as const;
  await ledger.project(PROJECT, network, requestOf());
  return ledger;
}

async function claimAtOnce(ledger: Ledger, round: number): Promise<void> {
  const answers: Promise<LedgerAnswer>[] = [];
  for (let n = 0; n < AT_ONCE; n += 1) {
    const name = `nic-${round}-${n}`;
    const spec = {
      ...{ network: { name: 'default' }, location: { name: locationOf(n) } },
      ...{ interfaceName: 'eth0', attachmentMode: 'Netns', reclaimPolicy: 'Delete' },
      ipFamilies: ['IPv6', 'IPv4'],
    } as const;
    const command = { type: 'RequestClaim', name, spec, metadata: {} } as const;
    answers.push(ledger.project(PROJECT, command as never, requestOf()));
  }
  for (const { outcome } of await Promise.all(answers)) {
    if (outcome !== 'decided') throw new Error(`a claim was ${outcome}`);
  }
}

function requestOf() {
  const commandId = randomUUID();
  return { commandId, correlationId: commandId, actor, dryRun: false };
}

/** Seconds that it takes to commit so many transactions of one row each. */
function rawCommits(directory: string, rounds: number, bytesPerClaim: number): number {
  const database = new DatabaseSync(join(directory, 'raw.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x TEXT)');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  const text = 'x'.repeat(bytesPerClaim * AT_ONCE);
  const startMs = performance.now();
  for (let round = 0; round < rounds; round += 1) insert.run(text);
  const seconds = (performance.now() - startMs) / 1_000;
  database.close();
  return seconds;
}
