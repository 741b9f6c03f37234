import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { type Interval, intervalOf } from '../../src/verify/intervals.ts';

/**
 * An independent reading of a log file: it shares no code with what decides, so that a mistake in
 * one is not repeated in the other. It knows the file's frames, the events' names and how
 * addresses are written, and nothing else.
 */
export interface LogEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the log holds is what is being examined.
  readonly data: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  readonly metadata: any;
  readonly hash: string;
}

type Body = [string, number, string, string, object, object];

/** All events of a log file, in log order. */
export function readLog(directory: string): LogEvent[] {
  return [...logIn(directory)];
}

/** The same without holding them all: they are read each time that somebody goes through them. */
export function logIn(directory: string): Iterable<LogEvent> {
  return { [Symbol.iterator]: () => eventsIn(directory) };
}

function* eventsIn(directory: string): Generator<LogEvent> {
  const db = new DatabaseSync(`${directory}/log.sqlite`, { readOnly: true });
  try {
    for (const frame of db.prepare('SELECT events FROM frames ORDER BY position').iterate()) {
      for (const [body, hash] of JSON.parse(frame.events as string) as [Body, string][]) {
        const [stream, revision, id, type, data, metadata] = body;
        yield { stream, revision, id, type, data, metadata, hash };
      }
    }
  } finally {
    db.close();
  }
}

interface Held extends Interval {
  readonly holder: string;
}

/** A block and whoever has it. */
export interface Block {
  readonly cidr: string;
  readonly holder: string;
}

/** Every two blocks that have an address in common; the blocks are of one family. */
export function overlapsAmong(blocks: Iterable<Block>): string[] {
  const inOrder = Array.from(blocks, (block) => ({ ...block, ...intervalOf(block.cidr) }));
  inOrder.sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const problems: string[] = [];
  let widest = inOrder[0];
  for (const block of inOrder.slice(1)) {
    if (widest !== undefined && block.first <= widest.last) {
      problems.push(`${block.cidr} of ${block.holder} overlaps ${widest.cidr} of ${widest.holder}`);
    }
    if (widest === undefined || block.last > widest.last) widest = block;
  }
  return problems;
}

/** What is wrong with the log; nothing when every invariant that it can show holds. */
export function auditLog(events: Iterable<LogEvent>): string[] {
  const { problems, open } = auditHolds(events);
  const leaked = open.filter(({ state }) => state === 'held').map(({ what }) => `${what} leaked`);
  const holdings = [...auditHoldings(events), ...auditGrants(events)];
  return [...auditRevisions(events), ...holdings, ...problems, ...leaked];
}

/** Each stream counts up from 0, and each of its events proves itself and the one before it. */
function auditRevisions(events: Iterable<LogEvent>): string[] {
  const problems: string[] = [];
  const last = new Map<string, LogEvent>();
  for (const event of events) {
    const { stream, revision, id, type, data, metadata, hash } = event;
    const before = last.get(stream);
    last.set(stream, event);
    if (revision !== (before?.revision ?? -1) + 1) problems.push(`${stream} jumps to ${revision}`);
    if (metadata.previousHash !== (before?.hash ?? '')) {
      problems.push(`${stream} is not chained at ${revision}`);
    }
    const text = JSON.stringify([stream, revision, id, type, data, metadata]);
    if (createHash('sha256').update(text).digest('hex') !== hash) {
      problems.push(`${stream} ${revision} is not what was written`);
    }
  }
  return problems;
}

const TAKING = ['AddressAllocated', 'PrefixCarved', 'PrefixReserved', 'AddressHeld'].concat([
  'IPAllocationCreated',
]);
const GIVING = ['AddressReleased', 'PrefixReturned', 'AddressUnheld', 'IPAllocationDeleted'];

/** No address has two holders, nor a new one before the instant that its release named. */
function auditHoldings(events: Iterable<LogEvent>): string[] {
  const problems: string[] = [];
  const held = new Map<string, Map<string, Held>>();
  const freeFrom = new Map<string, string>();
  const poolOf = (stream: string, pool: string) => {
    const key = `${stream} ${pool}`;
    const present = held.get(key);
    if (present !== undefined) return present;
    const made = new Map<string, Held>();
    held.set(key, made);
    return made;
  };
  for (const { stream, type, data } of events) {
    // A block of an authored pool is held in that pool's stream, whoever commits it.
    if (data.endsGrant !== undefined && data.block !== undefined) continue;
    if (data.grant !== undefined && data.block !== undefined && type !== 'AddressHeld') continue;
    if (TAKING.includes(type)) {
      const block: string = data.block ?? data.prefix;
      const pool = poolOf(stream, data.pool);
      const { first, last } = intervalOf(block);
      for (const other of overlapping(pool, block, first, last)) {
        problems.push(`${block} of ${data.pool} overlaps what ${other.holder} holds`);
      }
      const from = freeFrom.get(`${stream} ${data.pool} ${block}`);
      if (from !== undefined && data.at < from) problems.push(`${block} left its quarantine early`);
      const holder = data.interface?.name ?? data.childPool ?? data.reason ?? data.claim?.name;
      pool.set(block, { first, last, holder });
    } else if (GIVING.includes(type)) {
      const block: string = data.block ?? data.prefix;
      if (!poolOf(stream, data.pool).delete(block)) problems.push(`${block} was not held`);
      freeFrom.set(`${stream} ${data.pool} ${block}`, data.availableAt);
      if (type === 'PrefixReturned') held.delete(`${stream} ${data.childPool}`);
    } else if (type === 'RangeRemoved') {
      dropWithin(poolOf(stream, data.pool), data.prefix);
    } else if (type === 'ReservationLifted') {
      if (!poolOf(stream, data.pool).delete(data.prefix)) problems.push(`${data.prefix} was free`);
    } else if (type === 'AddressSpaceOpened' || type === 'AddressSpaceClosed') {
      for (const key of [...held.keys()]) if (key.startsWith(`${stream} `)) held.delete(key);
    }
  }
  return problems;
}

