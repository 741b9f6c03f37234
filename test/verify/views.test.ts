import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { RecordedEvent } from '../../src/store/store.ts';
import { type ProvedLog, type Verdict, verifyLog } from '../../src/verify/verification.ts';
import { VIEWS_SCHEMA } from '../../src/views/views-file.ts';
import { type BusyWorld, busyWorld } from './busy-world.ts';
import { forgeable, storeOf, verdictOn } from './forged-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'netalloc-verify-'));
const copy = join(directory, 'copy.sqlite');
const views = { path: copy, schema: VIEWS_SCHEMA };
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let world: BusyWorld;
beforeAll(async () => {
  world = await busyWorld(directory);
}, 60_000);

/** What is found in the log and in these views once something has been done to them. */
async function verdictAfter(sql: string, from = join(directory, 'views.sqlite')): Promise<Verdict> {
  copyFileSync(from, copy);
  const database = new DatabaseSync(copy);
  database.exec(sql);
  database.close();
  const store = openSqliteStore({ directory, clock: () => new Date(), readOnly: true });
  try {
    return await verdictOn(store, views);
  } finally {
    await store.close();
    expect(existsSync(copy)).toBe(true);
  }
}

/** Table and row of each difference, with what was expected and found. */
async function differencesAfter(sql: string): Promise<readonly string[][]> {
  const { findings, views: verdict } = await verdictAfter(sql);
  expect(findings.first).toEqual([]);
  if (!verdict.compared) throw new Error(verdict.reason);
  const { first } = verdict.differences;
  return first.map(({ table, row, expected, found }) => [table, row, expected, found]);
}

it('finds no difference, now or in views that have stayed behind', async () => {
  const now = await verdictAfter('');
  const { position } = world.events.at(-1) as RecordedEvent;
  expect(now.findings.first).toEqual([]);
  expect(now.views).toMatchObject({ compared: true, position, differences: { first: [] } });
  const early = await verdictAfter('', world.early);
  expect(early.views).toMatchObject({ compared: true, differences: { first: [] } });
  const { position: then, rows } = early.views as { position: bigint; rows: number };
  expect(then).toBeLessThan(position);
  expect(rows).toBeGreaterThan(100);
});

const CLAIM = "namespace = 'alpha' AND name = 'web-0'";
const set = (table: string, path: string, value: string, where = CLAIM) =>
  `UPDATE ${table} SET object = json_set(object, '${path}', json('${value}')) WHERE ${where}`;

