import { EventEmitter } from 'node:events';
import type { FastifyInstance } from 'fastify';
import { describe, expect, test, vi } from 'vitest';
import type { Form } from '../../src/http/kube/forms.ts';
import { WatchLines } from '../../src/http/kube/watch-lines.ts';
import { readWatchRequest } from '../../src/http/kube/watch-request.ts';
import { WatchStream } from '../../src/http/kube/watch-stream.ts';
import { Watchers } from '../../src/http/kube/watchers.ts';
import { limits } from '../../src/limits.ts';
import type { KubeObject } from '../../src/views/views.ts';
import { type Command, claim, deleteClaim } from '../ledger/commands.ts';
import { labels } from '../views/living-world.ts';
import { CLAIMS, INITIAL, LOCATIONS, NICS, request, told, watched } from './watching.ts';

const KEEPS = { heartbeatMs: 5, bookmarkMs: 5 };
/** Of what is awaited only that it comes is of interest, not how soon. */
const PATIENT = { timeout: 20_000 };
const BOOKMARKS = 'allowWatchBookmarks=true';

/** A command that makes the next line of a claim so many bytes long. */
function grow(name: string, bytes: number): Command {
  const metadata = { annotations: { large: 'x'.repeat(bytes) } };
  const command = { type: 'ChangeMetadata', kind: 'NetworkInterfaceClaim', name, expect: {} };
  return { ...command, metadata } as Command;
}

function connections(app: FastifyInstance): Promise<number> {
  return new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));
}

describe('a quiet watch', () => {
  test('is sent empty lines', async () => {
    const { run, watch } = await watched(KEEPS);
    const one = await watch(`${CLAIMS}?watch=1`);
    await expect.poll(() => one.text(), PATIENT).toMatch(/^\n\n\n+$/);
    await run(claim('a'));
    expect(told(await one.atLeast(1))).toEqual(['ADDED a']);
  });

  test('is told how far it has come, if it asks for that', async () => {
    const { run, watch, views } = await watched(KEEPS);
    const asked = await watch(`${CLAIMS}?watch=1&${BOOKMARKS}`);
    const unasked = await watch(`${CLAIMS}?watch=1&allowWatchBookmarks=false`);
    await run({ type: 'CreateNamespace', metadata: {} }, 'beta');
    const { position } = views;
    await expect
      .poll(() => asked.lines.at(-1), PATIENT)
      .toEqual({
        type: 'BOOKMARK',
        object: {
          kind: 'NetworkInterfaceClaim',
          apiVersion: 'networking.datumapis.com/v1alpha',
          metadata: { resourceVersion: String(position) },
        },
      });
    await asked.atLeast(asked.lines.length + 3);
    expect(unasked.lines).toEqual([]);
    const next = await watch(`${CLAIMS}?watch=1&resourceVersion=${position}`);
    await run(claim('a'));
    expect(told(await next.atLeast(1))).toEqual(['ADDED a']);
  });
});

