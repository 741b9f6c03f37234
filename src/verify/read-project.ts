import type { EventData, Scope, Subnet } from '../ledger/events.ts';
import { digestOf } from './digest.ts';
import { checkRested, type NaiveLedger, type Readers } from './naive-ledger.ts';
import { NaivePool } from './naive-pool.ts';
import { NaiveProject } from './naive-project.ts';
import { SPACES } from './read-pools.ts';
import { check } from './violation.ts';

/** Events of a project's stream. */
export const PROJECT: Readers = {
  ...SPACES,
  AddressSpaceOpened: ({ projects }, { name, data }) => {
    check('object', !projects.has(name), `project ${name} is closed`, 'it is open already');
    projects.set(name, new NaiveProject(name, data.generation));
  },
  NamespaceCreated: ({ namespaces }, { data }) => {
    const { uid, metadata } = data;
    namespaces.create(data, { uid, deleting: false, finalizers: metadata.finalizers ?? [] });
  },
  NamespaceDeleted: ({ namespaces, projects }, { data }) => {
    const isClosed = !projects.has(data.name);
    check('object', isClosed, `project ${data.name} has closed before it goes`, 'it is open');
    namespaces.end(data);
  },
  AddressSpaceClosed: (ledger, { name, stream, data }) => {
    close(ledger, projectOf(ledger, name), stream, data);
  },
  DeletionRequested: (ledger, { name, data, isAskedFor }) => {
    if (data.kind === 'Namespace') ledger.namespaces.requestDeletion(data);
    else projectOf(ledger, name).requestDeletion(data, isAskedFor);
  },
  ObjectMetadataChanged: (ledger, { name, data }) => {
    if (data.kind === 'Namespace') ledger.namespaces.changeMetadata(data);
    else projectOf(ledger, name).changeMetadata(data);
  },
  GrantAbandoned: ({ grants }, { name, data: { grantId, at } }) => {
    grants.abandon(grantId, name, Date.parse(at));
  },
  CommandSettled: () => {},

  RangeAdded: (ledger, { name, stream, data }) => {
    const { pool: poolName, prefix, className, scope, grant } = data;
    checkScope(name, scope);
    const { generation } = projectOf(ledger, name);
    if (grant !== undefined) {
      ledger.grants.commit(grant.id, name, generation, `${grant.pool} ${prefix}`);
    }
    if (!ledger.pools.has(poolName)) {
      ledger.addPool(new NaivePool(poolName, { stream, className, scope }));
    }
    ledger.pool(poolName, stream).addRange(prefix, grant);
    giveNetworkRange(ledger, name, scope, prefix);
  },
  RangeRemoved: (ledger, { stream, data }) => {
    const { pool: poolName, prefix, endsGrant } = data;
    const pool = ledger.pool(poolName, stream);
    const id = pool.ranges.find(({ text }) => text === prefix)?.grant?.id;
    const ended = endsGrant?.grantId;
    check('grant', id === ended, `${prefix} ends grant ${id}`, `${ended} is ended`);
    if (endsGrant !== undefined) endRange(ledger, pool, prefix, endsGrant);
    pool.removeRange(prefix);
    if (pool.ranges.length === 0) ledger.removePool(pool);
  },
  PrefixCarved: (ledger, { name, stream, data }) => {
    checkScope(name, data.scope);
    ledger.carveChild(data, stream, name);
    giveNetworkRange(ledger, name, data.scope, data.prefix);
  },
  PrefixReturned: (ledger, { stream, data }) => ledger.returnChild(data, stream),

  NetworkCreated: (ledger, { name, data }) => projectOf(ledger, name).createNetwork(data),
  NetworkUpdated: (ledger, { name, data }) => projectOf(ledger, name).updateNetwork(data),
  NetworkDeleted: (ledger, { name, data }) => projectOf(ledger, name).deleteNetwork(data),
  NetworkContextCreated: (ledger, { name, data }) => {
    const project = projectOf(ledger, name);
    const { grantId, location, subnets } = data;
    project.addContext(data);
    ledger.grants.commitAgain(grantId, name, project.generation, `join at ${location.name}`);
    checkSubnets(ledger, data.name, subnets);
  },
  NetworkContextUpdated: (ledger, { name, data }) => {
    projectOf(ledger, name).contexts.find(data).subnets = data.subnets;
    checkSubnets(ledger, data.name, data.subnets);
  },
  NetworkContextDeleted: (ledger, { name, data }) => {
    const { grantId } = projectOf(ledger, name).deleteContext(data);
    const { endsGrant } = data;
    if (endsGrant === undefined) return;
    const ended = endsGrant.grantId;
    check('grant', ended === grantId, `${data.name} ends join ${grantId}`, `${ended} is ended`);
    ledger.grants.end(grantId, `join at ${endsGrant.location.name}`, 0);
  },

  ClaimRequested: (ledger, { name, data }) => projectOf(ledger, name).requestClaim(data),
  ClaimQueued: (ledger, { name, data }) => projectOf(ledger, name).queueClaim(data),
  ClaimDeleted: (ledger, { name, data }) => projectOf(ledger, name).deleteClaim(data),
  AddressAllocated: (ledger, { name, stream, data }) => {
    const { pool, block, at, className, grant } = data;
    const project = projectOf(ledger, name);
    const lender = grant === undefined ? ledger.pool(pool, stream) : ledger.poolElsewhere(pool);
    const holder = project.allocate(data, lender.name);
    if (grant === undefined) {
      lender.take(block, at, { state: 'Held', holder, className, key: holder.uid });
      return;
    }
    ledger.grants.commit(grant.id, name, project.generation, `${pool} ${block}`);
    lender.taken(block).holder = holder;
  },
  AddressReleased: (ledger, { name, stream, data }) => {
    projectOf(ledger, name).release(data);
    giveBack(ledger, stream, data, data.interface.uid);
  },
  InterfaceReady: (ledger, { name, data }) => projectOf(ledger, name).publish(data),
  InterfaceRetained: (ledger, { name, data }) => {
    const project = projectOf(ledger, name);
    project.retain(data);
    restate(ledger, project, data.name, 'Retained');
  },
  InterfaceRebound: (ledger, { name, data }) => {
    const project = projectOf(ledger, name);
    project.rebind(data);
    restate(ledger, project, data.name, 'Held');
  },
  InterfaceUpdated: (ledger, { name, data }) => {
    projectOf(ledger, name).followClaim(data).mtu = data.mtu;
  },
  InterfaceStatusReported: (ledger, { name, data }) => {
    const { attachmentRef, vpc } = data.status;
    projectOf(ledger, name).followClaim(data).told = digestOf([attachmentRef, vpc]);
  },
  InterfaceDeleted: (ledger, { name, data, isAskedFor }) => {
    projectOf(ledger, name).deleteInterface(data, isAskedFor);
  },
  RetentionExpiring: (ledger, { name, data }) => projectOf(ledger, name).expire(data),

  IPClaimCreated: (ledger, { name, data }) => projectOf(ledger, name).blocks.createClaim(data),
  IPClaimDeleted: (ledger, { name, data }) => projectOf(ledger, name).blocks.deleteClaim(data),
  IPAllocationCreated: (ledger, { name, stream, data }) => {
    const { pool, block, at, uid, claim, scope, className = '', grant } = data;
    checkScope(name, scope);
    const project = projectOf(ledger, name);
    project.blocks.allocate(data);
    if (grant !== undefined) {
      ledger.grants.commit(grant.id, name, project.generation, `${pool} ${block}`);
      return;
    }
    const holder = { kind: 'IPClaim', namespace: name, ...claim };
    const taking = { state: 'Held', holder, className, key: uid } as const;
    ledger.pool(pool, stream).take(block, at, taking);
  },
  IPAllocationUpdated: (ledger, { name: namespace, data }) => {
    const { pool, block, claim, name, uid } = data;
    projectOf(ledger, namespace).blocks.update(data);
    const taken = ledger.poolElsewhere(pool).taken(block);
    taken.state = claim === null ? 'Retained' : 'Held';
    taken.holder = { kind: 'IPClaim', namespace, ...(claim ?? { name, uid }) };
  },
  IPAllocationDeleted: (ledger, { name, stream, data, isAskedFor }) => {
    projectOf(ledger, name).blocks.release(data, isAskedFor);
    giveBack(ledger, stream, data, data.uid);
  },
};

