import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { loopbackOnly } from '../../src/http/auth/authenticator.ts';
import type { FeedBounds, HttpDeps } from '../../src/http/deps.ts';
import { buildServer } from '../../src/http/server.ts';
import { type LivingWorld, livingWorld } from '../views/living-world.ts';
import { livingDeps, loggerTo } from './living-deps.ts';

/** A CloudEvent as it came. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into events of every type.
export type Came = any;

/** One answer of the feed. */
export interface Follower {
  readonly response: IncomingMessage;
  /** The events that have come whole. */
  readonly events: Came[];
  text(): string;
  /** Resolves when a condition on what has come holds. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves when the answer has ended: with whether it ended in order. */
  readonly ended: Promise<boolean>;
  kill(): void;
}

export interface Fed extends LivingWorld {
  readonly app: FastifyInstance;
  readonly logged: string[];
  readonly url: string;
  follow(query?: string, headers?: Record<string, string>): Promise<Follower>;
  /** The events of an answer that ends by itself. */
  whole(query: string, headers?: Record<string, string>): Promise<Came[]>;
}

/** A server that listens, over a ledger in memory. */
export async function fed(
  bounds: Partial<FeedBounds> = {},
  changes: (world: LivingWorld) => Partial<HttpDeps> = () => ({}),
): Promise<Fed> {
  const world = await livingWorld();
  const logged: string[] = [];
  const app = buildServer({
    ...livingDeps(world),
    logger: loggerTo(logged, 'warn'),
    authenticator: loopbackOnly,
    feed: bounds,
    ...changes(world),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const followers: Follower[] = [];
  onTestFinished(async () => {
    for (const follower of followers) follower.kill();
    await app.close();
    await world.close();
  });
  const follow = async (query = '', headers: Record<string, string> = {}) => {
    const one = await open(`${url}/ledger/v1/events${query}`, headers);
    followers.push(one);
    return one;
  };
  const whole = async (query: string, headers: Record<string, string> = {}) => {
    const one = await follow(query, headers);
    if (!(await one.ended)) throw new Error('the feed was cut');
    return one.events;
  };
  return { ...world, app, logged, url, follow, whole };
}

function open(url: string, headers: Record<string, string>): Promise<Follower> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, agent: false }, (response) => {
      resolve(followerOf(response));
    });
    request.on('error', reject);
  });
}

function followerOf(response: IncomingMessage): Follower {
  let text = '';
  let rest = '';
  const events: Came[] = [];
  const waiters = new Set<() => void>();
  const isSse = String(response.headers['content-type']).includes('event-stream');
  const take = (part: string) => {
    text += part;
    rest += part;
    const end = isSse ? '\n\n' : '\n';
    const whole = rest.split(end);
    rest = whole.pop() ?? '';
    for (const one of whole) {
      const json = isSse ? (one.split('\ndata: ')[1] ?? '') : one;
      if (json !== '') events.push(JSON.parse(json));
    }
    for (const waiter of waiters) waiter();
  };
  response
    .setEncoding('utf8')
    .on('data', take)
    .on('error', () => {});
  const ended = new Promise<boolean>((resolve) => {
    response.on('close', () => resolve(response.complete));
  });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const waiter = () => {
        if (!condition()) return;
        waiters.delete(waiter);
        resolve();
      };
      waiters.add(waiter);
      waiter();
    });
  return { response, events, text: () => text, until, ended, kill: () => response.destroy() };
}
