import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { Connection } from '../../src/store/kurrent/connection.ts';
import { KurrentStore, openKurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import { openStore } from '../../src/store/open-store.ts';
import { CorruptEvent, NO_STREAM, StoreRefused, StoreUnavailable } from '../../src/store/store.ts';
import { failure, giveAll, ScriptedServer, STEP, type succeed } from './scripted-server.ts';
import { Listener, refusal, seal, until } from './writing.ts';

vi.mock('../../src/limits.ts', async (actual) => {
  const { limits } = await actual<typeof import('../../src/limits.ts')>();
  const short = { kurrentSilenceMsMax: 300, kurrentRetryMs: 5, kurrentRetryMsMax: 20 };
  return { limits: { ...limits, ...short, kurrentOpenMsMax: 40 } };
});

let server: ScriptedServer;
let store: KurrentStore;

beforeEach(async () => {
  server = await ScriptedServer.start();
  store = new KurrentStore({ url: server.url });
});

afterEach(async () => {
  await store.close();
  server.stop();
});

const events = seal('a-1', NO_STREAM, [uuidOf('x'), uuidOf('y')]);
const append = (to = store) => to.append('a-1', NO_STREAM, events);

/** Puts events into the server's log, each the first of a stream of its own. */
function log(...names: string[]): void {
  for (const name of names) {
    const stream = `a-${name}`;
    const [event] = seal(stream, NO_STREAM, [uuidOf(name)]);
    if (event !== undefined) server.log.push({ stream, event });
  }
}

describe('an append', () => {
  it.each([
    { title: 'that the server never answers', script: () => {} },
    {
      title: 'whose connection is lost',
      script: (answer: Parameters<typeof succeed>[0]) =>
        answer(failure(status.UNAVAILABLE, 'gone')),
    },
    {
      title: 'while the server shuts down',
      script: (answer: Parameters<typeof succeed>[0]) =>
        answer(failure(status.CANCELLED, 'shutting down')),
    },
    {
      title: 'that timed out inside the server',
      script: (answer: Parameters<typeof succeed>[0]) =>
        answer(failure(status.ABORTED, 'write timed out')),
    },
    {
      title: 'while the server is busy',
      script: (answer: Parameters<typeof succeed>[0]) =>
        answer(failure(status.UNKNOWN, 'Server Is Busy')),
    },
  ])('$title is unavailable, and the identical one may follow', async ({ script }) => {
    server.appends.push(script);
    expect(await refusal(append())).toBeInstanceOf(StoreUnavailable);
    expect(await append()).toEqual({ revision: 1, position: 100n });
    expect(server.received).toHaveLength(2);
    expect(server.received[1]).toEqual(server.received[0]);
    expect(server.received[0]).toEqual({ revision: 'none', ids: events.map(({ id }) => id) });
  });

  it('follows the leader by itself', async () => {
    server.appends.push((answer, port) => {
      const leader = { 'leader-endpoint-host': '127.0.0.1', 'leader-endpoint-port': String(port) };
      answer(failure(status.NOT_FOUND, 'not leader', { exception: 'not-leader', ...leader }));
    });
    expect(await append()).toMatchObject({ revision: 1 });
    expect(server.received).toHaveLength(2);
  });

  it('that the server finds too large is refused for good', async () => {
    const beside = { exception: 'maximum-append-size-exceeded', 'maximum-append-size': '1048576' };
    server.appends.push((answer) =>
      answer(failure(status.INVALID_ARGUMENT, 'Maximum append size exceeded', beside)),
    );
    const fault = await refusal(append());
    expect(fault).not.toBeInstanceOf(StoreUnavailable);
    expect((fault as Error).message).toMatch(/KurrentDB refuses: .*append size/);
  });

  it('waits for the one before it in its stream, whatever becomes of that', async () => {
    let release = () => {};
    server.appends.push((answer) => {
      release = () => answer(failure(status.UNAVAILABLE, 'gone'));
    });
    const first = refusal(append());
    const second = append();
    await until(() => server.received.length === 1);
    release();
    expect(await first).toBeInstanceOf(StoreUnavailable);
    expect(await second).toMatchObject({ revision: 1 });
  });
});

describe('the subscription', () => {
  it.each([
    { title: 'ended without a word', fault: undefined },
    { title: 'was cut off', fault: failure(status.UNAVAILABLE, 'gone') },
    { title: 'was dropped', fault: failure(status.ABORTED, 'too slow') },
    { title: 'lost its leader', fault: failure(status.UNKNOWN, 'No leader info available') },
  ])('goes on where it was when it $title, without a gap or a repeat', async ({ fault }) => {
    server.subscriptions.push((call) => {
      log('1', '2', '3', '4');
      for (const index of [0, 1]) call.write(server.sent(index));
      if (fault === undefined) call.end();
      else call.emit('error', fault);
    });
    // The next one gives an event again that was given before.
    server.subscriptions.push((call) => {
      for (const index of [1, 2, 3]) call.write(server.sent(index));
    });
    const listener = new Listener(store, 0n);
    await listener.reached(4n * STEP);
    expect(server.opened).toEqual([0n, 2n * STEP]);
    const given = listener.events.map(({ stream }) => stream);
    expect(given).toEqual(['a-1', 'a-2', 'a-3', 'a-4']);
  });

  it('asks the server again for history that broke off', async () => {
    log('1', '2', '3');
    const tail = (call: Parameters<typeof giveAll>[0]) => giveAll(call, server);
    server.subscriptions.push(tail, (call) => {
      call.write(server.sent(0));
      call.emit('error', failure(status.UNAVAILABLE, 'gone'));
    });
    const listener = await new Listener(store, 0n).reached(3n * STEP);
    expect(listener.events.map(({ stream }) => stream)).toEqual(['a-1', 'a-2', 'a-3']);
  });

  it('ends with what cannot be read', async () => {
    log('1');
    const listener = new Listener(store, 0n);
    await listener.reached(STEP);
    expect(listener.events).toHaveLength(1);
    await store.close();
    store = new KurrentStore({ url: server.url });
    const [event] = server.log;
    if (event === undefined) throw new Error('there is one');
    server.log[0] = { ...event, event: { ...event.event, data: { changed: true } } };
    const broken = new Listener(store, 0n);
    expect(await refusal(broken.subscription.done)).toBeInstanceOf(CorruptEvent);
  });
});

describe('a cluster', () => {
  const streams = ['a-1', 'a-2', 'a-3', 'a-4'];
  const appendTo = (cluster: KurrentStore, stream: string) =>
    cluster.append(stream, NO_STREAM, seal(stream, NO_STREAM, [uuidOf(stream)]));

  it('is looked for again while no node of it knows who leads', async () => {
    const cluster = new KurrentStore({
      url: `esdb://127.0.0.1:${server.port},127.0.0.1:1?tls=false`,
    });
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const [late, gone, away, back] = streams as [string, string, string, string];
    let end = () => {};
    server.appends.push((answer) => {
      end = () => answer(failure(status.UNAVAILABLE, 'gone'));
    });
    const first = refusal(appendTo(cluster, late));
    await until(() => server.received.length === 1);
    server.appends.push((answer) => answer(failure(status.UNAVAILABLE, 'gone')));
    await refusal(appendTo(cluster, gone));
    server.leader = undefined;
    // While the client looks for the leader, what it began before comes to its end.
    const third = refusal(appendTo(cluster, away));
    end();
    expect(await first).toBeInstanceOf(StoreUnavailable);
    expect(await third).toBeInstanceOf(StoreUnavailable);
    server.leader = server.port;
    expect(await appendTo(cluster, back)).toMatchObject({ revision: 0 });
    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
    await cluster.close();
  });

  it('is left alone by the node that is silent, and followed through the one that leads', async () => {
    const other = await ScriptedServer.start();
    const url = `esdb://127.0.0.1:${server.port},127.0.0.1:${other.port}?tls=false`;
    const cluster = new KurrentStore({ url });
    other.leader = server.port;
    log('1');
    other.log.push(...server.log);
    const listener = await new Listener(cluster, 0n).reached(STEP);
    other.leader = other.port;
    server.leader = other.port;
    server.appends.push(() => {});
    expect(await refusal(append(cluster))).toBeInstanceOf(StoreUnavailable);
    expect(await append(cluster)).toMatchObject({ revision: 1 });
    expect(other.received).toEqual(server.received);
    await until(() => other.opened.length > 0);
    expect(other.opened).toEqual([STEP]);
    expect(listener.events.map(({ stream }) => stream)).toEqual(['a-1']);
    await cluster.close();
    other.stop();
  });
});

describe('opening', () => {
  it('is refused without a user where there is TLS, and tells no password', async () => {
    expect(() => new KurrentStore({ url: 'esdb://127.0.0.1:1' })).toThrow(/names no user/);
    expect(() => new KurrentStore({ url: 'esdb://me:secret@:x' })).toThrow(StoreRefused);
    expect(() => new KurrentStore({ url: 'esdb://me:secret@:x' })).not.toThrow(/secret/);
  });

  it('closes in bounded time where nothing ever answered', async () => {
    const away = new KurrentStore({ url: 'esdb://127.0.0.1:1?tls=false' });
    expect(await refusal(away.head())).toBeInstanceOf(StoreUnavailable);
    new Listener(away, 0n);
    await away.close();
  });

  it('gives up on a server that is not there, naming it, and frees the data directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'netalloc-kurrent-'));
    const told: string[] = [];
    const tell = (_: object, text: string) => told.push(text);
    const log = { warn: tell, info: tell } as never;
    const options = { directory, clock: () => new Date(0), categories: ['a'], log };
    for (const _again of [1, 2]) {
      const fault = await refusal(openStore('esdb://127.0.0.1:1?tls=false', options));
      expect(fault).toBeInstanceOf(StoreRefused);
      expect((fault as Error).message).toMatch(/127\.0\.0\.1:1.*does not answer.*ECONNREFUSED/);
    }
    expect(told).toEqual(['start waits for the store', 'start waits for the store']);
    rmSync(directory, { recursive: true });
  });

  it('waits for a server that is still starting, and says so', async () => {
    const gone = failure(status.UNAVAILABLE, 'not ready');
    server.reads.push((call) => call.emit('error', gone));
    const lines: string[] = [];
    const line = (_: object, text: string) => lines.push(text);
    const log = { warn: line, info: line } as never;
    const opened = await openKurrentStore({ url: server.url, log });
    expect(lines).toEqual(['start waits for the store', 'the store has answered']);
    await opened.close();
  });

  it('spreads the attempts of processes whose server has gone', () => {
    const never = new Connection('esdb://127.0.0.1:1?tls=false', () => 0);
    const always = new Connection('esdb://127.0.0.1:1?tls=false');
    expect(always.retryMs(1)).toBe(10);
    expect(always.retryMs(99)).toBe(20);
    expect(never.retryMs(99)).toBe(10);
  });

  it('lets one process use a data directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'netalloc-kurrent-'));
    const options = { directory, clock: () => new Date(0), categories: ['a'] };
    const url = server.url as `esdb${string}`;
    const first = await openStore(url, options);
    expect(await refusal(openStore(url, options))).toBeInstanceOf(StoreRefused);
    await first.close();
    await (await openStore(url, options)).close();
    rmSync(directory, { recursive: true });
  });
});
