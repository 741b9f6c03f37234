import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { loopbackOnly } from '../../src/http/auth/authenticator.ts';
import type { WatchBounds } from '../../src/http/deps.ts';
import { buildServer } from '../../src/http/server.ts';
import { type LivingWorld, livingWorld, settle } from '../views/living-world.ts';
import { livingDeps, loggerTo } from './living-deps.ts';
import { GROUP } from './world.ts';

export const CLAIMS = `${GROUP}/namespaces/alpha/networkinterfaceclaims`;
export const NICS = `${GROUP}/namespaces/alpha/networkinterfaces`;
export const LOCATIONS = `${GROUP}/locations`;
export const INITIAL = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';

type Headers = Readonly<Record<string, string>>;

/** One line of a watch. */
export interface Line {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind.
  readonly object: any;
}

export interface Watch {
  readonly response: IncomingMessage;
  readonly lines: Line[];
  /** Everything that came, as it came. */
  text(): string;
  /** So many lines at least, from the first on. */
  atLeast(count: number): Promise<Line[]>;
  /** Resolves when the answer has ended: with whether it ended in order. */
  readonly ended: Promise<boolean>;
  stop(): void;
}

export interface Watched extends LivingWorld {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly logged: string[];
  watch(path: string, headers?: Headers): Promise<Watch>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  list(path: string, headers?: Headers): Promise<any>;
}

/** A server that listens, over a ledger in memory with a project, a network and a location. */
export async function watched(
  bounds: Partial<WatchBounds> = {},
  options: Parameters<typeof livingWorld>[0] = {},
): Promise<Watched> {
  const world = await livingWorld(options);
  const logged: string[] = [];
  const app = buildServer({
    ...livingDeps(world),
    logger: loggerTo(logged, 'info'),
    authenticator: loopbackOnly,
    watch: bounds,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const watches: Watch[] = [];
  onTestFinished(async () => {
    for (const watch of watches) watch.stop();
    await app.close();
    await world.close();
  });
  await settle(world);
  const watch = async (path: string, headers?: Headers) => {
    const one = await open(url + path, headers);
    watches.push(one);
    return one;
  };
  const list = async (path: string, headers: Headers = {}) =>
    (await fetch(url + path, { headers })).json();
  return { ...world, app, url, logged, watch, list };
}

/** Opens a watch; its answer is read from the first line on. */
async function open(url: string, headers?: Headers): Promise<Watch> {
  const { response, stop } = await request(url, headers);
  const lines: Line[] = [];
  let text = '';
  let rest = '';
  let look = () => {};
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    text += part;
    const whole = (rest + part).split('\n');
    rest = whole.pop() ?? '';
    lines.push(...whole.filter((line) => line !== '').map((line) => JSON.parse(line)));
    look();
  });
  const ended = new Promise<boolean>((resolve) => {
    response.on('end', () => resolve(response.complete));
    response.on('error', () => resolve(false));
  });
  const atLeast = async (count: number) => {
    while (lines.length < count) {
      const more = new Promise<void>((resolve) => {
        look = resolve;
      });
      const isOver = await Promise.race([more, ended]);
      if (isOver !== undefined && lines.length < count) {
        throw new Error(`the watch has ended after ${lines.length} lines`);
      }
    }
    return lines;
  };
  return { response, lines, text: () => text, atLeast, ended, stop };
}

/** A watch whose answer nobody reads. */
export function request(
  url: string,
  headers: Headers = {},
): Promise<{ response: IncomingMessage; stop: () => void }> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent: false, headers }, (response) => {
      resolve({ response, stop: () => sent.destroy() });
    });
    sent.on('error', reject);
  });
}

/** `TYPE name` of every line. */
export function told(lines: readonly Line[]): string[] {
  return lines.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());
}
