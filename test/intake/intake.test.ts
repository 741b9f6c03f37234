import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaimCommands } from '../../src/intake/claim-commands.ts';
import { claimReply, replyStream } from '../../src/intake/claim-messages.ts';
import { CATEGORY, projectStream } from '../../src/ledger/streams.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Message } from '../../src/store/messages.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { commands, request } from '../application/world.ts';
import { LaggingStore } from '../http/lagging-store.ts';
import {
  COMMANDS,
  claimFor,
  eventsIn,
  makeProject,
  type Process,
  repliesIn,
  sourceOn,
  startProcess,
  WEB,
} from './ledger-process.ts';
import { MessageStreams } from './message-streams.ts';

let store: MemoryStore;
let messages: MessageStreams;
let source: ReturnType<typeof sourceOn>;
let processes: Process[];

beforeEach(() => {
  store = new MemoryStore({ clock: () => new Date(), categories: [CATEGORY] });
  messages = new MessageStreams();
  source = sourceOn(messages);
  processes = [];
});

afterEach(async () => {
  for (const one of processes) await one.close();
});

/** A process of its own on the log that all share. */
async function start(own = new LaggingStore(store)): Promise<Process> {
  const process = await startProcess(own, messages);
  processes.push(process);
  return process;
}

async function replies(count: number) {
  await expect.poll(async () => (await repliesIn(store)).length).toBe(count);
  return repliesIn(store);
}

const typesIn = async (stream: string) => (await eventsIn(store, stream)).map(({ type }) => type);
const settledIn = async (project: string) =>
  (await eventsIn(store, projectStream(project))).filter(({ type }) => type === 'CommandSettled');

describe('commands of a source', () => {
  it('are decided as requests are, and reply n answers command n', async () => {
    const process = await start();
    await makeProject(process);
    process.follow();
    const asked = source.ask('web-0');
    const released = source.release('web-0');
    const [first, second] = await replies(2);
    expect(claimReply.parse(first)).toEqual(first);
    expect(first).toMatchObject({
      ...{ command: 0, id: asked, code: 201 },
      object: { metadata: { name: 'web-0' }, status: { addresses: [{}] } },
    });
    expect(second).toEqual({ command: 1, id: released, code: 200 });
    const requested = (await eventsIn(store, projectStream('alpha'))).find(
      ({ type }) => type === 'ClaimRequested',
    );
    expect(requested?.metadata).toMatchObject({
      $causationId: asked,
      $correlationId: asked,
      actor: { issuer: 'claimCommands', subject: 'web', role: 'compute' },
    });
  });

  it('may wait as other claims do', async () => {
    const process = await start();
    await process.ledger.project('alpha', commands.namespace, request());
    process.follow();
    source.ask('web-0');
    const [reply] = await replies(1);
    expect(reply?.code).toBe(201);
    expect(JSON.stringify(reply?.object)).toContain('NetworkNotFound');
  });

  it('name what they belong to', async () => {
    const process = await start();
    await makeProject(process);
    process.follow();
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), randomUUID(), {
      $correlationId: 'rollout-7',
    });
    await replies(1);
    const last = (await eventsIn(store, projectStream('alpha'))).at(-1);
    expect(last?.metadata.$correlationId).toBe('rollout-7');
  });

  it.each<[string, string, unknown, object]>([
    ['another type', 'ClaimUpdated', claimFor('a'), { code: 400, reason: 'BadRequest' }],
    ['no JSON', 'ClaimRequested', undefined, { code: 400, reason: 'BadRequest' }],
    ['JSON text that is broken', 'ClaimRequested', '{"metadata":', { code: 400 }],
    ['a list', 'ClaimRequested', [], { code: 400 }],
    ['no project', 'ClaimRequested', { metadata: { name: 'a' } }, { code: 400 }],
    ['a project that is no text', 'ClaimReleased', { namespace: 7, name: 'a' }, { code: 422 }],
    ['an unknown field', 'ClaimReleased', { namespace: 'alpha', name: 'a', x: 1 }, { code: 400 }],
    ['no spec', 'ClaimRequested', { metadata: { name: 'a', namespace: 'alpha' } }, { code: 422 }],
    ['a foreign project', 'ClaimRequested', claimFor('a', 'gamma'), { code: 403 }],
    ['a foreign release', 'ClaimReleased', { namespace: 'gamma', name: 'a' }, { code: 403 }],
    ['a prototype', 'ClaimRequested', JSON.parse('{"__proto__": {}}'), { code: 400 }],
    ['what is not there', 'ClaimReleased', { namespace: 'alpha', name: 'a' }, { code: 404 }],
  ])('that are %s are answered with the reason and stop nobody', async (_, type, data, refusal) => {
    const process = await start();
    await makeProject(process);
    process.follow();
    messages.emit(COMMANDS, type, data);
    source.ask('after');
    const [first, second] = await replies(2);
    expect(first).toMatchObject({ command: 0, ...refusal, message: expect.stringMatching(/.../) });
    expect(second).toMatchObject({ command: 1, code: 201 });
    expect(await typesIn(projectStream('gamma'))).toEqual([]);
  });

  it('that are nested without end are answered', async () => {
    const process = await start();
    process.follow();
    let data: object = {};
    for (let depth = 0; depth < 1_000; depth += 1) data = { data };
    messages.emit(COMMANDS, 'ClaimRequested', data);
    expect((await replies(1))[0]).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  it('are not read before those of another source are', async () => {
    const process = await start();
    await makeProject(process);
    process.follow();
    messages.emit('claimCommands-other', 'ClaimRequested', claimFor('theirs'));
    source.ask('ours');
    await replies(1);
    expect(process.views.get('NetworkInterfaceClaim', 'alpha', 'theirs')).toBeUndefined();
  });
});

