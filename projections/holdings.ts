import {
  familyWidth,
  formatPrefix,
  lastAddress,
  parseAddress,
  parsePrefix,
} from '../src/addressing/prefix.ts';
import type { ExternalAddress, InterfaceAddress } from '../src/ledger/events.ts';
import { SYSTEM_NAMESPACE } from '../src/ledger/names.ts';
import type { Placed, Present, TableProjection, Write } from '../src/views/projection.ts';
import { subnetsOf } from './network-contexts.ts';
import { digitsOf } from './shape/block-digits.ts';

/**
 * Who holds what, and who held it when. A row of `holdings` is a block held now; when that ends
 * the row goes to `holdings_past` with the end of its interval. A released block is an interval
 * of `holdings_past` at once, Quarantined until an instant that is known from the start: its end
 * is no event. `pool_blocks` counts what each pool holds by state and size, so that a read does not
 * have to; a block's size is 2^host_bits addresses.
 */
const TABLES = `
CREATE TABLE pool_ranges (
  pool      TEXT    NOT NULL,
  start     TEXT    NOT NULL,
  length    INTEGER NOT NULL,
  host_bits INTEGER NOT NULL,
  project   TEXT    NOT NULL, -- whose space it is in; empty for authored pools
  PRIMARY KEY (pool, start, length)
) STRICT, WITHOUT ROWID;
CREATE INDEX pool_ranges_by_project ON pool_ranges (project);

CREATE TABLE holdings (
  pool             TEXT    NOT NULL,
  start            TEXT    NOT NULL, -- in digits that sort as addresses do
  length           INTEGER NOT NULL,
  host_bits        INTEGER NOT NULL,
  state            TEXT    NOT NULL, -- Held, Retained, Reserved or Carved
  holder_kind      TEXT    NOT NULL,
  holder_namespace TEXT    NOT NULL,
  holder_name      TEXT    NOT NULL,
  holder_uid       TEXT    NOT NULL,
  class            TEXT    NOT NULL,
  position         INTEGER NOT NULL,
  recorded_at      INTEGER NOT NULL,
  PRIMARY KEY (pool, start, length)
) STRICT, WITHOUT ROWID;

CREATE TABLE holdings_past (
  pool              TEXT    NOT NULL,
  start             TEXT    NOT NULL,
  length            INTEGER NOT NULL,
  host_bits         INTEGER NOT NULL,
  state             TEXT    NOT NULL, -- as above, or Quarantined
  holder_kind       TEXT    NOT NULL,
  holder_namespace  TEXT    NOT NULL,
  holder_name       TEXT    NOT NULL,
  holder_uid        TEXT    NOT NULL,
  class             TEXT    NOT NULL,
  position          INTEGER NOT NULL,
  recorded_at       INTEGER NOT NULL,
  until_position    INTEGER, -- none when a quarantine has ended by itself, or will
  until_recorded_at INTEGER,
  available_at      INTEGER, -- milliseconds since 1970; only of what is Quarantined
  PRIMARY KEY (pool, start, length, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantines ON holdings_past (pool, host_bits, available_at, until_position)
  WHERE available_at IS NOT NULL AND until_position IS NULL;
CREATE INDEX quarantines_by_project ON holdings_past (holder_namespace, available_at, position)
  WHERE available_at IS NOT NULL;

CREATE TABLE pool_blocks (
  pool      TEXT    NOT NULL,
  state     TEXT    NOT NULL,
  host_bits INTEGER NOT NULL,
  blocks    INTEGER NOT NULL,
  PRIMARY KEY (pool, state, host_bits)
) STRICT, WITHOUT ROWID;
`;

const BLOCK = 'pool = ?1 AND start = ?2 AND length = ?3';
const RANGE = 'pool = ?1 AND start >= ?2 AND start <= ?3';
/** A block of an authored pool that an interface holds: such pools overlap nowhere. */
const EXTERNAL = `pool IN (SELECT pool FROM pool_ranges WHERE project = '')
  AND start = ?1 AND length = ?2 AND holder_uid = ?3`;
const POOLS = 'pool IN (SELECT pool FROM pool_ranges WHERE project = ?1)';

