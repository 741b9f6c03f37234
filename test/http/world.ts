import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { loopbackOnly } from '../../src/http/auth/authenticator.ts';
import { buildServer, type HttpDeps } from '../../src/http/server.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Views } from '../../src/views/views.ts';
import { FakeLedger } from './fake-ledger.ts';

export const GROUP = '/apis/networking.datumapis.com/v1alpha';
export const ALPHA = `${GROUP}/namespaces/alpha`;
export const CLAIMS = `${ALPHA}/networkinterfaceclaims`;
export const NETWORKS = `${ALPHA}/networks`;
export const INTERFACES = `${ALPHA}/networkinterfaces`;
export const CONTEXTS = `${ALPHA}/networkcontexts`;
export const LOCATIONS = `${GROUP}/locations`;
export const NAMESPACES = '/api/v1/namespaces';
export const NOW = '2026-03-02T08:00:00Z';
export const MERGE_PATCH = 'application/merge-patch+json';

/** An answer as tests look at it. */
export interface Seen {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
  readonly text: string;
}

export interface World {
  readonly app: FastifyInstance;
  readonly ledger: FakeLedger;
  readonly logged: string[];
  request(method: string, url: string, body?: unknown, headers?: object): Promise<Seen>;
  get(url: string, headers?: object): Promise<Seen>;
  post(url: string, body: unknown, headers?: object): Promise<Seen>;
  put(url: string, body: unknown, headers?: object): Promise<Seen>;
  patch(url: string, body: unknown, headers?: object): Promise<Seen>;
  delete(url: string, body?: unknown, headers?: object): Promise<Seen>;
}

const open: FastifyInstance[] = [];
afterAll(async () => {
  for (const app of open.splice(0)) await app.close();
});

interface Backing {
  readonly ledger: FakeLedger;
  readonly logged: string[];
}

/** A server over whatever `backing` gives at the time of a request. */
function serverOver(backing: () => Backing, changes: Partial<HttpDeps>): FastifyInstance {
  let ids = 0;
  const views = new Proxy({} as Views, {
    get: (_target, key) => {
      const views = backing().ledger.views;
      const member = Reflect.get(views, key, views);
      return typeof member === 'function' ? member.bind(views) : member;
    },
  });
  const app = buildServer({
    ledger: {
      project: (name, command, request) => backing().ledger.project(name, command, request),
      platform: (command, request) => backing().ledger.platform(command, request),
      authoredPool: (command, request) => backing().ledger.authoredPool(command, request),
      ready: () => backing().ledger.ready(),
    },
    views,
    clock: () => new Date(NOW),
    newId: () => {
      ids += 1;
      return uuidOf('test', ids);
    },
    random: () => 0.5,
    store: new MemoryStore({ clock: () => new Date(NOW) }),
    logger: pino({ level: 'warn' }, { write: (line: string) => backing().logged.push(line) }),
    defaultLocation: undefined,
    version: '0.0.0',
    authenticator: loopbackOnly,
    ...changes,
  });
  open.push(app);
  return app;
}

/** Building a server takes longer than most tests: those that change nothing share one. */
let shared: FastifyInstance | undefined;
let current: Backing | undefined;

/**
 * A server over a fake ledger in which the namespace `alpha` exists. One that is given changes,
 * even none, is a server of its own.
 */
export function world(changes?: Partial<HttpDeps>): World {
  const own: Backing = { ledger: new FakeLedger(), logged: [] };
  const { ledger, logged } = own;
  ledger.put('Namespace', '', 'alpha');
  shared ??= serverOver(() => current ?? own, {});
  const app = changes === undefined ? shared : serverOver(() => own, changes);
  const request = async (method: string, url: string, body?: unknown, headers: object = {}) => {
    current = own;
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const options = {
      method: method as 'GET',
      url,
      headers: { host: 'localhost', ...headers },
      ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
    } as InjectOptions;
    const { statusCode, headers: answered, body: text } = await app.inject(options);
    const isJson = String(answered['content-type']).startsWith('application/json') && text !== '';
    return { code: statusCode, headers: answered, body: isJson ? JSON.parse(text) : text, text };
  };
  const json = { 'content-type': 'application/json' };
  return {
    app,
    ledger,
    logged,
    request,
    get: (url, headers) => request('GET', url, undefined, headers),
    post: (url, body, headers) => request('POST', url, body, { ...json, ...headers }),
    put: (url, body, headers) => request('PUT', url, body, { ...json, ...headers }),
    patch: (url, body, headers) =>
      request('PATCH', url, body, { 'content-type': MERGE_PATCH, ...headers }),
    delete: (url, body, headers) =>
      request('DELETE', url, body, { ...(body === undefined ? {} : json), ...headers }),
  };
}

/** A claim's body with the fields that are required; `spec` replaces or adds. */
export function claim(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'networking.datumapis.com/v1alpha',
    kind: 'NetworkInterfaceClaim',
    metadata: { name, ...metadata },
    spec: { network: { name: 'net-a' }, location: { name: 'dfw' }, ...spec },
  };
}

export function network(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'networking.datumapis.com/v1alpha',
    kind: 'Network',
    metadata: { name, ...metadata },
    spec,
  };
}

export function location(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'networking.datumapis.com/v1alpha',
    kind: 'Location',
    metadata: { name, ...metadata },
    spec,
  };
}