/** A range goes with what is withheld in it. */
function dropWithin(pool: Map<string, Held>, range: string): void {
  const { first, last } = intervalOf(range);
  for (const [block, one] of [...pool]) {
    if (one.first >= first && one.last <= last) pool.delete(block);
  }
}

/** Blocks of one pool have one length each, so that the same text is the usual collision. */
function overlapping(pool: Map<string, Held>, block: string, first: bigint, last: bigint): Held[] {
  const same = pool.get(block);
  if (same !== undefined) return [same];
  if (pool.size > 2_000) return [];
  return [...pool.values()].filter((other) => other.first <= last && other.last >= first);
}

interface Hold {
  readonly what: string;
  readonly block: string;
  readonly generation: string;
  state: 'held' | 'committed' | 'fenced' | 'ended';
  availableAt: string;
}

/**
 * A hold of an authored pool is committed once, by the claim that it is for, before it is fenced;
 * it is taken back only after it was fenced or its use has ended, and rests as long as that says.
 */
export function auditHolds(events: Iterable<LogEvent>) {
  const problems: string[] = [];
  const open = new Map<string, Hold>();
  const move = (id: string, from: Hold['state'], to: Hold['state'], type: string) => {
    const hold = open.get(id);
    if (hold?.state !== from)
      problems.push(`${type} of ${id}, which is ${hold?.state ?? 'no hold'}`);
    else hold.state = to;
    return hold;
  };
  for (const { type, data } of events) {
    if (type === 'AddressHeld') {
      const { pool, block, claim, grant } = data;
      const what = `${block} of ${pool} for ${claim.name}`;
      const { generation } = grant;
      open.set(grant.id, { what, block, generation, state: 'held', availableAt: data.at });
    } else if (data.grant?.id !== undefined && data.block !== undefined) {
      const hold = move(data.grant.id, 'held', 'committed', type);
      if (hold?.block !== data.block) problems.push(`${type} of ${data.block}, not ${hold?.block}`);
    } else if (data.endsGrant !== undefined && data.block !== undefined) {
      const hold = move(data.endsGrant.grantId, 'committed', 'ended', type);
      if (hold !== undefined) hold.availableAt = data.availableAt;
    } else if (type === 'GrantAbandoned') {
      if (open.has(data.grantId)) move(data.grantId, 'held', 'fenced', type);
    } else if (type === 'AddressSpaceClosed') {
      for (const [id, { generation, state }] of open) {
        if (generation !== data.generation) continue;
        if (state === 'held') move(id, 'held', 'fenced', type);
      }
    } else if (type === 'AddressUnheld') {
      const { state, what, availableAt } = open.get(data.grantId) ?? {};
      if (state !== 'fenced' && state !== 'ended') problems.push(`${what} is taken back: ${state}`);
      if (data.availableAt < (availableAt ?? '')) problems.push(`${what} does not rest`);
      open.delete(data.grantId);
    }
  }
  return { problems, open: [...open.values()] };
}

/** Every grant that is in force was committed by the project that it was given to. */
function auditGrants(events: Iterable<LogEvent>): string[] {
  const open = new Map<string, string>();
  const committed = new Set<string>();
  for (const { type, data } of events) {
    if (type === 'PrefixCarved' && data.grant) open.set(data.grant.id, `range ${data.prefix}`);
    if (type === 'PrefixReturned' && data.grantId) open.delete(data.grantId);
    if (type === 'RangeAdded' && data.grant) committed.add(data.grant.id);
    if (type === 'LocationJoined') {
      for (const [id, what] of open) if (what === joinName(data)) open.delete(id);
      open.set(data.grantId, joinName(data));
    }
    if (type === 'LocationLeft') open.delete(data.grantId);
    if (type === 'NetworkContextCreated') committed.add(data.grantId);
    if (type === 'NetworkContextDeleted' && data.endsGrant) {
      committed.delete(data.endsGrant.grantId);
    }
    if (type === 'AddressSpaceClosed') {
      for (const { grantId } of data.ranges) committed.delete(grantId);
    }
  }
  return [...open].filter(([id]) => !committed.has(id)).map(([, what]) => `${what} leaked`);
}

function joinName(data: { project: string; location: { name: string } }): string {
  return `join of ${data.project} at ${data.location.name}`;
}