describe('a watch ends', () => {
  test('in order after its time, with a bookmark if it asks for that', async () => {
    const { run, watch } = await watched();
    await run(claim('a'));
    const asked = await watch(`${CLAIMS}?watch=1&${BOOKMARKS}&timeoutSeconds=1`);
    const unasked = await watch(`${CLAIMS}?watch=1&timeoutSeconds=1`);
    expect([await asked.ended, await unasked.ended]).toEqual([true, true]);
    expect(told(asked.lines)).toEqual(['ADDED a', 'BOOKMARK']);
    expect(told(unasked.lines)).toEqual(['ADDED a']);
  });

  test.each([
    ['', 0, limits.watchMsMin],
    ['', 0.5, (limits.watchMsMin + limits.watchMsMax) / 2],
    ['0', 0, limits.watchMsMin],
    ['90', 0, 90_000],
    ['999999999999', 0, limits.watchMsMax],
  ])('after the time that is asked for, within bounds: %s', (timeoutSeconds, random, lastsMs) => {
    const [kind, http] = [
      { kind: 'Network', namespaced: true },
      { query: { timeoutSeconds }, headers: {}, grant: {} },
    ];
    const deps = { views: { position: 1n }, random: () => random };
    const read = readWatchRequest(deps as never, kind as never, undefined, http as never);
    expect(read.lastsMs).toBe(lastsMs);
  });

  test('in order when the server shuts down, after the last event', async () => {
    const { app, run, watch } = await watched();
    const paths = [`${CLAIMS}?watch=1`, `${NICS}?watch=1&${BOOKMARKS}`, `${LOCATIONS}?watch=1`];
    const watches = await Promise.all(paths.map((path) => watch(path)));
    await run(claim('a'));
    await app.close();
    expect(await Promise.all(watches.map(({ ended }) => ended))).toEqual([true, true, true]);
    const lines = watches.map((one) => told(one.lines));
    expect(lines).toEqual([['ADDED a'], ['ADDED a', 'BOOKMARK'], ['ADDED us']]);
  });

  test('with its connection when nobody reads its end', async () => {
    const { app, run, url } = await watched({ endMsMax: 10, bufferedBytesMax: 1e9 });
    const { response } = await request(`${url}${CLAIMS}?watch=1&timeoutSeconds=1`);
    response.on('error', () => {});
    await run(claim('a'));
    for (let i = 0; i < 200; i += 1) await run(grow('a', 200_000 + i));
    await expect.poll(() => connections(app), PATIENT).toBe(0);
  });

  test('with the connection: it follows nothing any more', async () => {
    const { app, views, watch } = await watched(KEEPS);
    const stop = vi.fn();
    vi.spyOn(views.changes('NetworkInterfaceClaim'), 'follow').mockReturnValue(stop);
    const one = await watch(`${CLAIMS}?watch=1&${BOOKMARKS}`);
    await one.atLeast(1);
    expect(stop).not.toHaveBeenCalled();
    one.stop();
    await expect.poll(() => connections(app), PATIENT).toBe(0);
    expect(stop).toHaveBeenCalledOnce();
  });

  test('and leaves no timer', () => {
    vi.useFakeTimers();
    const response = Object.assign(new EventEmitter(), {
      ...{ writeHead: () => {}, flushHeaders: () => {}, end: () => {}, socket: null },
    });
    const onClose = vi.fn();
    const options = { heartbeatMs: 1, bookmarkMs: 1, lastsMs: 1, endMsMax: 1, onClose };
    const stream = new WatchStream(response as never, options as never);
    expect(vi.getTimerCount()).toBe(3);
    stream.end();
    expect(vi.getTimerCount()).toBe(4);
    response.emit('close');
    expect([vi.getTimerCount(), onClose.mock.calls.length]).toEqual([0, 1]);
    vi.useRealTimers();
  });
});

test('a watch that comes during the shutdown is sent elsewhere', () => {
  const watchers = new Watchers({});
  watchers.requireRoom('me');
  watchers.close();
  const refusal = expect.objectContaining({ code: 503, headers: { 'retry-after': '5' } });
  expect(() => watchers.requireRoom('me')).toThrow(refusal);
});

