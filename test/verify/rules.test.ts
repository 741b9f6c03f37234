import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/store/store.ts';
import type { Finding } from '../../src/verify/log-audit.ts';
import { busyWorld } from './busy-world.ts';
import { type Forged, forgeable, storeOf, verdictOn } from './forged-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'netalloc-verify-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let log: readonly RecordedEvent[];
beforeAll(async () => {
  log = (await busyWorld(directory)).events;
}, 60_000);

type Match = Readonly<Record<string, unknown>>;

/** The first event of a type in a project whose data has these fields. */
function at(events: readonly Forged[], type: string, data: Match = {}, project = 'alpha'): number {
  const isIt = (event: Forged) => {
    if (event.type !== type || !event.stream.endsWith(`.${project}`)) return false;
    return Object.entries(data).every(([name, value]) => {
      const told = event.data[name];
      return (told?.name ?? told) === value;
    });
  };
  const index = events.findIndex(isIt);
  expect(index, `${type} ${JSON.stringify(data)}`).toBeGreaterThanOrEqual(0);
  return index;
}

function one(events: readonly Forged[], ...which: [string, Match?, string?]): Forged {
  return events[at(events, ...which)] as Forged;
}

let ids = 0;
/** An event of a command of its own, at the instant of the one before it. */
function alone(stream: string, type: string, data: object, after: Forged): Forged {
  ids += 1;
  const id = `00000000-0000-5000-8000-${String(ids).padStart(12, '0')}`;
  const metadata = { ...after.metadata, commandId: id, index: 0, count: 1 };
  return { stream, id, type, data: { at: after.data.at, ...data }, metadata };
}

async function findingsOf(forge: (events: Forged[]) => void): Promise<readonly Finding[]> {
  const events = forgeable(log);
  forge(events);
  const { damage, findings } = await verdictOn(await storeOf(events));
  expect(damage).toBeUndefined();
  return findings.first;
}

it('finds nothing in a log in which nearly everything happens', async () => {
  expect(await findingsOf(() => {})).toEqual([]);
  expect(new Set(log.map(({ type }) => type)).size).toBeGreaterThan(30);
});

interface Case {
  readonly title: string;
  readonly forge: (events: Forged[]) => void;
  readonly rule: Finding['rule'];
  readonly type: string;
  readonly expected: RegExp;
  readonly found: RegExp;
}

const WEB_1 = { interface: 'web-1', family: 'IPv4' };

