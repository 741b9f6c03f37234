import { describe, expect, test } from 'vitest';
import { blocksOf } from '../../src/http/ledger/event-blocks.ts';
import { eventSchemas } from '../../src/ledger/events.ts';
import type { EventHandler, RecordedEvent, Store } from '../../src/store/store.ts';
import { everything } from '../application/world.ts';
import { claim, createProject, deleteClaim, location, network } from '../ledger/commands.ts';
import { type Came, type Fed, fed } from './following.ts';

const PATH = '/ledger/v1/events';
const TYPE = 'com.datumapis.netalloc.';

/** A project with a network, and some claims in it. */
async function begin({ run }: Pick<Fed, 'run'>, claims = ['web-0', 'web-1']): Promise<void> {
  await run(location('us'));
  await run(createProject);
  await run(network('net'));
  for (const name of claims) await run(claim(name));
}

const positions = (events: readonly Came[]) => events.map(({ position }) => position);
const logged = async (world: Fed) => positions(await everything(world.store)).map(String);

describe('the feed', () => {
  test('has every event of the log once, in order, as CloudEvents', async () => {
    const world = await fed();
    await begin(world);
    const events = await world.whole('?follow=false');
    const log = await everything(world.store);
    expect(events).toHaveLength(log.length);
    for (const [index, event] of events.entries()) {
      const { id, type, data, stream, revision, position, metadata, recordedAt } = log[
        index
      ] as RecordedEvent;
      expect(event).toMatchObject({
        specversion: '1.0',
        ...{ id, data, stream, revision, time: recordedAt, type: TYPE + type },
        source: `/ledger/v1/streams/${stream}`,
        datacontenttype: 'application/json',
        position: String(position),
        commandid: metadata.commandId,
        correlationid: metadata.$correlationId,
        causationid: metadata.$causationId,
        hash: metadata.hash,
        previoushash: metadata.previousHash,
        actorrole: (metadata.actor as { role: string }).role,
      });
      expect(event.subject).not.toBe('');
      for (const [name, value] of Object.entries(event)) {
        expect(name).toMatch(/^[a-z0-9]{1,20}$/);
        if (name !== 'data') expect(['string', 'number']).toContain(typeof value);
      }
    }
    const subjects = new Set(events.map(({ type, subject }) => `${type.slice(23)} ${subject}`));
    for (const one of ['ClaimRequested alpha/web-0', 'NamespaceCreated alpha']) {
      expect(subjects).toContain(one);
    }
    expect(subjects).toContain('AddressAllocated alpha/web-0');
    expect(subjects).toContain('LocationCreated us');
  });

  test('goes on with what happens, from where it is asked to', async () => {
    const world = await fed();
    await begin(world);
    const head = await world.store.head();
    const lines = await world.follow(`?after=${head}`);
    const sse = await world.follow('', {
      accept: 'text/event-stream',
      'last-event-id': String(head - 2n),
    });
    await sse.until(() => sse.events.length === 2);
    await world.run(claim('late'));
    const all = await logged(world);
    await lines.until(() => lines.events.length === all.length - Number(head));
    await sse.until(() => sse.events.length === all.length - Number(head) + 2);
    expect(positions(lines.events)).toEqual(all.slice(Number(head)));
    expect(positions(sse.events)).toEqual(all.slice(Number(head) - 2));
    expect(sse.text()).toMatch(/^(id: \d+\ndata: \{.*\}\n\n)+$/);
    for (const [, id, json] of sse.text().matchAll(/id: (\d+)\ndata: (.*)\n\n/g)) {
      expect(JSON.parse(json as string).position).toBe(id);
    }
  });

  test('gives a follower that is killed and comes back each event once, in order', async () => {
    const world = await fed({ chunkBytesMax: 700 });
    await begin(world, []);
    const seen: string[] = [];
    let last = '';
    for (let life = 1; life <= 25; life += 1) {
      const sse = life % 2 === 0;
      const headers: Record<string, string> = sse ? { accept: 'text/event-stream' } : {};
      if (sse && last !== '') headers['last-event-id'] = last;
      // An EventSource asks for the address that it began with for ever.
      const query = last === '' || sse ? '?after=0' : `?after=${last}`;
      const follower = await world.follow(query, headers);
      // Each life sees more events than it waits for, and is ended while more are on their way.
      const work = [claim, deleteClaim].map((one) => world.run(one(`c-${life % 7}`)));
      await follower.until(() => follower.events.length >= life % 5);
      follower.kill();
      await follower.ended;
      await Promise.all(work);
      seen.push(...positions(follower.events));
      last = seen.at(-1) ?? '';
    }
    seen.push(...positions(await world.whole(`?follow=false&after=${last || 0}`)));
    expect(seen).toEqual(await logged(world));
  });

  test('ends at the head where it is not to follow, also when there is nothing', async () => {
    const world = await fed();
    await begin(world);
    const head = await world.store.head();
    expect(await world.whole(`?follow=false&after=${head}`)).toEqual([]);
    expect(await world.whole(`?follow=0&after=${head - 1n}`)).toHaveLength(1);
    expect(
      await world.whole('?follow=false&type=IPPoolCreated&stream=addressSpace-project.x'),
    ).toEqual([]);
  });

  test('ends in order when the server closes', async () => {
    const world = await fed();
    await begin(world);
    const all = await logged(world);
    const followers = [await world.follow(), await world.follow('?type=NamespaceDeleted')];
    await followers[0]?.until(() => followers[0]?.events.length === all.length);
    await world.app.close();
    expect(await Promise.all(followers.map(({ ended }) => ended))).toEqual([true, true]);
    expect(positions(followers[0]?.events ?? [])).toEqual(all);
  });
});

