import type { EventData, LedgerEvent } from '../../../src/ledger/events.ts';
import { addresses, meet, NaivePool } from './blocks.ts';
import { Chains, type LoggedEvent } from './chains.ts';
import { check } from './check.ts';
import { NaiveGrants } from './grants.ts';
import { NaiveProject } from './naive-project.ts';

const PLATFORM = 'addressSpace-platform';
const PROJECT = 'addressSpace-project.';
/** A join does not rest. */
const AT_ONCE_MS = 0;

/** Whether a client's command asked for something, by the id of the command. */
export type AskedFor = (commandId: string) => boolean;

/**
 * A second opinion on the whole ledger, which reads the log and nothing else: plain lists and maps,
 * with no idea of how blocks are found, decisions made or streams written. Of the program it knows
 * the form of events only. It throws at the first event that breaks an invariant.
 */
export class NaiveReading {
  readonly chains = new Chains();
  readonly grants = new NaiveGrants();
  readonly pools = new Map<string, NaivePool>();
  readonly projects = new Map<string, NaiveProject>();
  /** Pools whose counts have changed since they were last asked about. */
  readonly touched = new Set<string>();
  /** Location uid and project, and the join that is in force. */
  readonly #joins = new Map<string, string>();
  /** Ranges of root pools, and whose they are. */
  readonly #rootRanges = new Map<string, string>();
  /** Registrations that a root's stream has given up. */
  readonly #givenUp = new Set<string>();
  readonly #projectNames: readonly string[];
  readonly #deletionAskedFor: AskedFor;

  constructor(projectNames: readonly string[], deletionAskedFor: AskedFor) {
    this.#projectNames = projectNames;
    this.#deletionAskedFor = deletionAskedFor;
  }