describe('a command that is delivered or written more than once', () => {
  it('is decided once', async () => {
    const process = await start();
    await makeProject(process);
    // Whatever comes is given twice, the second time together with what comes next.
    let before: readonly Message[] = [];
    process.follow({
      messages: {
        follow: (stream, after, handler) =>
          messages.follow(stream, after, async (batch) => {
            const both = [...before, ...batch];
            before = batch;
            await handler(batch);
            await handler(both);
          }),
      },
    });
    for (let n = 0; n < 10; n += 1) {
      source.ask(`web-${n}`);
      await replies(n + 1);
    }
    expect((await repliesIn(store)).map(({ code }) => code)).toEqual(Array(10).fill(201));
  });

  it('has the answer of the first in every reply', async () => {
    const process = await start();
    await makeProject(process);
    process.follow();
    const id = randomUUID();
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), id);
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), id);
    source.release('web-0');
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), id);
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-1'), id);
    const [first, second, , third, other] = await replies(5);
    expect(second).toEqual({ ...first, command: 1 });
    expect(third).toEqual({ ...first, command: 3 });
    expect(other).toMatchObject({ code: 422, reason: 'IdempotencyKeyReused' });
    expect(process.views.get('NetworkInterfaceClaim', 'alpha', 'web-0')).toBeUndefined();
  });

  it('is refused in every reply when it was', async () => {
    const process = await start();
    await makeProject(process);
    process.follow();
    const id = randomUUID();
    source.ask('web-0');
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), id);
    source.release('web-0');
    messages.emit(COMMANDS, 'ClaimRequested', claimFor('web-0'), id);
    const [, first, , second] = await replies(4);
    expect(first).toMatchObject({ code: 409, reason: 'AlreadyExists' });
    expect(second).toEqual({ ...first, command: 3 });
  });
});

