import { intervalOf, isV6, meet } from './intervals.ts';
import type { NaiveLedger, Readers } from './naive-ledger.ts';
import { finalizersOf } from './naive-objects.ts';
import { check } from './violation.ts';

/** A join does not rest. */
const AT_ONCE_MS = 0;

/** Events of the platform's stream: classes, locations, and the directory of authored pools. */
export const PLATFORM: Readers = {
  AddressSpaceOpened: () => {},
  RootRangeRegistered: ({ rootRanges }, { data: { pool, prefix } }) => {
    const range = intervalOf(prefix);
    for (const [text, owner] of rootRanges) {
      const isApart = isV6(text) !== isV6(prefix) || !meet(intervalOf(text), range);
      const expected = `${prefix} of ${pool.name} overlaps no root range`;
      check('overlap', isApart, expected, `${owner} has ${text}`);
    }
    rootRanges.set(prefix, pool.name);
  },
  RootRangeReleased: ({ rootRanges, pools }, { data: { pool, prefix } }) => {
    const owner = rootRanges.get(prefix);
    const expected = `${prefix} is registered for ${pool.name}`;
    check('range', owner === pool.name, expected, `it is of ${owner ?? 'nobody'}`);
    const ranges = pools.get(pool.name)?.ranges ?? [];
    const isUsed = ranges.some(({ text }) => text === prefix);
    check('range', !isUsed, `${pool.name} has given up ${prefix}`, 'it has it still');
    rootRanges.delete(prefix);
  },
  PoolRegistered: ({ registered }, { data: { pool } }) => {
    const isNew = !registered.has(pool.name);
    check('object', isNew, `pool ${pool.name} is registered once`, 'it is registered already');
    registered.set(pool.name, pool.uid);
  },
  PoolRegistrationChanged: ({ registered, authoredPools }, { data: { pool } }) => {
    // Pools of the plan are there without.
    const uid = registered.get(pool.name) ?? authoredPools.get(pool.name)?.uid;
    check('object', uid === pool.uid, `pool ${pool.name} has uid ${pool.uid}`, uid ?? 'none');
  },
  PoolUnregistered: ({ registered, pools }, { data: { pool } }) => {
    const isGone = !pools.has(pool.name);
    check('object', isGone, `pool ${pool.name} is gone when its name is free`, 'it is there');
    registered.delete(pool.name);
  },
  LocationCreated: ({ locations }, { data }) => locations.begin(data),
  LocationUpdated: ({ locations }, { data }) => locations.update(data),
  LocationDeleted: ({ locations, joins }, { data }) => {
    const { uid, name } = data;
    const left = [...joins.keys()].find((key) => key.startsWith(`${uid} `));
    const expected = `location ${name} goes when no project is there`;
    check('grant', left === undefined, expected, () => `${left?.slice(uid.length + 1)} is there`);
    locations.end(data);
  },
  LocationJoined: ({ grants, joins }, { data }) => {
    const { location, project, generation, grantId } = data;
    const key = `${location.uid} ${project}`;
    const subject = `join at ${location.name}`;
    const present = joins.get(key);
    if (present !== undefined) grants.takeBack(present, subject, AT_ONCE_MS);
    grants.give(grantId, { kind: 'join', project, generation, subject, key });
    joins.set(key, grantId);
  },
  LocationLeft: ({ grants, joins }, { data }) => {
    const { location, project, grantId } = data;
    const key = `${location.uid} ${project}`;
    const expected = `join ${grantId} of ${project} at ${location.name} is in force`;
    check('grant', joins.get(key) === grantId, expected, `${joins.get(key) ?? 'none'} is`);
    grants.takeBack(grantId, `join at ${location.name}`, AT_ONCE_MS);
    joins.delete(key);
  },
  IPClassCreated: ({ classes }, { data }) => classes.begin(data),
  IPClassUpdated: ({ classes }, { data }) => classes.update(data),
  IPClassDeleted: ({ classes }, { data }) => {
    classes.end(data);
  },
  DeletionRequested: (ledger, { data }) => {
    kindOf(ledger, data.kind).requestDeletion(data);
  },
  ObjectMetadataChanged: (ledger, { data }) => {
    kindOf(ledger, data.kind).find(data).finalizers = finalizersOf(data.metadata);
  },
  CommandSettled: () => {},
};

function kindOf({ locations, classes }: NaiveLedger, kind: string) {
  const found = [locations, classes].find((one) => one.kind === kind);
  check('object', found !== undefined, 'a kind of object of the platform', kind);
  return found;
}