  /** Reads the events of one append. */
  read(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      this.chains.add(event);
      const { stream } = event;
      if (stream.startsWith(PROJECT)) this.#readProject(stream.slice(PROJECT.length), event);
      else if (stream === PLATFORM) this.#readPlatform(event);
      else this.#readPool(event);
    }
    const [{ stream }] = events as [LoggedEvent];
    this.chains.checkWhole(stream);
    this.projects.get(stream.slice(PROJECT.length))?.checkWhole();
  }

  /**
   * Invariants 1 and 2 once more, over all pools at once and without regard to who decided what:
   * what is held or withheld in one routing domain overlaps nothing.
   */
  checkDomains(): void {
    const domains = new Map<string, { first: bigint; last: bigint; text: string }[]>();
    for (const pool of this.pools.values()) {
      let root = pool;
      while (root.parent !== undefined) root = root.parent;
      for (const { text } of pool.ranges) {
        const carve = pool.parent?.blocks.get(text);
        const isCarved = pool.parent === undefined || carve?.holder === pool.name;
        check(isCarved, `${text} of ${pool.name} is no carve of ${pool.parent?.name}`);
      }
      const isShared = root.ranges.every(
        ({ grantId, text }) => grantId !== undefined || this.#rootRanges.has(text),
      );
      const domain = isShared ? 'platform' : root.name;
      const blocks = domains.get(domain) ?? [];
      domains.set(domain, blocks);
      for (const [text, { kind, first, last }] of pool.blocks) {
        if (kind !== 'carved') blocks.push({ first, last, text: `${text} of ${pool.name}` });
      }
    }
    for (const blocks of domains.values()) {
      const sorted = blocks.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      sorted.forEach((block, index) => {
        const next = sorted[index + 1];
        const isApart = next === undefined || !sameFamily(block, next) || !meet(block, next);
        check(isApart, `${block.text} meets ${next?.text}`);
      });
    }
  }

  /** Invariant 3: everything is given back. */
  checkEmpty(nowMs: number): void {
    check(this.projects.size === 0, `projects ${[...this.projects.keys()]} are left`);
    check(this.#joins.size === 0, `joins ${[...this.#joins.keys()]} are left`);
    const { inForce } = this.grants;
    check(inForce.length === 0, () => `grants are left: ${inForce.join('; ')}`);
    for (const [name, pool] of this.pools) {
      check(!name.includes('.'), `pool ${name} is left`);
      pool.checkUnused();
      const { total, reserved, free } = pool.counts(nowMs);
      const isFree = BigInt(total) === BigInt(reserved) + BigInt(free);
      check(isFree, `pool ${name} does not come back to its reservations`);
    }
  }

  #readPlatform({ type, data }: LoggedEvent): void {
    const event = { type, data } as LedgerEvent;
    switch (event.type) {
      case 'RootRangeRegistered': {
        const { pool, prefix } = event.data;
        for (const [text, other] of this.#rootRanges) {
          const isApart = !meet(addresses(text), addresses(prefix)) || isV6(text) !== isV6(prefix);
          check(isApart, `root pools ${pool.name} and ${other} overlap`);
        }
        this.#rootRanges.set(prefix, pool.name);
        break;
      }
      case 'RootRangeReleased': {
        const { pool, prefix } = event.data;
        check(this.#rootRanges.get(prefix) === pool.name, `${prefix} is not ${pool.name}'s`);
        const ranges = this.pools.get(pool.name)?.ranges ?? [];
        const isUsed = ranges.some(({ text }) => text === prefix);
        check(!isUsed, `${prefix} is released while ${pool.name} has it`);
        this.#rootRanges.delete(prefix);
        break;
      }
      case 'PoolUnregistered': {
        const { name } = event.data.pool;
        check(!this.pools.has(name), `pool ${name} is unregistered and is there`);
        break;
      }
      case 'LocationJoined': {
        const { location, project, generation, grantId } = event.data;
        const key = `${location.uid} ${project}`;
        const subject = `join at ${location.name}`;
        const present = this.#joins.get(key);
        if (present !== undefined) this.grants.takeBack(present, subject, AT_ONCE_MS);
        this.grants.give(grantId, { kind: 'join', project, generation, subject, key });
        this.#joins.set(key, grantId);
        break;
      }
      case 'LocationLeft': {
        const { location, project, grantId } = event.data;
        const key = `${location.uid} ${project}`;
        check(this.#joins.get(key) === grantId, `another join at ${location.name} is in force`);
        this.grants.takeBack(grantId, `join at ${location.name}`, AT_ONCE_MS);
        this.#joins.delete(key);
        break;
      }
      case 'LocationDeleted': {
        const { uid, name } = event.data;
        const isLeft = [...this.#joins.keys()].some((key) => key.startsWith(`${uid} `));
        check(!isLeft, `location ${name} goes while projects stand there`);
      }
    }
  }

  #readPool({ stream, type, data }: LoggedEvent): void {
    const event = { type, data } as LedgerEvent;
    switch (event.type) {
      case 'RangeAdded': {
        const { pool, prefix } = event.data;
        check(this.#rootRanges.get(prefix) === pool, `${prefix} of ${pool} is not registered`);
        const { id = '' } = event.data.grant ?? {};
        check(!this.#givenUp.has(id), `${prefix} of ${pool} was given up`);
        const authored = this.pools.get(pool) ?? new NaivePool(pool, stream);
        this.pools.set(pool, authored);
        authored.addRange(prefix, undefined);
        this.touched.add(pool);
        break;
      }
      case 'PrefixCarved': {
        const { pool, prefix, at, childPool, className, scope, grant } = event.data;
        if (grant === undefined) {
          this.#carveChild(stream, event.data);
          break;
        }
        check(childPool.includes('.'), `${childPool} is no pool of a project`);
        const { id, generation, ordinal } = grant;
        this.#pool(pool).take(prefix, at, 'carved', id);
        const key = JSON.stringify([pool, generation, className, scope, ordinal]);
        const of = { project: scope.project ?? '', generation, subject: `${pool} ${prefix}` };
        this.grants.give(id, { kind: 'range', ...of, key });
        break;
      }
      case 'PrefixReturned': {
        const { pool, prefix, grantId, at, availableAt } = event.data;
        if (grantId === undefined) {
          this.#returnChild(event.data);
          break;
        }
        this.#pool(pool).giveBack(prefix, grantId, at, availableAt);
        this.grants.takeBack(grantId, `${pool} ${prefix}`, Date.parse(availableAt));
        break;
      }
      case 'RangeRemoved':
        this.#pool(event.data.pool).removeRange(event.data.prefix);
        if (this.#pool(event.data.pool).ranges.length === 0) this.pools.delete(event.data.pool);
        break;
      case 'PrefixReserved': {
        const { pool, prefix, at, reason } = event.data;
        this.#pool(pool).take(prefix, at, 'reserved', reason);
        break;
      }
      case 'ReservationLifted':
        this.#pool(event.data.pool).lift(event.data.prefix);
        break;
      case 'GrantAbandoned':
        this.#givenUp.add(event.data.grantId);
        break;
      case 'AddressHeld': {
        const { pool, block, at, project, claim, ordinal, grant } = event.data;
        this.#pool(pool).take(block, at, 'held', grant.id);
        const key = JSON.stringify([pool, grant.generation, claim.uid, ordinal]);
        const of = { project, generation: grant.generation, subject: `${pool} ${block}` };
        this.grants.give(grant.id, { kind: 'hold', ...of, key });
        break;
      }
      case 'AddressConfirmed':
        this.grants.checkCommitted(event.data.grantId);
        break;
      case 'AddressUnheld': {
        const { pool, block, grantId, at, availableAt } = event.data;
        this.#pool(pool).giveBack(block, grantId, at, availableAt);
        this.grants.takeBack(grantId, `${pool} ${block}`, Date.parse(availableAt));
      }
    }
  }

  #readProject(name: string, logged: LoggedEvent): void {
    this.#checkIsolated(name, logged);
    const { stream, type, data } = logged;
    const event = { type, data } as LedgerEvent;
    if (event.type === 'AddressSpaceOpened') {
      check(!this.projects.has(name), `project ${name} is open already`);
      this.projects.set(name, new NaiveProject(name, event.data.generation));
      return;
    }
    const project = this.projects.get(name);
    if (event.type === 'GrantAbandoned') this.grants.abandon(event.data.grantId, name);
    else if (event.type === 'CommandSettled') return;
    else if (project === undefined) check(type.startsWith('Namespace'), `${name} is not open`);
    else if (this.#readRange(project, stream, event) || this.#readHolding(project, logged)) return;
    else this.#readObject(project, event);
  }

  /** Invariant 8: nothing of one project stands in another's stream. */
  #checkIsolated(name: string, { body }: LoggedEvent): void {
    const foreign = this.foreignName(name, body);
    check(foreign === undefined, `the stream of ${name} tells of ${foreign}`);
  }

  /** The name of another project that a text tells of. */
  foreignName(own: string, text: string): string | undefined {
    return this.#projectNames.find((name) => name !== own && text.includes(name));
  }

  #readRange(project: NaiveProject, stream: string, event: LedgerEvent): boolean {
    switch (event.type) {
      case 'RangeAdded': {
        const { pool, prefix, grant } = event.data;
        const own = this.pools.get(pool) ?? new NaivePool(pool, stream);
        this.pools.set(pool, own);
        own.addRange(prefix, grant?.id);
        if (grant !== undefined) {
          const { name, generation } = project;
          this.grants.commit(grant.id, name, generation, `${grant.pool} ${prefix}`);
        }
        break;
      }
      case 'RangeRemoved': {
        const { pool: name, prefix, endsGrant } = event.data;
        const pool = this.#pool(name);
        const grantId = pool.ranges.find(({ text }) => text === prefix)?.grantId;
        check(grantId === endsGrant?.grantId, `${prefix} of ${name} ends another grant`);
        if (endsGrant !== undefined) this.#endRange(pool, prefix, endsGrant);
        pool.removeRange(prefix);
        if (pool.ranges.length === 0) this.pools.delete(name);
        break;
      }
      case 'PrefixCarved':
        this.#carveChild(stream, event.data);
        break;
      case 'PrefixReturned':
        this.#returnChild(event.data);
        break;
      case 'PrefixReserved': {
        const { pool, prefix, at, reason } = event.data;
        this.#pool(pool).take(prefix, at, 'reserved', reason);
        break;
      }
      case 'ReservationLifted':
        this.#pool(event.data.pool).lift(event.data.prefix);
        break;
      case 'AddressSpaceClosed':
        this.#close(project, event.data);
        break;
      default:
        return false;
    }
    return true;
  }

  /** Invariant 2: each carve has exactly one child. */
  #carveChild(stream: string, data: EventData<'PrefixCarved'>): void {
    const { pool, prefix, at, childPool } = data;
    this.#pool(pool).take(prefix, at, 'carved', childPool);
    check(!this.pools.has(childPool), `${childPool} has two carves`);
    const child = new NaivePool(childPool, stream, this.#pool(pool));
    child.addRange(prefix, undefined);
    this.pools.set(childPool, child);
    this.touched.add(childPool);
  }

  #returnChild({ pool, prefix, at, childPool, availableAt }: EventData<'PrefixReturned'>): void {
    const child = this.#pool(childPool);
    child.checkUnused();
    // An authored child is deleted only when nothing rests in it.
    const isRested = Date.parse(availableAt) >= child.latestRestMs();
    check(isRested, `${prefix} is back before what rests in it`);
    this.#pool(pool).giveBack(prefix, childPool, at, availableAt);
    this.pools.delete(childPool);
  }

  #endRange(
    pool: NaivePool,
    prefix: string,
    ended: { readonly grantId: string; readonly pool: string; readonly availableAt: string },
  ): void {
    const untilMs = Date.parse(ended.availableAt);
    const isRested = untilMs >= pool.latestRestMs(prefix);
    check(isRested, `${prefix} of ${pool.name} ends before what rests in it`);
    this.grants.end(ended.grantId, `${ended.pool} ${prefix}`, untilMs);
  }

  #close(project: NaiveProject, { generation, ranges }: EventData<'AddressSpaceClosed'>): void {
    check(project.generation === generation, 'another generation is closed');
    project.checkClosed();
    const own = [...this.pools.values()].filter(({ stream }) => stream === PROJECT + project.name);
    for (const { grantId, pool, prefix, availableAt } of ranges) {
      const of = own.find((one) => one.ranges.some((range) => range.grantId === grantId));
      check(of !== undefined, `${prefix} of ${pool} is given back and is not there`);
      this.#endRange(of, prefix, { grantId, pool, availableAt });
    }
    for (const pool of own) {
      pool.checkUnused();
      const left = pool.ranges.find(({ grantId }) => !ranges.some((r) => r.grantId === grantId));
      check(left === undefined, `${left?.text} of ${pool.name} is not given back`);
      this.pools.delete(pool.name);
    }
    this.grants.close(generation);
    this.projects.delete(project.name);
  }

  #readHolding(project: NaiveProject, { type, data, metadata }: LoggedEvent): boolean {
    const event = { type, data } as LedgerEvent;
    switch (event.type) {
      case 'AddressAllocated': {
        const { pool, block, at, grant } = event.data;
        const { name, generation } = project;
        project.allocate(event.data);
        if (grant === undefined) this.#pool(pool).take(block, at, 'held', event.data.interface.uid);
        else this.grants.commit(grant.id, name, generation, `${pool} ${block}`);
        break;
      }
      case 'AddressReleased': {
        const { pool, block, at, availableAt, endsGrant } = event.data;
        project.release(event.data);
        const { uid } = event.data.interface;
        if (endsGrant === undefined) {
          this.#pool(pool).giveBack(block, uid, at, availableAt);
          break;
        }
        this.grants.end(endsGrant.grantId, `${pool} ${block}`, Date.parse(availableAt));
        this.#pool(pool).giveUp(block, at, availableAt);
        break;
      }
      case 'InterfaceRetained':
        project.retain(event.data);
        this.#restate(project, event.data.name, true);
        break;
      case 'InterfaceRebound':
        project.rebind(event.data);
        this.#restate(project, event.data.name, false);
        break;
      case 'InterfaceDeleted':
        project.deleteInterface(event.data, this.#deletionAskedFor(metadata.commandId));
        break;
      case 'IPAllocationCreated': {
        const { pool, block, at, uid, grant } = event.data;
        const { name, generation } = project;
        project.blocks.allocate(event.data);
        if (grant === undefined) this.#pool(pool).take(block, at, 'held', uid);
        else this.grants.commit(grant.id, name, generation, `${pool} ${block}`);
        break;
      }
      case 'IPAllocationUpdated': {
        const { pool, block, claim } = event.data;
        project.blocks.update(event.data);
        this.#restateBlock(pool, block, claim === null);
        break;
      }
      case 'IPAllocationDeleted': {
        const { pool, block, at, availableAt, uid, endsGrant } = event.data;
        project.blocks.release(event.data, this.#deletionAskedFor(metadata.commandId));
        if (endsGrant === undefined) {
          this.#pool(pool).giveBack(block, uid, at, availableAt);
          break;
        }
        this.grants.end(endsGrant.grantId, `${pool} ${block}`, Date.parse(availableAt));
        this.#pool(pool).giveUp(block, at, availableAt);
        break;
      }
      default:
        return false;
    }
    return true;
  }

  #restateBlock(pool: string, block: string, isRetained: boolean): void {
    const held = this.#pool(pool).blocks.get(block);
    check(held !== undefined, `${block} of ${pool} is not held`);
    held.isRetained = isRetained;
  }

  #restate(project: NaiveProject, nicName: string, isRetained: boolean): void {
    for (const { pool, block } of project.holdingsOf(nicName)) {
      this.#restateBlock(pool, block, isRetained);
    }
  }

  #readObject(project: NaiveProject, event: LedgerEvent): void {
    const { name, generation, networks } = project;
    switch (event.type) {
      case 'NetworkCreated':
        check(!networks.has(event.data.name), `network ${event.data.name} is there already`);
        networks.set(event.data.name, event.data.uid);
        break;
      case 'NetworkDeleted':
        project.deleteNetwork(event.data.name);
        break;
      case 'NetworkContextCreated': {
        const { grantId, location } = event.data;
        project.addContext(event.data);
        this.grants.commitAgain(grantId, name, generation, `join at ${location.name}`);
        this.#checkSubnets(event.data);
        break;
      }
      case 'NetworkContextUpdated':
        this.#checkSubnets(event.data);
        break;
      case 'NetworkContextDeleted': {
        const { grantId } = project.deleteContext(event.data);
        const { endsGrant } = event.data;
        if (endsGrant === undefined) break;
        check(endsGrant.grantId === grantId, `${event.data.name} ends another join`);
        this.grants.end(grantId, `join at ${endsGrant.location.name}`, AT_ONCE_MS);
        break;
      }
      case 'IPClaimCreated':
        project.blocks.createClaim(event.data);
        break;
      case 'IPClaimDeleted':
        project.blocks.deleteClaim(event.data);
        break;
      case 'ClaimRequested':
        project.requestClaim(event.data);
        break;
      case 'ClaimQueued':
        project.queueClaim(event.data);
        break;
      case 'ClaimDeleted':
        project.deleteClaim(event.data);
        break;
      case 'InterfaceReady':
        project.publish(event.data);
        break;
      case 'RetentionExpiring':
        project.expire(event.data);
        break;
      case 'DeletionRequested':
        project.requestDeletion(event.data);
        break;
      case 'ObjectMetadataChanged':
        project.changeMetadata(event.data);
    }
  }

  #checkSubnets({ name, subnets }: Pick<EventData<'NetworkContextUpdated'>, 'name' | 'subnets'>) {
    for (const { pool, prefix } of subnets) {
      const isCarved = this.pools.get(pool)?.ranges.some(({ text }) => text === prefix);
      check(isCarved === true, `${name} shows ${prefix}, which is not carved for ${pool}`);
    }
  }

  #pool(name: string): NaivePool {
    const pool = this.pools.get(name);
    check(pool !== undefined, `there is no pool ${name}`);
    this.touched.add(name);
    return pool;
  }
}

function isV6(text: string): boolean {
  return text.includes(':');
}

function sameFamily(a: { readonly text: string }, b: { readonly text: string }): boolean {
  return isV6(a.text) === isV6(b.text);
}
