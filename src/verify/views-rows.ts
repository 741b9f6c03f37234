import { type Block, textOf } from './intervals.ts';
import type { NaiveLedger } from './naive-ledger.ts';
import { type NaivePool, nameOf, type TakenBlock } from './naive-pool.ts';
import type { Row, Table } from './views-table.ts';

const PROJECT = 'addressSpace-project.';

/** The tables of who holds what, and of what is under way, as of the latest decision. */
export function rowTables(ledger: NaiveLedger, latestMs: number): readonly Table[] {
  return [
    rangesOf(ledger),
    holdingsOf(ledger),
    quarantinesOf(ledger, latestMs),
    countsOf(ledger),
    grantsOf(ledger),
    presencesOf(ledger),
    retentionsOf(ledger),
    waitingOf(ledger),
  ];
}

/** The block of a row that begins with pool, start, length and size. */
function blockOf({ start, host_bits: hostBits }: Row): Block & { readonly family: 4 | 6 } {
  const digits = start as string;
  const family = digits.length === 8 ? 4 : 6;
  return { first: BigInt(`0x${digits}`), hostBits: Number(hostBits), family };
}

function keyOf(row: Row): string {
  const block = blockOf(row);
  return `${row.pool} ${textOf(block, block.family)}`;
}

function rangesOf({ pools }: NaiveLedger): Table {
  return {
    name: 'pool_ranges',
    sql: 'SELECT pool, start, host_bits, project FROM pool_ranges',
    read: (row) => {
      const pool = pools.get(row.pool as string);
      const key = keyOf(row);
      const isThere = pool?.ranges.some(({ text }) => key === `${row.pool} ${text}`) === true;
      const expected = isThere ? { project: projectOf(pool) } : undefined;
      return { key, shown: { project: row.project }, expected };
    },
    *keys() {
      for (const { name, ranges } of pools.values()) {
        for (const { text } of ranges) yield `${name} ${text}`;
      }
    },
  };
}

function projectOf({ stream }: NaivePool): string {
  return stream.startsWith(PROJECT) ? stream.slice(PROJECT.length) : '';
}

function holdingsOf({ pools }: NaiveLedger): Table {
  return {
    name: 'holdings',
    sql: `SELECT pool, start, host_bits, state, holder_kind, holder_namespace, holder_name,
      holder_uid, class FROM holdings`,
    read: (row) => {
      const block = pools.get(row.pool as string)?.blocks.get(blockOf(row));
      const holder = {
        ...{ kind: row.holder_kind as string, namespace: row.holder_namespace as string },
        ...{ name: row.holder_name as string, uid: row.holder_uid as string },
      };
      const shown = { state: row.state, holder: nameOf(holder), uid: holder.uid, class: row.class };
      return { key: keyOf(row), shown, expected: isShown(block) ? holdingOf(block) : undefined };
    },
    *keys() {
      for (const pool of pools.values()) {
        for (const block of pool.blocks) {
          if (isShown(block)) yield `${pool.name} ${pool.textOf(block)}`;
        }
      }
    },
  };
}

/** What its project has given up is shown as over, though its pool has it still. */
function isShown(block: TakenBlock | undefined): block is TakenBlock {
  return block !== undefined && block.overUntilMs === undefined;
}

function holdingOf({ state, holder, className }: TakenBlock) {
  return { state, holder: nameOf(holder), uid: holder.uid, class: className };
}

/** Blocks that rest. What has ended by itself by the latest decision is nobody's concern. */
function quarantinesOf({ pools }: NaiveLedger, latestMs: number): Table {
  const until = new Map<string, number>();
  for (const pool of pools.values()) {
    for (const [block, untilMs] of pool.restingAt(latestMs)) {
      until.set(`${pool.name} ${pool.textOf(block)}`, untilMs);
    }
  }
  return {
    name: 'holdings_past',
    sql: `SELECT pool, start, host_bits, available_at FROM holdings_past
      WHERE available_at > ${latestMs} AND until_position IS NULL`,
    read: (row) => {
      const key = keyOf(row);
      const untilMs = until.get(key);
      const expected = untilMs === undefined ? undefined : { availableAtMs: untilMs };
      return { key, shown: { availableAtMs: row.available_at }, expected };
    },
    keys: () => until.keys(),
  };
}