it.each([
  {
    title: 'a claim with another address',
    sql: set('claims', '$.status.addresses[0].address', '"fd20::/120"'),
    difference: ['claims', 'alpha/web-0', /^addresses as its events say$/, /fd20::\/120/],
  },
  {
    title: 'a claim that is said to wait',
    sql: set('claims', '$.status.conditions[0].status', '"False"'),
    difference: ['claims', 'alpha/web-0', /^bound "True Bound"$/, /^bound "False Bound"$/],
  },
  {
    title: 'an interface in another phase',
    sql: set('interfaces', '$.status.phase', '"Available"'),
    difference: ['interfaces', 'alpha/web-0', /^phase "Bound"$/, /^phase "Available"$/],
  },
  {
    title: 'an interface with another MTU',
    sql: set('interfaces', '$.spec.mtu', '9000'),
    difference: ['interfaces', 'alpha/web-0', /^mtu 1500$/, /^mtu 9000$/],
  },
  {
    title: 'an interface with another address',
    sql: set('interfaces', '$.spec.addresses[1].address', '"10.0.0.11/32"'),
    difference: ['interfaces', 'alpha/web-0', /^spec as its events say$/, /10\.0\.0\.11/],
  },
  {
    title: 'an interface of another claim',
    sql: set('interfaces', '$.spec.claimRef.name', '"other"'),
    difference: ['interfaces', 'alpha/web-0', /"name":"web-0"/, /"name":"other"/],
  },
  {
    title: 'what a provider has never told',
    sql: set('interfaces', '$.status.vpc', '"vpc-9"'),
    difference: ['interfaces', 'alpha/web-0', /^told as its events say$/, /vpc-9/],
  },
  {
    title: 'a network with another range',
    sql: set('networks', '$.status.ipam.ipv4Range', '"10.0.0.0/8"', CLAIM.replace('web-0', 'net')),
    difference: ['networks', 'alpha/net', /10\.0\.0\.0\/27/, /10\.0\.0\.0\/8/],
  },
  {
    title: 'a project that is said to go',
    sql: set('namespaces', '$.status.phase', '"Terminating"', "name = 'beta'"),
    difference: ['namespaces', 'beta', /^phase "Active"$/, /^phase "Terminating"$/],
  },
  {
    title: 'a location that takes claims again',
    sql: set('locations', '$.spec.draining', 'false', "name = 'eu'"),
    difference: ['locations', 'eu', /"draining":true/, /"draining":false/],
  },
  {
    title: 'a pool of another class',
    sql: set('ip_pools', '$.spec.classRef.name', '"x"', "name = 'subnet4.alpha.net.us'"),
    difference: ['ip_pools', 'subnet4.alpha.net.us', /^className "subnet4"$/, /^className "x"$/],
  },
  {
    title: 'a retained block that is said to be held',
    sql: set('ip_allocations', '$.status.phase', '"Held"', "name = 'nat' AND namespace = 'alpha'"),
    difference: ['ip_allocations', 'alpha/nat', /^phase "Retained"$/, /^phase "Held"$/],
  },
  {
    title: 'an interface that is missing',
    sql: `DELETE FROM interfaces WHERE ${CLAIM}`,
    difference: ['interfaces', 'alpha/web-0', /^a row$/, /^none$/],
  },
  {
    title: 'a claim that nobody has made',
    sql: `INSERT INTO claims SELECT namespace, 'ghost', revision, last_revision, position,
      recorded_at, object FROM claims WHERE ${CLAIM}`,
    difference: ['claims', 'alpha/ghost', /^no such row$/, /"web-0"/],
  },
  {
    title: 'another holder',
    sql: `UPDATE holdings SET holder_name = 'x' WHERE pool = 'subnet4.alpha.net.us'
      AND start = '0a00000a'`,
    difference: ['holdings', 'subnet4.alpha.net.us 10.0.0.10/32', /alpha\/web-0/, /alpha\/x/],
  },
  {
    title: 'a holding that is missing',
    sql: "DELETE FROM holdings WHERE pool = 'subnet4.alpha.net.us' AND start = '0a00000a'",
    difference: ['holdings', 'subnet4.alpha.net.us 10.0.0.10/32', /^a row$/, /^none$/],
  },
  {
    title: 'a count that is off by one',
    sql: `UPDATE pool_blocks SET blocks = blocks + 1 WHERE pool = 'subnet4.alpha.net.us'
      AND state = 'Held'`,
    difference: ['pool_blocks', 'subnet4.alpha.net.us Held 2^0', /^blocks 3$/, /^blocks 4$/],
  },
  {
    title: 'a rest that ends at another instant',
    sql: `UPDATE holdings_past SET available_at = available_at + 1
      WHERE pool = 'subnet4.alpha.other.eu' AND available_at IS NOT NULL`,
    difference: ['holdings_past', 'subnet4.alpha.other.eu 10.0.0.2/32', /\d/, /\d/],
  },
  {
    title: 'a lease that is forgotten',
    sql: "DELETE FROM retentions WHERE name = 'kept-3'",
    difference: ['retentions', 'alpha NetworkInterface kept-3', /^a row$/, /^none$/],
  },
  {
    title: 'a claim that waits for something else',
    sql: "UPDATE waiting SET cause = 'network/x' WHERE name = 'lost'",
    difference: ['waiting', 'beta/lost', /network\/none/, /network\/x/],
  },
  {
    title: 'a presence that counts wrongly',
    sql: "UPDATE presences SET interfaces = 9 WHERE context = 'net.us' AND project = 'alpha'",
    difference: ['presences', 'alpha/net.us', /^interfaces 4$/, /^interfaces 9$/],
  },
  {
    title: 'a range of another project',
    sql: "UPDATE pool_ranges SET project = 'beta' WHERE pool = 'network4.alpha.other'",
    difference: ['pool_ranges', 'network4.alpha.other 10.0.0.0/27', /"alpha"/, /"beta"/],
  },
])('finds $title', async ({ sql, difference }) => {
  const [first, ...others] = await differencesAfter(sql);
  expect(others).toEqual([]);
  const [table, row, expected, found] = first as [string, string, string, string];
  expect([table, row]).toEqual(difference.slice(0, 2));
  expect(expected).toMatch(difference[2] as RegExp);
  expect(found).toMatch(difference[3] as RegExp);
});

it.each([
  {
    title: 'of another version',
    sql: "UPDATE checkpoint SET schema = 'x'",
    reason: /copy\.sqlite was written by another version$/,
  },
  {
    title: 'of another log',
    sql: "UPDATE checkpoint SET hash = 'x'",
    reason: /^they show an event at position \d+ that is not in this log$/,
  },
  {
    title: 'ahead of the log',
    sql: 'UPDATE checkpoint SET position = position + 1',
    reason: /^they show an event at position \d+ that is not in this log$/,
  },
  { title: 'no views', sql: 'DROP TABLE checkpoint', reason: /cannot be read: no such table/ },
])('says that views are not compared that are $title', async ({ sql, reason }) => {
  const { findings, views: verdict } = await verdictAfter(sql);
  expect(findings.first).toEqual([]);
  expect(verdict).toMatchObject({ compared: false, reason: expect.stringMatching(reason) });
});

it('says that there are none', async () => {
  const store = await storeOf(forgeable(world.events));
  const { views: verdict } = await verdictOn(store, { ...views, path: 'x' });
  expect(verdict).toEqual({ compared: false, reason: 'there is no x' });
});

it('reads on when a service has written more meanwhile', async () => {
  copyFileSync(join(directory, 'views.sqlite'), copy);
  let read = 0;
  const log: ProvedLog = {
    findings: { events: 0, streams: 0, firstAt: undefined, lastAt: undefined, digest: '' },
    async read(take) {
      const rest = world.events.slice(read, read === 0 ? 100 : undefined);
      read += rest.length;
      for (const event of rest) take(event);
    },
  };
  const { views: verdict } = await verifyLog(log, views);
  expect(read).toBe(world.events.length);
  expect(verdict).toMatchObject({ compared: true, differences: { first: [] } });
});

it('compares views that go on while the log is read as they are when it comes to them', async () => {
  copyFileSync(world.early, copy);
  const log: ProvedLog = {
    findings: { events: 0, streams: 0, firstAt: undefined, lastAt: undefined, digest: '' },
    async read(take) {
      for (const event of world.events) {
        if (event === world.events[60]) copyFileSync(join(directory, 'views.sqlite'), copy);
        take(event);
      }
    },
  };
  const { views: verdict } = await verifyLog(log, views);
  const { position } = world.events.at(-1) as RecordedEvent;
  expect(verdict).toMatchObject({ compared: true, position, differences: { first: [] } });
});
