import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import { Recovery } from '../../src/application/recovery.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import {
  type Command,
  claim,
  context,
  createProject,
  deleteClaim,
  deleteInterface,
  deleteIPClaim,
  deleteProject,
  finalizers,
  ipClaim,
  location,
  network,
  planWith,
  publicV4,
  reportStatus,
  updateLocation,
  updateNetwork,
} from '../ledger/commands.ts';
import { collect } from '../store/writing.ts';

const PLAN = planWith(
  { root: 'fd20::/80', project: 88, network: 96, subnet: 104, endpoint: 120, lease: '600s' },
  publicV4,
);
const PLATFORM = new Set(['CreateLocation', 'UpdateLocation', 'DeleteLocation']);
const BOTH = ['IPv6' as const, 'IPv4' as const];
const PUBLIC = { ipFamilies: BOTH, addresses: [{ class: 'public4' }] };
const A_MINUTE_MS = 60_000;

type Step = readonly [project: string, command: Command] | number;

const keep = { reclaimPolicy: 'Retain' as const, ipFamilies: BOTH };

/** What happens, each step when the one before it is done; a number is time that goes by. */
const FIRST: readonly Step[] = [
  ['', location('us')],
  ['', location('eu')],
  ['alpha', createProject],
  ['beta', createProject],
  ['gone', createProject],
  ['alpha', network('net', { ipFamilies: BOTH })],
  ['alpha', network('other', { ipFamilies: BOTH })],
  ['beta', network('net', { ipFamilies: BOTH })],
  ['gone', network('net')],
  ['gone', claim('x', { network: 'net', location: 'us' })],
  ['alpha', context('net.eu')],
  ['alpha', claim('web-0', { network: 'net', location: 'us', ipFamilies: BOTH })],
  ['alpha', claim('web-1', { network: 'net', location: 'us', ipFamilies: BOTH })],
  ['alpha', claim('kept', { network: 'net', location: 'us', ...keep })],
  ['alpha', claim('kept-too', { network: 'other', location: 'eu', ...keep, ...PUBLIC })],
  ['beta', claim('web-0', { network: 'net', location: 'us', ...PUBLIC })],
  ['beta', claim('lost', { network: 'none', location: 'us' })],
  ['alpha', ipClaim('nat', { className: 'public4', reclaimPolicy: 'Retain' })],
  ['beta', ipClaim('nat', { className: 'public4' })],
  ['alpha', reportStatus('web-0')],
];
const SECOND: readonly Step[] = [
  ['alpha', deleteClaim('web-1')],
  ['alpha', deleteClaim('kept')],
  ['alpha', deleteClaim('kept-too')],
  ['alpha', deleteIPClaim('nat')],
  ['beta', deleteIPClaim('nat')],
  ['gone', deleteClaim('x')],
  3 * A_MINUTE_MS,
  ['gone', deleteProject],
  ['alpha', claim('web-2', { network: 'net', location: 'us', ipFamilies: BOTH })],
  ['alpha', claim('kept', { network: 'net', location: 'us', ...keep })],
  ['alpha', deleteInterface('kept-too')],
  ['alpha', finalizers('NetworkInterface', 'web-2', 'a.example/b')],
  ['alpha', deleteClaim('web-2')],
  ['alpha', updateNetwork('net', { ipFamilies: BOTH, mtu: 1500 })],
  ['', updateLocation('eu', { draining: true })],
  ['beta', claim('late', { network: 'net', location: 'eu' })],
  ['alpha', claim('kept-3', { network: 'net', location: 'us', ...keep })],
  ['alpha', deleteClaim('kept-3')],
];

/** A log in a data directory in which nearly everything happens, and its views. */
export interface BusyWorld {
  readonly directory: string;
  readonly events: readonly RecordedEvent[];
  /** The views as they were in the middle of it. */
  readonly early: string;
}

export async function busyWorld(directory: string): Promise<BusyWorld> {
  let nowMs = Date.UTC(2026, 0, 1);
  let ids = 0;
  const clock = () => new Date(nowMs);
  const early = join(directory, 'early.sqlite');
  for (const steps of [FIRST, SECOND]) {
    const store = openSqliteStore({ directory, clock });
    const world = await open(store, directory, clock, () => uuidOf('busy', ids++));
    for (const step of steps) {
      nowMs += typeof step === 'number' ? step : 1_000;
      if (typeof step !== 'number') await world.run(step);
    }
    await world.close();
    if (steps === FIRST) copyFileSync(join(directory, 'views.sqlite'), early);
    await store.close();
  }
  const store = openSqliteStore({ directory, clock, readOnly: true });
  const events = await collect(store.readAll(0n));
  await store.close();
  return { directory, events, early };
}

async function open(store: Store, directory: string, clock: () => Date, newId: () => string) {
  const log = pino({ level: 'silent' });
  const views = await openViews({ store, directory, clock, log });
  const ledger = await Ledger.open(
    {
      ...{ store, log, clock, newId, random: () => 0 },
      viewed: (position) => views.reached(position),
      answered: (commandId) => views.answered(commandId),
    },
    PLAN,
    false,
  );
  await views.ready;
  const recovery = new Recovery({ ledger, views, log, clock });
  views.onApplied((events) => recovery.react(events));
  await recovery.start();
  const run = async ([project, command]: readonly [string, Command]) => {
    const commandId = newId();
    const actor = { issuer: 'test', subject: 'me', role: 'operator' };
    const request = { commandId, correlationId: commandId, actor, dryRun: false };
    const answer = PLATFORM.has(command.type)
      ? await ledger.platform(command as never, request)
      : await ledger.project(project, command as never, request);
    if (answer.outcome === 'rejected') {
      throw new Error(`${command.type} is refused: ${JSON.stringify(answer.rejection)}`);
    }
  };
  const close = async () => {
    await recovery.close();
    await ledger.close();
    await views.close();
  };
  return { run, close };
}
