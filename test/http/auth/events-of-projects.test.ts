import { expect, test } from 'vitest';
import { claim, NAMESPACES } from '../world.ts';
import { guarded, pathsOf, populate } from './guarded.ts';

const CLAIMS = 'networkinterfaceclaims';
const eventsOf = (project: string) => `${NAMESPACES}/${project}/events`;

/** Two projects with a claim at each of two locations, and who may do something there. */
async function world() {
  const made = await guarded();
  await populate(made, ['mine', 'foreign']);
  for (const project of ['mine', 'foreign']) {
    for (const location of ['dfw', 'lhr']) {
      const one = claim(`${project}-${location}`, { location: { name: location } });
      await made.operator.post(pathsOf(project, CLAIMS), one);
    }
  }
  const compute = () => made.be('c', { role: 'compute', projects: [made.generation('mine')] });
  const provider = made.be('p', { role: 'provider', locations: ['dfw'] });
  return { ...made, compute, provider };
}

const about = (kind: string, name: string) => ({
  metadata: { name: `${name}.1` },
  involvedObject: { kind, name },
  ...{ reason: 'Said', message: 'something' },
});

test('compute reads what was decided in its project, and says something of it', async () => {
  const { compute } = await world();
  const me = compute();
  const { body } = await me.get(eventsOf('mine'));
  const names = body.items.map(
    (one: { involvedObject: { name: string } }) => one.involvedObject.name,
  );
  expect(names).toEqual(['mine-dfw', 'mine-lhr']);
  expect((await me.post(eventsOf('mine'), about('Pod', 'x'))).code).toBe(201);
  for (const path of [eventsOf('foreign'), '/api/v1/events', '/apis/events.k8s.io/v1/events']) {
    expect([path, (await me.get(path)).code]).toEqual([path, 403]);
  }
  expect((await me.post(eventsOf('foreign'), about('Pod', 'x'))).code).toBe(403);
});

test('a later project of a name shows nothing of what was decided in the earlier one', async () => {
  const { operator, compute } = await world();
  const before = compute();
  for (const name of ['mine-dfw', 'mine-lhr']) {
    await operator.send('DELETE', pathsOf('mine', CLAIMS, name));
  }
  expect((await operator.send('DELETE', `${NAMESPACES}/mine`)).code).toBe(200);
  await operator.post(NAMESPACES, { metadata: { name: 'mine' } });
  expect((await before.get(eventsOf('mine'))).code).toBe(403);
  expect((await compute().get(eventsOf('mine'))).body.items).toEqual([]);
});

test('a provider says something of the interfaces that it sees, and of nothing else', async () => {
  const { provider, operator } = await world();
  const nic = (name: string) => about('NetworkInterface', name);
  expect((await provider.post(eventsOf('mine'), nic('mine-dfw'))).code).toBe(201);
  const again = await provider.send(
    'PATCH',
    `${eventsOf('mine')}/mine-dfw.1`,
    { count: 2 },
    {
      'content-type': 'application/strategic-merge-patch+json',
    },
  );
  expect([again.code, again.body.count]).toEqual([200, 2]);
  const refusals = [nic('mine-lhr'), nic('none'), about('NetworkInterfaceClaim', 'mine-dfw')];
  const texts = await Promise.all(
    refusals.map(async (event) => {
      const { code, body } = await provider.post(eventsOf('mine'), event);
      return [code, body.message];
    }),
  );
  expect(texts).toEqual(texts.map(() => [403, expect.stringContaining('of yours')]));
  // What was said of others is not there to it.
  await operator.post(eventsOf('mine'), nic('mine-lhr'));
  const patched = await provider.send('PATCH', `${eventsOf('mine')}/mine-lhr.1`, { count: 2 });
  expect(patched.code).toBe(404);
  expect((await provider.get(eventsOf('mine'))).code).toBe(403);
});
