import { type NaiveLedger, type Readers, SYSTEM_NAMESPACE } from './naive-ledger.ts';
import { NaivePool } from './naive-pool.ts';
import { check } from './violation.ts';

/** Carves and reservations are the same for pools of a project and for authored ones. */
export const SPACES: Readers = {
  PrefixReserved: (ledger, { data, stream }) => {
    const { pool, prefix, at, owner, reason } = data;
    const holder = { ...owner, namespace: '', uid: '' };
    const taking = { state: 'Reserved', holder, className: '', key: reason } as const;
    ledger.pool(pool, stream).take(prefix, at, taking);
  },
  ReservationLifted: (ledger, { data, stream }) => {
    ledger.pool(data.pool, stream).lift(data.prefix);
  },
};

/** Events of the stream of an authored root pool, in which its children are decided, too. */
export const POOLS: Readers = {
  ...SPACES,
  AddressSpaceOpened: () => {},
  IPPoolCreated: ({ authoredPools }, { data }) => authoredPools.begin(data),
  IPPoolUpdated: ({ authoredPools }, { data }) => authoredPools.update(data),
  IPPoolDeleted: (ledger, { data }) => {
    const isLeft = ledger.pools.has(data.name);
    check('range', !isLeft, `pool ${data.name} has given up its ranges`, 'it has some still');
    ledger.authoredPools.end(data);
  },
  DeletionRequested: (ledger, { data }) => {
    authored(ledger, data.kind).requestDeletion(data);
  },
  ObjectMetadataChanged: (ledger, { data }) => authored(ledger, data.kind).changeMetadata(data),
  RangeAdded: (ledger, { data, stream }) => {
    const { pool: name, prefix, className, scope, grant } = data;
    const owner = ledger.rootRanges.get(prefix);
    const expected = `${prefix} is registered for ${name}`;
    check('range', owner === name, expected, `it is of ${owner ?? 'nobody'}`);
    const isGiven = grant === undefined || !ledger.givenUp.has(grant.id);
    check('grant', isGiven, `the registration of ${prefix} is in force`, 'it was given up');
    if (!ledger.pools.has(name)) ledger.addPool(new NaivePool(name, { stream, className, scope }));
    ledger.pool(name, stream).addRange(prefix);
  },
  RangeRemoved: (ledger, { data, stream }) => {
    const pool = ledger.pool(data.pool, stream);
    pool.removeRange(data.prefix);
    if (pool.ranges.length === 0) ledger.removePool(pool);
  },
  PrefixCarved: (ledger, { data, stream }) => {
    const { pool, prefix, at, childPool, className, scope, grant } = data;
    if (grant === undefined) {
      ledger.carveChild(data, stream, SYSTEM_NAMESPACE);
      return;
    }
    const { id, generation, ordinal } = grant;
    const project = scope.project ?? '';
    const holder = { kind: 'IPPool', namespace: SYSTEM_NAMESPACE, name: childPool, uid: '' };
    const taking = { state: 'Carved', holder, className, key: id } as const;
    ledger.pool(pool, stream).take(prefix, at, taking);
    const key = JSON.stringify([pool, generation, className, scope, ordinal]);
    const subject = `${pool} ${prefix}`;
    ledger.grants.give(id, { kind: 'range', project, generation, subject, key });
  },
  PrefixReturned: (ledger, { data, stream }) => {
    const { pool, prefix, grantId, at, availableAt } = data;
    if (grantId === undefined) {
      ledger.returnChild(data, stream);
      return;
    }
    ledger.grants.takeBack(grantId, `${pool} ${prefix}`, Date.parse(availableAt));
    ledger.pool(pool, stream).giveBack(prefix, grantId, at, availableAt);
  },
  AddressHeld: (ledger, { data, stream }) => {
    const { pool, block, at, project, claim, ordinal, grant, className = '' } = data;
    const { id, generation } = grant;
    const holder = { ...claim, namespace: project };
    ledger.pool(pool, stream).take(block, at, { state: 'Held', holder, className, key: id });
    const key = JSON.stringify([pool, generation, claim.uid, ordinal]);
    const subject = `${pool} ${block}`;
    ledger.grants.give(id, { kind: 'hold', project, generation, subject, key });
  },
  AddressConfirmed: ({ grants }, { data }) => grants.confirm(data.grantId),
  AddressUnheld: (ledger, { data, stream }) => {
    const { pool, block, grantId, at, availableAt } = data;
    ledger.grants.takeBack(grantId, `${pool} ${block}`, Date.parse(availableAt));
    ledger.pool(pool, stream).giveBack(block, grantId, at, availableAt);
  },
  GrantAbandoned: ({ givenUp }, { data }) => {
    givenUp.add(data.grantId);
  },
  CommandSettled: () => {},
};

function authored({ authoredPools }: NaiveLedger, kind: string) {
  check('object', kind === 'IPPool', 'an IPPool', kind);
  return authoredPools;
}