/** How many blocks of each size a pool has in each state. */
function countsOf({ pools }: NaiveLedger): Table {
  const counted = new Map<string, number>();
  for (const { name, blocks } of pools.values()) {
    for (const block of blocks) {
      if (!isShown(block)) continue;
      const key = countKey(name, block.state, block.hostBits);
      counted.set(key, (counted.get(key) ?? 0) + 1);
    }
  }
  return {
    name: 'pool_blocks',
    sql: 'SELECT pool, state, host_bits, blocks FROM pool_blocks WHERE blocks <> 0',
    read: (row) => {
      const key = countKey(String(row.pool), String(row.state), Number(row.host_bits));
      const blocks = counted.get(key);
      const expected = blocks === undefined ? undefined : { blocks };
      return { key, shown: { blocks: row.blocks }, expected };
    },
    keys: () => counted.keys(),
  };
}

function countKey(pool: string, state: string, hostBits: number): string {
  return `${pool} ${state} 2^${hostBits}`;
}

/** Work between streams that is under way. */
function grantsOf({ grants }: NaiveLedger): Table {
  const open = new Map([...grants.openWork()].map((work) => [work.id, work]));
  return {
    name: 'grants',
    sql: 'SELECT grant_id, type, project FROM grants',
    read: ({ grant_id: key, type, project }) => {
      const work = open.get(key as string);
      const expected = work && { type: work.type, project: work.project };
      return { key: key as string, shown: { type, project }, expected };
    },
    keys: () => open.keys(),
  };
}

function presencesOf({ projects }: NaiveLedger): Table {
  return {
    name: 'presences',
    sql: 'SELECT project, context, location, interfaces FROM presences',
    read: ({ project, context, location, interfaces }) => {
      const found = projects.get(project as string)?.contexts.get(context as string);
      return {
        key: `${project}/${context}`,
        shown: { location, interfaces },
        expected: found && { location: found.location, interfaces: found.interfaces },
      };
    },
    *keys() {
      for (const [name, { contexts }] of projects) {
        for (const context of contexts.keys()) yield `${name}/${context}`;
      }
    },
  };
}

/** What comes due of what is retained, and when. */
function retentionsOf({ projects }: NaiveLedger): Table {
  const due = new Map<string, number>();
  for (const [project, { interfaces, blocks }] of projects) {
    for (const { kind, ...all } of [
      { kind: 'NetworkInterface', objects: interfaces },
      { kind: 'IPAllocation', objects: blocks.allocations },
    ]) {
      for (const [name, { lease, deleting }] of all.objects) {
        if (lease === undefined || deleting) continue;
        due.set(`${project} ${kind} ${name}`, Date.parse(lease.endsAt));
      }
    }
  }
  return {
    name: 'retentions',
    sql: 'SELECT project, kind, name, due_at FROM retentions',
    read: ({ project, kind, name, due_at: dueAtMs }) => {
      const key = `${project} ${kind} ${name}`;
      const wanted = due.get(key);
      const expected = wanted === undefined ? undefined : { dueAtMs: wanted };
      return { key, shown: { dueAtMs }, expected };
    },
    keys: () => due.keys(),
  };
}

/** Claims that wait, and for what. */
function waitingOf({ projects }: NaiveLedger): Table {
  return {
    name: 'waiting',
    sql: `SELECT project, name, cause FROM waiting
      WHERE kind = 'NetworkInterfaceClaim' AND cause <> ''`,
    read: ({ project, name, cause }) => {
      const claim = projects.get(project as string)?.claims.get(name as string);
      const waits = claim?.deleting ? undefined : claim?.wait;
      return {
        key: `${project}/${name}`,
        shown: { cause },
        expected: waits && { cause: waits.cause },
      };
    },
    *keys() {
      for (const [project, { claims }] of projects) {
        for (const [name, { wait, deleting }] of claims) {
          if (wait !== undefined && !deleting) yield `${project}/${name}`;
        }
      }
    },
  };
}