describe('what one ledger has answered', () => {
  /** A command as another ledger has it before it. */
  const messageOf = (revision: number) => messages.of(COMMANDS)[revision] as Message;

  it('is refused by a slower one as well, though it could be met by now', async () => {
    const [fast, slow] = [await start(), await start()];
    await makeProject(fast);
    fast.follow();
    source.ask('web-0');
    source.ask('web-0');
    const [, refused] = await replies(2);
    await fast.ledger.project(
      'alpha',
      { type: 'DeleteClaim', name: 'web-0', expect: {} },
      request(),
    );
    const { command, id, ...answer } = refused ?? {};
    expect(await new ClaimCommands(slow.deps, WEB).answer(messageOf(1))).toEqual(answer);
    expect(await settledIn('alpha')).toHaveLength(1);
  });

  it('is refused for ever where there was no project', async () => {
    const [fast, slow] = [await start(), await start()];
    fast.follow();
    source.ask('web-0', 'beta');
    const [refused] = await replies(1);
    expect(refused).toMatchObject({ code: 404, reason: 'NotFound' });
    await makeProject(fast, 'beta');
    const answer = await new ClaimCommands(slow.deps, WEB).answer(messageOf(0));
    expect(answer).toMatchObject({ code: 404, message: refused?.message });
    source.ask('web-0', 'beta');
    expect((await replies(2))[1]).toMatchObject({ code: 201 });
  });

  it('deletes nothing later when things were already so', async () => {
    const [fast, slow] = [await start(), await start()];
    await makeProject(fast);
    fast.follow();
    source.ask('web-0', 'alpha', { finalizers: ['example.com/hold'] });
    source.release('web-0');
    source.release('web-0');
    expect((await replies(3)).map(({ code }) => code)).toEqual([201, 200, 200]);
    expect(await settledIn('alpha')).toHaveLength(1);
    const change = {
      type: 'ChangeMetadata',
      kind: 'NetworkInterfaceClaim',
      name: 'web-0',
    } as const;
    await fast.ledger.project('alpha', { ...change, expect: {}, metadata: {} }, request());
    source.ask('web-0');
    await replies(4);
    expect(await new ClaimCommands(slow.deps, WEB).answer(messageOf(2))).toMatchObject({
      code: 200,
    });
    expect(slow.views.get('NetworkInterfaceClaim', 'alpha', 'web-0')).toBeDefined();
  });

  it('is found by one that decides at the same time', async () => {
    const [one, other] = [await start(), await start()];
    await makeProject(one);
    for (let n = 0; n < 20; n += 1) source.ask(`web-${n % 10}`);
    for (let n = 0; n < 20; n += 1) {
      const [here, there] = await Promise.all(
        [one, other].map(({ deps }) => new ClaimCommands(deps, WEB).answer(messageOf(n))),
      );
      expect(here).toEqual(there);
      expect(here?.code).toBe(n < 10 ? 201 : 409);
    }
  });
});

describe('two ledgers that follow the same source', () => {
  it('answer every command once, in order, and lose none', async () => {
    const [one, other] = [await start(), await start()];
    await makeProject(one);
    await makeProject(other, 'beta');
    one.follow();
    other.follow();
    for (let n = 0; n < 300; n += 1) {
      const project = n % 2 === 0 ? 'alpha' : 'beta';
      if (n % 7 === 6) source.release(`web-${n - 6}`, (n - 6) % 2 === 0 ? 'alpha' : 'beta');
      else source.ask(`web-${n % 7 === 5 ? n - 2 : n}`, project);
    }
    const all = await replies(300);
    expect(all.map(({ command }) => command)).toEqual(all.map((_, n) => n));
    const codes = all.map(({ code }, n) => [n % 7, code]);
    expect(
      codes.filter(([kind, code]) => code !== [201, 201, 201, 201, 201, 409, 200][kind ?? 0]),
    ).toEqual([]);
    for (const { views } of [one, other]) {
      await views.reached(
        one.views.position > other.views.position ? one.views.position : other.views.position,
      );
      const { items } = views.list('NetworkInterfaceClaim', { limit: 1_000 });
      expect(items).toHaveLength(codes.filter(([, code]) => code === 201).length - 42);
    }
  });
});