describe('a watch that leaves too much unread', () => {
  test('is cut off, and nobody else notices', async () => {
    const { run, watch, url, logged } = await watched({ bufferedBytesMax: 1024 * 1024 });
    await run(claim('a'));
    const unread = await request(`${url}${CLAIMS}?watch=1`);
    const failed = new Promise((resolve) => unread.response.on('error', resolve));
    const reader = await watch(`${CLAIMS}?watch=1`);
    const wasCut = () => logged.some((line) => line.includes('was cut off'));
    let count = 1;
    while (!wasCut() && count < 400) {
      await run(grow('a', 200_000 + count));
      count += 1;
      await reader.atLeast(count);
    }
    expect(wasCut()).toBe(true);
    unread.response.resume();
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    await run(deleteClaim('a'));
    const lines = await reader.atLeast(count + 1);
    expect(lines).toHaveLength(count + 1);
    expect(lines.at(-1)?.type).toBe('DELETED');
  });

  test('is cut off when it does not read what was before it', async () => {
    const { run, url, logged } = await watched({ stuckMsMax: 50, chunkBytesMax: 1_000 });
    await run(claim('a'));
    for (let i = 0; i < 200; i += 1) await run(grow('a', 200_000 + i));
    const unread = await request(`${url}${CLAIMS}?watch=1&resourceVersion=1`);
    unread.response.on('error', () => {});
    await expect.poll(() => logged.join(''), PATIENT).toContain('was cut off');
  });

  test('is not cut off for what was there before it', async () => {
    const bounds = { bufferedBytesMax: 64 * 1024, chunkBytesMax: 16 * 1024 };
    const { run, watch } = await watched(bounds);
    const names = Array.from({ length: 6 }, (_, i) => `c${i}`);
    for (const name of names) {
      await run(claim(name));
      for (let i = 0; i < 5; i += 1) await run(grow(name, 60_000 + i));
    }
    const present = await watch(`${CLAIMS}?watch=1&${INITIAL}`);
    const past = await watch(`${CLAIMS}?watch=1&resourceVersion=1`);
    expect(told(await present.atLeast(7))).toEqual([
      ...names.map((name) => `ADDED ${name}`),
      'BOOKMARK',
    ]);
    expect(await past.atLeast(36)).toHaveLength(36);
  });
});

describe('many watches', () => {
  test('of the same objects are sent the same bytes, made once', async () => {
    const { run, watch } = await watched();
    const watches = await Promise.all(
      Array.from({ length: 200 }, () => watch(`${CLAIMS}?watch=1`)),
    );
    const stringify = vi.spyOn(JSON, 'stringify');
    await run(claim('a'));
    await run(labels('a', { app: 'x' }));
    for (const one of watches) await one.atLeast(2);
    const made = stringify.mock.calls.filter(
      // What an event says of an object has its kind, too.
      ([value]) => {
        const { kind, apiVersion } = (value ?? {}) as Partial<KubeObject>;
        return kind === 'NetworkInterfaceClaim' && apiVersion !== undefined;
      },
    );
    stringify.mockRestore();
    // Once for each: rows, answers and watches have the same text.
    expect(made).toHaveLength(2);
    const [first] = watches as [(typeof watches)[0]];
    expect(told(first.lines)).toEqual(['ADDED a', 'MODIFIED a']);
    expect(new Set(watches.map((one) => one.text())).size).toBe(1);
  });

  test('share the lines of the last changes', () => {
    const object = { metadata: { name: 'a', resourceVersion: '1' } } as KubeObject;
    const change = (n: number) => ({
      ...{ position: BigInt(n), namespace: '', name: 'a', before: object, after: object },
    });
    const form = (key: string) => ({ key, one: () => `"${key}"` }) as unknown as Form;
    const [whole, rows] = [form('whole'), form('rows')];
    const lines = new WatchLines(2);
    const [one, two, three] = [change(1), change(2), change(3)];
    const first = lines.of(one, undefined, whole);
    expect(lines.of(one, undefined, form('whole'))).toBe(first);
    expect(lines.of(one, undefined, rows)?.toString()).toContain('"rows"');
    expect(lines.of(one, undefined, rows)).toBe(lines.of(one, undefined, rows));
    expect(lines.of(two, () => true, whole)).toBe(lines.of(two, undefined, whole));
    expect(lines.of(one, () => false, whole)).toBeUndefined();
    lines.of(three, undefined, whole);
    expect(lines.of(one, undefined, whole)).not.toBe(first);
    expect(lines.of(one, undefined, whole)).toEqual(first);
  });
});