it.each<Case>([
  {
    title: 'an address that two interfaces have',
    forge: (events) => {
      one(events, 'AddressAllocated', WEB_1).data.block = '10.0.0.10/32';
      one(events, 'InterfaceReady', { name: 'web-1' }).data.spec.addresses[1].address =
        '10.0.0.10/32';
    },
    ...{ rule: 'overlap', type: 'AddressAllocated' },
    expected: /^10\.0\.0\.10\/32 of subnet4\.alpha\.net\.us is free$/,
    found: /^10\.0\.0\.10\/32 is held by NetworkInterface alpha\/web-0$/,
  },
  {
    title: 'an address outside of its pool',
    forge: (events) => {
      one(events, 'AddressAllocated', WEB_1).data.block = '10.0.0.16/32';
    },
    ...{ rule: 'range', type: 'AddressAllocated' },
    expected: /^10\.0\.0\.16\/32 lies in subnet4\.alpha\.net\.us$/,
    found: /^that has 10\.0\.0\.8\/29$/,
  },
  {
    title: 'an interface that shows another address than it holds',
    forge: (events) => {
      one(events, 'InterfaceReady', { name: 'web-1' }).data.spec.addresses[1].address =
        '10.0.0.13/32';
    },
    ...{ rule: 'release', type: 'InterfaceReady' },
    expected: /10\.0\.0\.11\/32/,
    found: /10\.0\.0\.13\/32/,
  },
  {
    title: 'a release of an address that the interface does not hold',
    forge: (events) => {
      one(events, 'AddressReleased', { interface: 'web-1' }).data.block = 'fd20::100:100/120';
    },
    ...{ rule: 'release', type: 'AddressReleased' },
    expected: /^web-1 holds fd20::100:200\/120 of subnet6\.alpha\.net\.us/,
    found: /^it releases fd20::100:100\/120/,
  },
  {
    title: 'an address that goes to another without a release',
    forge: (events) => {
      const first = at(events, 'AddressReleased', { interface: 'web-1' });
      for (const event of events.slice(first, first + 4)) event.metadata.count -= 2;
      events[first + 2]!.metadata.index = 0;
      events[first + 3]!.metadata.index = 1;
      events.splice(first, 2);
    },
    ...{ rule: 'release', type: 'InterfaceDeleted' },
    expected: /^interface web-1 has released its 2 addresses when it goes$/,
    found: /^it has released 0$/,
  },
  {
    title: 'an address that is given while it rests',
    forge: (events) => {
      for (const { type, data } of events) {
        if (data.interface?.name !== 'web-1') continue;
        if (type === 'AddressAllocated') data.policy.quarantineMs = 3_600_000;
        if (type === 'AddressReleased') data.availableAt = '2026-01-01T01:00:21.000Z';
      }
    },
    ...{ rule: 'release', type: 'AddressAllocated' },
    expected: /^fd20::100:200\/120 of subnet6\.alpha\.net\.us rests until 2026-01-01T01:00:21/,
    found: /^it is given to NetworkInterface alpha\/web-2 at /,
  },
  {
    title: 'a rest that is shorter than the policy says',
    forge: (events) => {
      one(events, 'AddressReleased', { interface: 'web-1' }).data.availableAt =
        '2026-01-01T00:00:22.000Z';
    },
    ...{ rule: 'release', type: 'AddressReleased' },
    expected: /rests 60000 ms$/,
    found: /rests 1000 ms$/,
  },
  {
    title: 'a range that its parent has not got',
    forge: (events) => {
      one(events, 'PrefixCarved', { childPool: 'subnet4.alpha.net.us' }).data.prefix =
        '10.0.0.32/29';
    },
    ...{ rule: 'range', type: 'PrefixCarved' },
    expected: /^10\.0\.0\.32\/29 lies in network4\.alpha\.net$/,
    found: /^that has 10\.0\.0\.0\/27$/,
  },
  {
    title: 'a second child of one carve',
    forge: (events) => {
      one(events, 'PrefixCarved', { childPool: 'subnet4.alpha.net.us' }).data.childPool =
        'subnet4.alpha.net.eu';
    },
    ...{ rule: 'range', type: 'PrefixCarved' },
    expected: /^pool subnet4\.alpha\.net\.eu is a new one$/,
    found: /has one of that name$/,
  },
  {
    title: 'root ranges that overlap',
    forge: (events) => {
      const all = events.filter(({ type }) => type === 'RootRangeRegistered');
      all[1]!.data.prefix = 'fd20::/90';
    },
    ...{ rule: 'overlap', type: 'RootRangeRegistered' },
    expected: /^fd20::\/90 of public-a overlaps no root range$/,
    found: /^root has fd20::\/80$/,
  },
  {
    title: 'a pool that goes while something is held in it',
    forge: (events) => {
      const after = at(events, 'InterfaceReady', { name: 'web-1' });
      const { stream } = events[after] as Forged;
      const returned = {
        ...{ pool: 'network4.alpha.net', prefix: '10.0.0.8/29' },
        ...{ childPool: 'subnet4.alpha.net.us', availableAt: '2026-01-01T00:01:00.000Z' },
      };
      const event = alone(stream, 'PrefixReturned', returned, events[after] as Forged);
      events.splice(after + 1, 0, event);
    },
    ...{ rule: 'counts', type: 'PrefixReturned' },
    expected: /^subnet4\.alpha\.net\.us goes when nothing is left in it$/,
    found: /^10\.0\.0\.10\/32 is held$/,
  },
  {
    title: 'a claim with two interfaces',
    forge: (events) => {
      const { uid } = one(events, 'ClaimRequested', { name: 'web-0' }).data;
      one(events, 'InterfaceRebound').data.claim = { name: 'web-0', uid };
    },
    ...{ rule: 'binding', type: 'InterfaceRebound' },
    expected: /^claim web-0 has no interface yet$/,
    found: /^it has web-0$/,
  },
  {
    title: 'an interface that goes while its claim lives',
    forge: (events) => {
      const index = at(events, 'ClaimDeleted', { name: 'web-1' });
      for (const event of events.slice(index - 3, index)) event.metadata.count -= 1;
      events.splice(index, 1);
    },
    ...{ rule: 'binding', type: 'InterfaceDeleted' },
    expected: /^claim web-1 keeps its interface while it lives$/,
    found: /deleted$/,
  },
  {
    title: 'a retained interface that goes by itself',
    forge: (events) => {
      const { commandId } = one(events, 'InterfaceDeleted', { name: 'kept-too' }).metadata;
      for (const { metadata } of events) {
        if (metadata.commandId === commandId) metadata.actor.role = 'system';
      }
    },
    ...{ rule: 'retention', type: 'InterfaceDeleted' },
    expected: /^interface kept-too is retained/,
    found: /before 2026-01-01T00:10:23/,
  },
  {
    title: 'a lease that ends too early',
    forge: (events) => {
      one(events, 'InterfaceRetained', { name: 'kept' }).data.expiresAt =
        '2026-01-01T00:00:30.000Z';
    },
    ...{ rule: 'retention', type: 'InterfaceRetained' },
    expected: /^interface kept expires at 2026-01-01T00:10:22/,
    found: /^2026-01-01T00:00:30/,
  },
  {
    title: 'something of another project',
    forge: (events) => {
      one(events, 'PrefixCarved', { childPool: 'network6.alpha.other' }).data.scope.project =
        'beta';
    },
    ...{ rule: 'isolation', type: 'PrefixCarved' },
    expected: /about alpha$/,
    found: /^beta$/,
  },
  {
    title: 'an address from the pool of another project',
    forge: (events) => {
      one(events, 'AddressAllocated', WEB_1).data.pool = 'subnet4.gone.net.us';
    },
    ...{ rule: 'isolation', type: 'AddressAllocated' },
    expected: /^addressSpace-project\.alpha decides about pools of its own$/,
    found: /is of addressSpace-project\.gone$/,
  },
  {
    title: 'a hold that is committed twice',
    forge: (events) => {
      const first = one(events, 'AddressAllocated', { pool: 'public-a' }).data.grant;
      one(events, 'IPAllocationCreated', { name: 'nat' }).data.grant = first;
    },
    ...{ rule: 'grant', type: 'IPAllocationCreated' },
    expected: /can be committed$/,
    found: /^it is committed$/,
  },
  {
    title: 'a hold that is taken back while it is in use',
    forge: (events) => {
      const index = at(events, 'AddressConfirmed', {}, 'public-a');
      const { stream, data } = events[index] as Forged;
      const { pool, block, grantId } = data;
      const unheld = { pool, block, grantId, availableAt: data.at };
      const after = events[index] as Forged;
      events.splice(index + 1, 0, alone(stream, 'AddressUnheld', unheld, after));
    },
    ...{ rule: 'grant', type: 'AddressUnheld' },
    expected: /^alpha has given up public-a 198\.51\.100\.0\/32 before it is taken back$/,
    found: /^its grant is committed$/,
  },
  {
    title: 'half a command',
    forge: (events) => {
      events.splice(at(events, 'InterfaceReady', { name: 'web-1' }), 1);
    },
    ...{ rule: 'command', type: 'ClaimRequested' },
    expected: /^event 3 of command /,
    found: /^event 0 of command /,
  },
  {
    title: 'a claim of a name that is taken',
    forge: (events) => {
      const { stream, data, metadata } = one(events, 'ClaimRequested', { name: 'web-1' });
      const last = events.at(-1) as Forged;
      const again = { ...alone(stream, 'ClaimRequested', data, last), metadata };
      again.metadata = { ...metadata, commandId: last.id, index: 0, count: 1 };
      again.data = { ...data, at: last.data.at, name: 'web-0' };
      events.push(again);
    },
    ...{ rule: 'object', type: 'ClaimRequested' },
    expected: /^NetworkInterfaceClaim web-0 is a new one$/,
    found: /^it is there already/,
  },
  {
    title: 'a stale holder',
    forge: (events) => {
      one(events, 'InterfaceStatusReported').data.uid = '00000000-0000-5000-8000-000000000000';
    },
    ...{ rule: 'object', type: 'InterfaceStatusReported' },
    expected: /of uid 00000000/,
    found: /^its uid is /,
  },
  {
    title: 'an instant before the one before it',
    forge: (events) => {
      one(events, 'ClaimDeleted', { name: 'kept' }).data.at = '2026-01-01T00:00:01.000Z';
    },
    ...{ rule: 'event', type: 'ClaimDeleted' },
    expected: /not before 2026-01-01T00:00:22/,
    found: /^2026-01-01T00:00:01/,
  },
  {
    title: 'a field that nobody knows',
    forge: (events) => {
      one(events, 'ClaimDeleted').data.note = 'x';
    },
    ...{ rule: 'event', type: 'ClaimDeleted' },
    expected: /^the form of ClaimDeleted$/,
    found: /note/,
  },
  {
    title: 'a type that nobody knows',
    forge: (events) => {
      one(events, 'ClaimDeleted').type = 'ClaimForgotten';
    },
    ...{ rule: 'event', type: 'ClaimForgotten' },
    expected: /^a type that this netalloc knows$/,
    found: /^ClaimForgotten$/,
  },
  {
    title: 'an event in a stream where it does not belong',
    forge: (events) => {
      const last = events.at(-1) as Forged;
      const { data } = events.find(({ type }) => type === 'LocationCreated') as Forged;
      events.push(alone(last.stream, 'LocationCreated', { ...data, at: last.data.at }, last));
    },
    ...{ rule: 'event', type: 'LocationCreated' },
    expected: /^an event that belongs into addressSpace-project\.alpha$/,
    found: /^LocationCreated$/,
  },
])('finds $title', async ({ forge, rule, type, expected, found }) => {
  const [first] = await findingsOf(forge);
  expect(first).toMatchObject({ rule, event: { type } });
  expect(first?.expected).toMatch(expected);
  expect(first?.found).toMatch(found);
});
