import { expect, it } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { commands } from './driver.ts';
import { conditionOf, conditionsOf, opened } from './fixture.ts';

const KIND = 'IPPool';

/** A project that has a pool registered in the very moment in which it is deleted. */
async function overtaken() {
  const world = await opened();
  const { driver } = world;
  const lifeOf = (project: string) => driver.projectState(project).namespace?.uid;
  const make = async (name: string, cidr: string, project: string, owner = lifeOf(project)) => {
    const projectRef = { name: project };
    const spec = { ipFamily: 'IPv4' as const, cidr, classNames: [], projectRef };
    const pool = { name, uid: uuidOf(name), spec, metadata: {}, owner };
    await driver.platform({ type: 'RegisterPool', ...pool });
    await driver.pool(name, { type: 'OpenPool', ...pool });
  };
  await make('kept', '192.0.2.0/24', 'alpha');
  await driver.project('brief', commands.createNamespace);
  const gone = lifeOf('brief');
  await driver.project('brief', commands.deleteNamespace);
  await make('late', '198.51.100.0/24', 'brief', gone);
  await world.caughtUp();
  return { ...world, lifeOf, gone };
}

it('shows that the project which owns a pool is gone, also when there is another of its name', async () => {
  const { driver, object, caughtUp, lifeOf, gone } = await overtaken();
  const kept = object(KIND, 'kept', '');
  expect(kept.status).toMatchObject({ phase: 'Ready', projectUid: lifeOf('alpha') });
  expect(conditionsOf(kept)).toEqual({ Ready: 'True/Available' });
  const late = object(KIND, 'late', '');
  expect(late.status).toMatchObject({ phase: 'Draining', projectUid: gone });
  expect(conditionOf(late, 'Ready')).toMatchObject({
    ...{ status: 'True', reason: 'OwnerGone' },
    message: expect.stringContaining('the project that owns it is gone'),
  });
  await driver.project('brief', commands.createNamespace);
  await caughtUp();
  expect(object(KIND, 'late', '')).toEqual(late);
});

it('shows at a position whether it was gone then', async () => {
  const { driver, views, caughtUp } = await overtaken();
  const before = views.position;
  const uid = driver.projectState('alpha').namespace?.uid as string;
  // Another ledger that has not heard of the pool deletes the project.
  const at = '2026-01-01T00:00:00.000Z';
  await driver.happen('alpha', [
    { type: 'AddressSpaceClosed', data: { at, generation: uid, ranges: [] } },
    { type: 'NamespaceDeleted', data: { at, name: 'alpha', uid } },
  ]);
  await caughtUp();
  const now = views.get(KIND, '', 'kept')!;
  const then = views.getAt(KIND, '', 'kept', before)!;
  expect(conditionsOf(now.object)).toEqual({ Ready: 'True/OwnerGone' });
  expect(conditionsOf(then.object)).toEqual({ Ready: 'True/Available' });
  expect(now.position).toBe(then.position);
});
