import { expect, it } from 'vitest';
import { Freshness } from '../../src/http/freshness.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { createProject } from '../ledger/commands.ts';
import { guarded, pathsOf } from './auth/guarded.ts';

const nobody = {
  readStream: () => expect.unreachable(),
  subscribe: () => expect.unreachable(),
  lostPositions: [],
};

it('looks once for all who come while another look is under way', async () => {
  const looks: ((head: bigint) => void)[] = [];
  const reached: bigint[] = [];
  const freshness = new Freshness({
    store: {
      ...nobody,
      isShared: true,
      head: () => new Promise((resolve) => looks.push(resolve)),
    },
    views: {
      position: 0n,
      reached: async (position: bigint) => {
        reached.push(position);
      },
    } as never,
  });
  const first = freshness.latest();
  await expect.poll(() => looks.length).toBe(1);
  const others = Array.from({ length: 40 }, () => freshness.latest());
  looks[0]?.(7n);
  await first;
  // What the first look saw may be older than the others' questions.
  await expect.poll(() => looks.length).toBe(2);
  looks[1]?.(8n);
  await Promise.all(others);
  expect(looks).toHaveLength(2);
  expect(reached).toEqual([7n, ...others.map(() => 8n)]);
});

it('looks again after a look that failed', async () => {
  let fault: Error | undefined = new Error('a fault');
  const head = async () => {
    if (fault !== undefined) throw fault;
    return 1n;
  };
  const views = { position: 0n, reached: async () => {} } as never;
  const freshness = new Freshness({ store: { ...nobody, isShared: true, head }, views });
  await expect(freshness.latest()).rejects.toThrow('a fault');
  fault = undefined;
  await freshness.latest();
});

it('waits for nothing where a process has its log to itself', () => {
  const store = new MemoryStore({ clock: () => new Date(0) });
  const freshness = new Freshness({ store, views: { position: 0n } as never });
  expect(freshness.latest()).toBeUndefined();
  expect(freshness.upTo(5n)).toBeUndefined();
});

it('lets in who has a project that another process has just made', async () => {
  const news: (() => Promise<unknown>)[] = [];
  const head = async () => {
    await news.shift()?.();
    return 0n;
  };
  const world = await guarded({ store: { ...nobody, isShared: true, head } });
  const projects = [{ name: 'later', uid: 'not known yet' }];
  const web = world.be('web', { projects });
  const claims = pathsOf('later', 'networkinterfaceclaims');
  expect((await web.get(claims)).code).toBe(403);
  news.push(async () => {
    await world.run(createProject, 'later');
    projects.splice(0, 1, world.generation('later'));
  });
  expect((await web.get(claims)).code).toBe(200);
});