function projectOf({ projects }: NaiveLedger, name: string): NaiveProject {
  const project = projects.get(name);
  check('object', project !== undefined, `project ${name} is open`, 'it is not');
  return project;
}

/** What a project's stream says is about this project. */
function checkScope(name: string, { project = name }: Scope): void {
  check('isolation', project === name, `the stream of ${name} is about ${name}`, project);
}

/** The range of a network as a whole, not that of one of its presences. */
function giveNetworkRange(ledger: NaiveLedger, name: string, scope: Scope, prefix: string): void {
  const { network, location } = scope;
  if (network === undefined || location !== undefined) return;
  projectOf(ledger, name).giveNetworkRange(network, prefix);
}

/** The project's word ends a holding; a pool that has only lent the block takes it back later. */
function giveBack(
  ledger: NaiveLedger,
  stream: string,
  data: EventData<'AddressReleased' | 'IPAllocationDeleted'>,
  key: string,
): void {
  const { pool, block, at, availableAt, endsGrant } = data;
  if (endsGrant === undefined) {
    ledger.pool(pool, stream).giveBack(block, key, at, availableAt);
    return;
  }
  ledger.grants.end(endsGrant.grantId, `${pool} ${block}`, Date.parse(availableAt));
  ledger.poolElsewhere(pool).giveUp(block, at, availableAt);
}