const keep = (rows: string, until: string) =>
  `INSERT INTO holdings_past SELECT *, ${until}, NULL FROM holdings WHERE ${rows}`;
const tally = (rows: string, sign: '+' | '-') =>
  `INSERT INTO pool_blocks SELECT pool, state, host_bits, ${sign}count(*) FROM holdings
    WHERE ${rows} GROUP BY pool, state, host_bits
    ON CONFLICT DO UPDATE SET blocks = blocks + excluded.blocks`;
// By pool and size of block they are a part of the index; what has ended by itself is left alone.
const endQuarantines = (pools: string, rows: string, until: string, at: string) =>
  `UPDATE holdings_past INDEXED BY quarantines
    SET (until_position, until_recorded_at) = (${until})
    WHERE ${rows} AND available_at > ${at} AND until_position IS NULL
      AND host_bits IN (SELECT host_bits FROM pool_blocks WHERE ${pools})`;

/** Allocations and address history. */
export const holdings: TableProjection = {
  name: 'holdings',
  version: 4,
  tables: TABLES,
  statements: {
    addRange: 'INSERT INTO pool_ranges VALUES (?, ?, ?, ?, ?)',
    begin: 'INSERT INTO holdings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    countMore: `INSERT INTO pool_blocks VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET blocks = blocks + excluded.blocks`,
    count: tally(BLOCK, '+'),
    uncount: tally(BLOCK, '-'),
    keep: keep(BLOCK, '?4, ?5'),
    restate: `UPDATE holdings SET (position, recorded_at, state) = (?4, ?5, ?6) WHERE ${BLOCK}`,
    rehold: `UPDATE holdings
      SET (position, recorded_at, state, holder_kind, holder_name, holder_uid)
        = (?4, ?5, ?6, ?7, ?8, ?9) WHERE ${BLOCK}`,
    end: `DELETE FROM holdings WHERE ${BLOCK}`,
    keepExternal: keep(EXTERNAL, '?4, ?5'),
    countExternal: tally(EXTERNAL, '+'),
    uncountExternal: tally(EXTERNAL, '-'),
    restateExternal: `UPDATE holdings SET (position, recorded_at, state) = (?4, ?5, ?6)
      WHERE ${EXTERNAL}`,
    quarantine: `INSERT INTO holdings_past SELECT pool, start, length, host_bits, 'Quarantined',
      holder_kind, holder_namespace, holder_name, holder_uid, class, ?4, ?5, NULL, NULL, ?6
      FROM holdings WHERE ${BLOCK}`,
    keepRange: keep(RANGE, '?4, ?5'),
    uncountRange: tally(RANGE, '-'),
    endRange: `DELETE FROM holdings WHERE ${RANGE}`,
    endRangeQuarantines: endQuarantines('pool = ?1', RANGE, '?4, ?5', '?6'),
    dropRange: `DELETE FROM pool_ranges WHERE ${BLOCK}`,
    dropCounts: `DELETE FROM pool_blocks WHERE pool = ?1
      AND NOT EXISTS (SELECT 1 FROM pool_ranges WHERE pool = ?1)`,
    keepProject: keep(POOLS, '?2, ?3'),
    endProject: `DELETE FROM holdings WHERE ${POOLS}`,
    endProjectQuarantines: endQuarantines(POOLS, POOLS, '?2, ?3', '?4'),
    dropProjectCounts: `DELETE FROM pool_blocks WHERE ${POOLS}`,
    dropProjectRanges: 'DELETE FROM pool_ranges WHERE project = ?',
  },
  counts: { adds: ['countMore'], beside: ['begin'] },
  on: {
    RangeAdded: ({ data, project }) => [['addRange', ...blockOf(data.pool, data.prefix), project]],
    RangeRemoved: (event) => rangeEnds(event, event.data.pool, event.data.prefix),
    PrefixCarved: (event) => {
      const { pool, prefix, childPool, className, grant } = event.data;
      // Found by whose it is when it rests; what is of no project is the platform's.
      const namespace = event.project || SYSTEM_NAMESPACE;
      const holder = { kind: 'IPPool', namespace, name: childPool, uid: '' };
      const carved = taken(event, pool, prefix, 'Carved', holder, className);
      // A carve for another stream becomes a pool there.
      if (grant !== undefined) return carved;
      return [...carved, ['addRange', ...blockOf(childPool, prefix), event.project]];
    },
    PrefixReturned: (event) => {
      const { pool, prefix, childPool, grantId } = event.data;
      const ended = grantId === undefined ? rangeEnds(event, childPool, prefix) : [];
      return [...ended, ...released(event, pool, prefix)];
    },
    PrefixReserved: (event) => {
      const { pool, prefix, owner } = event.data;
      const holder = { ...owner, namespace: '', uid: '' };
      return taken(event, pool, prefix, 'Reserved', holder, '');
    },
    // From its hold on a block of an authored pool is its claim's, whatever becomes of the claim.
    AddressHeld: (event) => {
      const { pool, block, className = '', project, claim } = event.data;
      return taken(event, pool, block, 'Held', { ...claim, namespace: project }, className);
    },
    AddressUnheld: (event) => released(event, event.data.pool, event.data.block),
    ReservationLifted: (event) => {
      const { pool, prefix } = event.data;
      return endsAtOnce(event, pool, prefix);
    },
    AddressAllocated: (event) => {
      const { pool, block, className, interface: nic, grant } = event.data;
      const holder = { kind: 'NetworkInterface', namespace: event.project, ...nic };
      if (grant !== undefined) return reheld(event, pool, block, 'Held', holder);
      return taken(event, pool, block, 'Held', holder, className);
    },
    // The project's word ends a holding; what its pool says afterwards of the block is no news.
    AddressReleased: (event) => released(event, event.data.pool, event.data.block),
    IPAllocationCreated: (event) => {
      const { pool, block, className = '', claim, grant } = event.data;
      // The hold of an authored pool was for this very claim.
      if (grant !== undefined) return [];
      const holder = { kind: 'IPClaim', namespace: event.project, ...claim };
      return taken(event, pool, block, 'Held', holder, className);
    },
    IPAllocationUpdated: (event) => {
      const { pool, block, name, uid, claim } = event.data;
      const holder = { kind: 'IPClaim', namespace: event.project, ...(claim ?? { name, uid }) };
      return reheld(event, pool, block, claim === null ? 'Retained' : 'Held', holder);
    },
    IPAllocationDeleted: (event) => released(event, event.data.pool, event.data.block),
    InterfaceRetained: (event, present) => restated(event, present, 'Retained'),
    InterfaceRebound: (event, present) => restated(event, present, 'Held'),
    AddressSpaceClosed: ({ project, data, position, recordedAtMs }) => [
      ['keepProject', project, position, recordedAtMs],
      ['endProject', project],
      ['endProjectQuarantines', project, position, recordedAtMs, Date.parse(data.at)],
      ['dropProjectCounts', project],
      ['dropProjectRanges', project],
    ],
  },
};