describe('a ledger that ends', () => {
  it('between decisions and their replies leaves them to be found', async () => {
    const own = new LaggingStore(store);
    const refuses = own.append.bind(own);
    let isCutOff = true;
    own.append = async (stream, ...rest) => {
      if (isCutOff && stream === replyStream('web')) throw new StoreUnavailable('away');
      return refuses(stream, ...rest);
    };
    const first = await start(own);
    await makeProject(first);
    source.ask('taken');
    source.ask('taken');
    for (let n = 0; n < 5; n += 1) source.ask(`web-${n}`);
    first.follow();
    const requested = async () => {
      const types = await typesIn(projectStream('alpha'));
      return types.filter((type) => type === 'ClaimRequested' || type === 'CommandSettled').length;
    };
    await expect.poll(requested).toBe(7);
    await first.unfollow();
    isCutOff = false;
    expect(await repliesIn(store)).toEqual([]);
    const before = await eventsIn(store, projectStream('alpha'));
    (await start()).follow();
    const codes = (await replies(7)).map(({ code }) => code);
    expect(codes).toEqual([201, 409, 201, 201, 201, 201, 201]);
    expect(await eventsIn(store, projectStream('alpha'))).toEqual(before);
  });

  it('in the middle of ten thousand commands is followed by one that goes on', async () => {
    const first = await start();
    await makeProject(first);
    for (let n = 0; n < 10_000; n += 1) source.ask(`web-${n}`);
    first.follow();
    await expect
      .poll(async () => (await repliesIn(store)).length, { timeout: 60_000, interval: 200 })
      .toBeGreaterThan(2_000);
    await first.close();
    processes = [];
    const reached = (await repliesIn(store)).length;
    expect(reached).toBeLessThan(10_000);
    const second = await start();
    second.follow();
    await expect
      .poll(async () => (await repliesIn(store)).length, { timeout: 120_000, interval: 500 })
      .toBe(10_000);
    const all = await repliesIn(store);
    expect(all.every(({ command, code }, n) => command === n && code === 201)).toBe(true);
    const types = await typesIn(projectStream('alpha'));
    expect(types.filter((type) => type === 'ClaimRequested')).toHaveLength(10_000);
  }, 240_000);
});

describe('what keeps a command from being decided', () => {
  it('holds up its source until it passes', async () => {
    const own = new LaggingStore(store);
    const process = await start(own);
    await makeProject(process);
    own.fault = new StoreUnavailable('away');
    process.follow();
    source.ask('web-0');
    await expect.poll(() => process.logged.length).toBeGreaterThan(1);
    expect(await repliesIn(store)).toEqual([]);
    own.fault = undefined;
    expect((await replies(1))[0]?.code).toBe(201);
  });

  it('for ever is a fault, which refuses it and lets the others go on', async () => {
    const process = await start();
    await makeProject(process);
    const { ledger } = process.deps;
    process.follow({
      ledger: {
        ...ledger,
        project: async (name, command, asked) => {
          if (command.type === 'RequestClaim' && command.name === 'poison') {
            throw new TypeError('a fault of the program');
          }
          return ledger.project(name, command, asked);
        },
      },
    });
    source.ask('poison');
    source.ask('web-0');
    const [poison, other] = await replies(2);
    expect(poison).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(other?.code).toBe(201);
    expect(await settledIn('alpha')).toHaveLength(1);
  });

  it('is that it was removed before it was read', async () => {
    const process = await start();
    await makeProject(process);
    for (let n = 0; n < 5; n += 1) source.ask(`web-${n}`);
    messages.remove(COMMANDS, 3);
    process.follow();
    const all = await replies(5);
    expect(all.map(({ code }) => code)).toEqual([410, 410, 410, 201, 201]);
    expect(all.map(({ command }) => command)).toEqual([0, 1, 2, 3, 4]);
  });
});
