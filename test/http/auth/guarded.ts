import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { onTestFinished } from 'vitest';
import { bearerTokens } from '../../../src/http/auth/authenticator.ts';
import { buildServer, type HttpDeps } from '../../../src/http/server.ts';
import type { Identity } from '../../../src/security/identity.ts';
import { type LivingWorld, livingWorld } from '../../views/living-world.ts';
import { livingDeps } from '../living-deps.ts';
import { GROUP, location, MERGE_PATCH, NAMESPACES, network } from '../world.ts';

export interface Answer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
}

export interface Follower {
  readonly lines: string[];
  readonly response: IncomingMessage;
  /** Whether the answer was ended in order. */
  readonly ended: Promise<boolean>;
}

export interface Guarded extends LivingWorld {
  readonly app: FastifyInstance;
  readonly routes: readonly RouteOptions[];
  /** A caller with an identity; its name is its token. */
  be(name: string, identity: Partial<Identity>): Caller;
  /** A caller with a token that the test has from elsewhere. */
  bearing(token: string): Caller;
  readonly operator: Caller;
  /** The present generation of a project. */
  generation(project: string): { readonly name: string; readonly uid: string };
}

export interface Caller {
  send(method: string, url: string, body?: unknown, headers?: object): Promise<Answer>;
  get(url: string): Promise<Answer>;
  post(url: string, body: unknown): Promise<Answer>;
  follow(url: string): Promise<Follower>;
  /** Ends the identity, as a revocation does. */
  end(): void;
}

export const pathsOf = (project: string, plural: string, name?: string) =>
  `${GROUP}/namespaces/${project}/${plural}${name === undefined ? '' : `/${name}`}`;

/** A server over a ledger in memory, whose callers have the identities that a test gives them. */
export async function guarded(
  changes: Partial<HttpDeps> = {},
  find: (token: string) => Identity | undefined = () => undefined,
): Promise<Guarded> {
  const world = await livingWorld();
  const identities = new Map<string, Identity>();
  const app = buildServer({
    ...livingDeps(world),
    authenticator: bearerTokens((token) => identities.get(token) ?? find(token)),
    ...changes,
  });
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  await app.ready();
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  const be = (name: string, given: Partial<Identity>) => {
    const handlers = new Set<() => void>();
    identities.set(name, {
      ...{ issuer: 'test', subject: name, role: 'compute', projects: [], locations: [] },
      whenEnded: (handler) => {
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
      ...given,
    });
    const end = () => {
      identities.delete(name);
      for (const handler of handlers) handler();
    };
    return callerOf(app, name, end);
  };
  const generation = (name: string) => ({
    name,
    uid: world.views.get('Namespace', '', name)?.object.metadata.uid ?? 'none',
  });
  const bearing = (token: string) => callerOf(app, token, () => {});
  const operator = be('op', { role: 'operator' });
  return { ...world, app, routes, be, bearing, generation, operator };
}

function callerOf(app: FastifyInstance, token: string, end: () => void): Caller {
  const authorization = `Bearer ${token}`;
  const send = async (method: string, url: string, body?: unknown, headers: object = {}) => {
    const type = method === 'PATCH' ? MERGE_PATCH : 'application/json';
    const answer = await app.inject({
      ...{ method: method as 'GET', url },
      headers: { authorization, 'content-type': type, ...headers },
      ...(body === undefined
        ? {}
        : { payload: Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
    });
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    const text = answer.body;
    return { code: answer.statusCode, body: isJson && text !== '' ? JSON.parse(text) : text };
  };
  return {
    ...{ send, end },
    get: (url) => send('GET', url),
    post: (url, body) => send('POST', url, body),
    follow: async (url) => {
      if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = app.server.address() as AddressInfo;
      return open(`http://127.0.0.1:${port}${url}`, authorization);
    },
  };
}

function open(url: string, authorization: string): Promise<Follower> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent: false, headers: { authorization } }, (response) => {
      const lines: string[] = [];
      let rest = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        const whole = (rest + part).split('\n');
        rest = whole.pop() ?? '';
        lines.push(...whole.filter((line) => line !== ''));
      });
      response.on('error', () => {});
      const ended = new Promise<boolean>((done) => {
        response.on('close', () => done(response.complete));
      });
      onTestFinished(() => void sent.destroy());
      resolve({ lines, response, ended });
    });
    sent.on('error', reject);
  });
}

/** A location, and projects with a network each. */
export async function populate({ operator }: Guarded, projects: readonly string[]): Promise<void> {
  for (const name of ['dfw', 'lhr']) await operator.post(`${GROUP}/locations`, location(name));
  for (const project of projects) {
    await operator.post(NAMESPACES, { metadata: { name: project } });
    const dual = network('net-a', { ipFamilies: ['IPv6', 'IPv4'] });
    await operator.post(pathsOf(project, 'networks'), dual);
  }
}