interface Holder {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Pool, start, length and size of a block, as the tables begin. */
function blockOf(pool: string, cidr: string): [string, string, number, number] {
  const { family, start, length } = parsePrefix(cidr);
  return [pool, digitsOf(family, start), length, familyWidth(family) - length];
}

function taken(
  { position, recordedAtMs }: Placed,
  pool: string,
  cidr: string,
  state: string,
  { kind, namespace, name, uid }: Holder,
  className: string,
): Write[] {
  const [, start, length, hostBits] = blockOf(pool, cidr);
  const begin = [
    'begin',
    pool,
    start,
    length,
    hostBits,
    state,
    kind,
    namespace,
    name,
    uid,
  ] as const;
  return [
    [...begin, className, position, recordedAtMs],
    ['countMore', pool, state, hostBits, 1],
  ];
}

/** A block that is held goes over to a holder, in this state. */
function reheld(
  { position, recordedAtMs }: Placed,
  pool: string,
  cidr: string,
  state: string,
  { kind, name, uid }: Holder,
): Write[] {
  const [, start, length] = blockOf(pool, cidr);
  const block = [pool, start, length] as const;
  const place = [position, recordedAtMs] as const;
  return [
    ['keep', ...block, ...place],
    ['uncount', ...block],
    ['rehold', ...block, ...place, state, kind, name, uid],
    ['count', ...block],
  ];
}

/** Its last holder stays named while the block is in quarantine. */
function released(
  event: Placed<'AddressReleased' | 'PrefixReturned' | 'AddressUnheld' | 'IPAllocationDeleted'>,
  pool: string,
  cidr: string,
): Write[] {
  const { data, position, recordedAtMs } = event;
  const [, start, length] = blockOf(pool, cidr);
  const availableAtMs = Date.parse(data.availableAt);
  const block = [pool, start, length] as const;
  const place = [position, recordedAtMs] as const;
  const isFreeAtOnce = availableAtMs <= Date.parse(data.at);
  if (isFreeAtOnce) return endsAtOnce(event, pool, cidr);
  return [
    ['keep', ...block, ...place],
    ['quarantine', ...block, ...place, availableAtMs],
    ['uncount', ...block],
    ['end', ...block],
  ];
}

/** What nobody held rests for nobody. */
function endsAtOnce({ position, recordedAtMs }: Placed, pool: string, cidr: string): Write[] {
  const [, start, length] = blockOf(pool, cidr);
  const block = [pool, start, length] as const;
  return [
    ['keep', ...block, position, recordedAtMs],
    ['uncount', ...block],
    ['end', ...block],
  ];
}

/** A range goes with all that is in it; the last one takes its pool with it. */
function rangeEnds(
  { data, position, recordedAtMs }: Placed<'RangeRemoved' | 'PrefixReturned'>,
  pool: string,
  cidr: string,
): Write[] {
  const range = parsePrefix(cidr);
  const first = digitsOf(range.family, range.start);
  const last = digitsOf(range.family, lastAddress(range));
  return [
    ['keepRange', pool, first, last, position, recordedAtMs],
    ['uncountRange', pool, first, last],
    ['endRange', pool, first, last],
    ['endRangeQuarantines', pool, first, last, position, recordedAtMs, Date.parse(data.at)],
    ['dropRange', pool, first, range.length],
    ['dropCounts', pool],
  ];
}

/** The blocks of an interface in another state; its context knows which pools they are from. */
function restated(
  event: Placed<'InterfaceRetained' | 'InterfaceRebound'>,
  present: Present,
  state: string,
): Write[] {
  const { project, data, position, recordedAtMs } = event;
  const nic = present.object('NetworkInterface', project, data.name);
  const context = nic?.status?.networkContextRef as { name: string } | undefined;
  const addresses = (nic?.spec?.addresses ?? []) as readonly InterfaceAddress[];
  const subnets = subnetsOf(present.object('NetworkContext', project, context?.name ?? ''));
  const external = (nic?.spec?.externalAddresses ?? []) as readonly ExternalAddress[];
  const place = [position, recordedAtMs] as const;
  const own = addresses.flatMap(({ address, subnet }): Write[] => {
    const pool = subnets.find(({ prefix }) => prefix === subnet)?.pool;
    if (pool === undefined) throw new Error(`${address} of ${data.name} is in no subnet`);
    const [, start, length] = blockOf(pool, address);
    const block = [pool, start, length] as const;
    return [
      ['keep', ...block, ...place],
      ['uncount', ...block],
      ['restate', ...block, ...place, state],
      ['count', ...block],
    ];
  });
  return [...own, ...external.flatMap(({ address }) => restatedExternal(address, event, state))];
}

/** The event does not say which authored pool it is from, but the address can be of one only. */
function restatedExternal(
  address: string,
  { data, position, recordedAtMs }: Placed<'InterfaceRetained' | 'InterfaceRebound'>,
  state: string,
): Write[] {
  const block = address.includes('/') ? parsePrefix(address) : parseAddress(address);
  const [, start, length] = blockOf('', formatPrefix(block));
  const held = [start, length, data.uid] as const;
  const place = [position, recordedAtMs] as const;
  return [
    ['keepExternal', ...held, ...place],
    ['uncountExternal', ...held],
    ['restateExternal', ...held, ...place, state],
    ['countExternal', ...held],
  ];
}