describe('a filter', () => {
  test('for one project reads that project only, and then goes on with what happens', async () => {
    const read: string[] = [];
    const begun: bigint[] = [];
    const world = await fed({}, ({ store }) => ({
      store: {
        lostPositions: [],
        head: () => store.head(),
        readStream: (stream, revision) => {
          read.push(stream);
          return store.readStream(stream, revision);
        },
        subscribe: (after, ...rest) => {
          begun.push(after);
          return store.subscribe(after, ...rest);
        },
      },
    }));
    await begin(world);
    await world.run(createProject, 'beta');
    const before = await world.store.head();
    const follower = await world.follow('?project=alpha');
    await world.run(claim('late'));
    await world.run(createProject, 'gamma');
    await world.run(claim('later'));
    const all = await everything(world.store);
    const own = all.filter(({ stream }) => stream === 'addressSpace-project.alpha');
    await follower.until(() => follower.events.length >= own.length);
    expect(positions(follower.events)).toEqual(own.map(({ position }) => String(position)));
    expect([read, begun]).toEqual([['addressSpace-project.alpha'], [before]]);
    await world.whole(`?follow=false&project=alpha&after=${own[3]?.position}`);
    expect([read.length, begun.length]).toEqual([1, 2]);
  });

  test('leaves the events that it names', async () => {
    const world = await fed();
    await begin(world);
    await world.run(createProject, 'beta');
    const all = await world.whole('?follow=false');
    const address = all.find(({ type }) => type === `${TYPE}AddressAllocated`).data.block;
    const bare = address.split('/')[0];
    const cases: [string, (event: Came) => boolean][] = [
      ['type=ClaimRequested', ({ type }) => type === `${TYPE}ClaimRequested`],
      [`type=${TYPE}ClaimRequested`, ({ type }) => type === `${TYPE}ClaimRequested`],
      ['type=ClaimRequested,NetworkCreated', ({ type }) => /(ClaimReq|NetworkCr)/.test(type)],
      ['type=ClaimRequested&type=NetworkCreated', ({ type }) => /(ClaimReq|NetworkCr)/.test(type)],
      ['project=alpha', ({ stream }) => stream === 'addressSpace-project.alpha'],
      ['project=beta', ({ stream }) => stream === 'addressSpace-project.beta'],
      ['stream=addressSpace-platform', ({ stream }) => stream === 'addressSpace-platform'],
      [
        'project=alpha&type=NamespaceCreated,LocationCreated',
        ({ type, stream }) => type.endsWith('NamespaceCreated') && stream.endsWith('.alpha'),
      ],
    ];
    for (const [query, isMeant] of cases) {
      const expected = all.filter(isMeant);
      expect([query, expected.length]).not.toEqual([query, 0]);
      expect(await world.whole(`?follow=false&${query}`)).toEqual(expected);
    }
    for (const text of [address, bare]) {
      const found = await world.whole(`?follow=false&address=${encodeURIComponent(text)}`);
      const types = found.map(({ type }) => type.slice(TYPE.length));
      expect(types).toEqual(expect.arrayContaining(['RangeAdded', 'PrefixCarved']));
      expect(types.filter((type) => type === 'AddressAllocated')).toHaveLength(1);
      expect(types.filter((type) => type === 'InterfaceReady')).toHaveLength(1);
      expect(types).not.toContain('ClaimRequested');
    }
    const inside = await world.whole('?follow=false&address=%3A%3A%2F0&type=AddressAllocated');
    expect(inside).toHaveLength(2);
    expect(await world.whole('?follow=false&address=192.0.2.1')).toEqual([]);
  });

  test('by address knows every event that has a block', () => {
    const withBlocks = Object.entries(eventSchemas)
      .filter(([, schema]) =>
        Object.keys(schema.shape).some((key) =>
          ['prefix', 'block', 'subnets', 'ranges', 'plan'].includes(key),
        ),
      )
      .map(([type]) => type);
    const prefix = '10.0.0.0/8';
    const data = {
      ...{ prefix, block: prefix, subnets: [{ prefix }], ranges: [{ prefix }] },
      plan: { pools: [{ cidr: prefix }] },
    };
    expect(withBlocks.length).toBeGreaterThan(10);
    for (const type of withBlocks)
      expect([type, blocksOf({ type, data })]).toEqual([type, [prefix]]);
  });

  test.each([
    'after=-1',
    'after=x',
    'after=',
    'follow=maybe',
    'type=',
    'type=Nonsense',
    'type=ClaimRequested,toString',
    'project=No',
    'stream=nonsense',
    'address=10.0.0.1%2F8',
    'address=nonsense',
    'asOf=1',
  ])('like %s is refused', async (query) => {
    const world = await fed();
    const response = await fetch(`${world.url}${PATH}?${query}`);
    const status = await response.json();
    expect([response.status, status]).toMatchObject([400, { reason: 'BadRequest' }]);
  });
});