function restate(
  ledger: NaiveLedger,
  { interfaces }: NaiveProject,
  nicName: string,
  state: 'Held' | 'Retained',
): void {
  for (const { pool, block } of interfaces.get(nicName)?.holdings ?? []) {
    ledger.poolElsewhere(pool).taken(block).state = state;
  }
}

function endRange(
  ledger: NaiveLedger,
  pool: NaivePool,
  prefix: string,
  ended: { readonly grantId: string; readonly pool: string; readonly availableAt: string },
): void {
  const { grantId, availableAt } = ended;
  checkRested(prefix, pool.latestRestMs(prefix), availableAt);
  ledger.grants.end(grantId, `${ended.pool} ${prefix}`, Date.parse(availableAt));
}

/** A project closes when nothing is left in it; what other streams have granted goes back. */
function close(
  ledger: NaiveLedger,
  project: NaiveProject,
  stream: string,
  { generation, ranges }: EventData<'AddressSpaceClosed'>,
): void {
  const { name } = project;
  const isThis = project.generation === generation;
  check('object', isThis, `generation ${project.generation} of ${name} closes`, generation);
  project.checkClosed();
  const own = ledger.poolsOfStream(stream);
  for (const { grantId, pool, prefix, availableAt } of ranges) {
    const of = own.find((one) => one.ranges.some(({ grant }) => grant?.id === grantId));
    const expected = `${name} has ${prefix} of ${pool} when it gives that back`;
    check('grant', of !== undefined, expected, 'it has not');
    endRange(ledger, of, prefix, { grantId, pool, availableAt });
  }
  for (const pool of own) {
    pool.checkUnused();
    const left = pool.ranges.find(({ grant }) => {
      return grant !== undefined && !ranges.some(({ grantId }) => grantId === grant.id);
    });
    check('grant', left === undefined, `${name} gives back its ranges`, () => `not ${left?.text}`);
    ledger.removePool(pool);
  }
  ledger.grants.close(generation);
  ledger.projects.delete(name);
}

/** A context shows subnets that are carved for it. */
function checkSubnets({ pools }: NaiveLedger, name: string, subnets: readonly Subnet[]): void {
  for (const { pool, prefix } of subnets) {
    const isCarved = pools.get(pool)?.ranges.some(({ text }) => text === prefix) === true;
    check('range', isCarved, `${prefix} of ${name} is carved for ${pool}`, 'it is not');
  }
}