describe('the media type', () => {
  test.each([
    [undefined, 'application/x-ndjson'],
    ['*/*', 'application/x-ndjson'],
    ['application/*', 'application/x-ndjson'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['text/event-stream', 'text/event-stream'],
    ['Text/Event-Stream; charset=utf-8', 'text/event-stream'],
    ['text/event-stream, */*', 'text/event-stream'],
    ['text/event-stream;q=0.5, application/x-ndjson', 'application/x-ndjson'],
    ['text/event-stream;q=0, */*', 'application/x-ndjson'],
    ['text/html', undefined],
    ['application/x-ndjson;q=0', undefined],
  ])('for %s is %s', async (accept, expected) => {
    const world = await fed();
    const follower = await world.follow('?follow=false', accept === undefined ? {} : { accept });
    const { statusCode, headers } = follower.response;
    await follower.ended;
    if (expected === undefined) expect(statusCode).toBe(406);
    else expect([statusCode, headers['content-type']]).toEqual([200, expected]);
  });
});

describe('a place', () => {
  test('that the log does not have is Expired', async () => {
    const world = await fed();
    await begin(world);
    const head = await world.store.head();
    const refused = await world.follow(`?after=${head + 1n}`);
    await refused.ended;
    expect(refused.response.statusCode).toBe(410);
    expect(JSON.parse(refused.text()).reason).toBe('Expired');
    const far = await world.follow('', { 'last-event-id': '9999999999999999999' });
    expect(far.response.statusCode).toBe(410);
  });

  test('that an earlier life of the log has lost is Expired', async () => {
    const world = await fed({}, ({ store }) => ({
      store: {
        lostPositions: [{ after: 3n, upTo: 6n }],
        head: () => store.head(),
        readStream: (...place) => store.readStream(...place),
        subscribe: (...args) => store.subscribe(...args),
      },
    }));
    await begin(world);
    const codes = await Promise.all(
      [2, 3, 4, 6, 7].map(async (after) => {
        const { response } = await world.follow(`?after=${after}&follow=false`);
        return response.statusCode;
      }),
    );
    expect(codes).toEqual([200, 200, 410, 410, 200]);
  });
});

/** A log without an end, of large events, that counts what its readers have taken. */
function largeLog(events: number) {
  const taken = { count: 0, isStopped: false };
  const store: Pick<Store, 'head' | 'readStream' | 'subscribe' | 'lostPositions'> = {
    lostPositions: [],
    head: async () => BigInt(events),
    readStream: () => expect.unreachable(),
    subscribe: (after: bigint, handler: EventHandler) => {
      const run = async () => {
        for (let n = Number(after) + 1; n <= events && !taken.isStopped; n += 1) {
          await handler([largeEvent(n)]);
          taken.count += 1;
        }
      };
      const stop = async () => {
        taken.isStopped = true;
      };
      return { done: run().then(() => new Promise<void>(() => {})), stop };
    },
  };
  return { store, taken };
}

function largeEvent(n: number): RecordedEvent {
  const actor = { issuer: 'i', subject: 's', role: 'r' };
  const metadata = { commandId: 'c', index: 0, count: 1, actor, hash: '', previousHash: '' };
  const event = { stream: 'addressSpace-platform', revision: n, position: BigInt(n), metadata };
  const data = { text: 'x'.repeat(64 * 1024) };
  return { ...event, id: `e-${n}`, type: 'GrantAbandoned', data, recordedAt: 't' };
}

describe('a follower', () => {
  test('that reads slowly holds up its own reading only, and gets everything', async () => {
    const { store } = largeLog(400);
    const world = await fed({}, () => ({ store }));
    const follower = await world.follow('?follow=false');
    follower.response.on('data', () => {
      follower.response.pause();
      setImmediate(() => follower.response.resume());
    });
    expect(await follower.ended).toBe(true);
    expect(positions(follower.events)).toEqual(
      Array.from({ length: 400 }, (_, n) => String(n + 1)),
    );
  });

  test('that does not read at all is cut off before the log is read to it', async () => {
    const { store, taken } = largeLog(4_000);
    const world = await fed({ stallMsMax: 100 }, () => ({ store }));
    const follower = await world.follow();
    follower.response.pause();
    const socket = follower.response.socket;
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (!taken.isStopped) return;
        clearInterval(look);
        resolve();
      }, 5);
    });
    expect(taken.count).toBeLessThan(4_000);
    follower.response.resume();
    expect(await follower.ended).toBe(false);
    expect(socket?.destroyed).toBe(true);
  });

  test('without events is sent something that means nothing', async () => {
    const world = await fed({ heartbeatMs: 5 });
    const head = await world.store.head();
    const lines = await world.follow(`?after=${head}`);
    await lines.until(() => lines.text().startsWith('\n\n\n'));
    const sse = await world.follow(`?after=${head}`, { accept: 'text/event-stream' });
    await sse.until(() => sse.text().startsWith(':\n\n:\n\n'));
    expect([lines.events, sse.events]).toEqual([[], []]);
  });

  test('too many is refused, until another has gone', async () => {
    const world = await fed({ followersMax: 2 });
    const first = await world.follow();
    await world.follow();
    const third = await world.follow();
    expect(third.response.statusCode).toBe(429);
    expect(third.response.headers['retry-after']).toBeDefined();
    first.kill();
    await first.ended;
    for (;;) {
      const again = await world.follow();
      if (again.response.statusCode === 200) break;
    }
  });

  test('is cut off when the log cannot be read on, and the log says why', async () => {
    const world = await fed({}, ({ store }) => ({
      store: {
        lostPositions: [],
        head: () => store.head(),
        readStream: (...place) => store.readStream(...place),
        subscribe: () => ({
          done: Promise.reject(new Error('the log is damaged')),
          stop: async () => {},
        }),
      },
    }));
    const follower = await world.follow();
    expect(await follower.ended).toBe(false);
    expect(world.logged.join()).toContain('the log is damaged');
  });

  test('finds the feed in the OpenAPI document; it takes no other method', async () => {
    const world = await fed();
    const { paths } = (await (await fetch(`${world.url}/openapi.json`)).json()) as Came;
    const names = paths[PATH].get.parameters.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['after', 'follow', 'address', 'last-event-id']));
    expect(Object.keys(paths[PATH].get.responses['200'].content)).toHaveLength(2);
    for (const method of ['HEAD', 'POST', 'DELETE']) {
      expect((await fetch(world.url + PATH, { method })).status).toBe(405);
    }
  });
});
