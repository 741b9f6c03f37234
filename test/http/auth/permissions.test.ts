import Fastify, { type RouteOptions } from 'fastify';
import { expect, test } from 'vitest';
import { loopbackOnly } from '../../../src/http/auth/authenticator.ts';
import {
  AUTHENTICATED,
  enforcePermissions,
  type RouteAccess,
} from '../../../src/http/auth/enforce.ts';
import {
  PERMISSIONS,
  type Permission,
  VERBS,
  type Verb,
} from '../../../src/http/auth/permissions.ts';
import { ROLES, type Role } from '../../../src/security/identity.ts';
import { guarded, populate } from './guarded.ts';

type Rule = Exclude<RouteAccess, string>;

/** The rows as a person reads them: which of a role's rows are about this? */
function rowsFor(role: Role, { verb, resource }: Rule): readonly Permission[] {
  return PERMISSIONS.filter(
    (row) =>
      row.role === role &&
      row.verbs.includes(verb) &&
      (row.resources.includes('*') || row.resources.includes(resource)),
  );
}

/** A path of a route's pattern, of a project's object that does not exist. */
function pathIn(url: string, project: string): string {
  const name = url.endsWith('/namespaces/:name') ? project : 'nothing';
  return url.replace(':namespace', project).replace(':name', name).replace('::', ':');
}

/** What a method does to the resource of a path, as Kubernetes understands it. */
const VERB_OF: Readonly<Record<string, readonly [ofOne: Verb, ofAll: Verb]>> = {
  GET: ['get', 'list'],
  HEAD: ['get', 'list'],
  POST: ['create', 'create'],
  PUT: ['update', 'update'],
  PATCH: ['patch', 'patch'],
  DELETE: ['delete', 'deletecollection'],
};

/** What a route has to ask for, by its path and method; undefined where that is no resource. */
function ruleOf(url: string, method: string): Rule | undefined {
  const path = /^\/(?:api|apis\/([^/]+))\/[^/]+\/(?:namespaces\/:namespace\/)?(.+)$/.exec(url);
  if (path === null) return undefined;
  const [plural = '', name, subresource] = (path[2] ?? '').split('/');
  const group = path[1] === undefined ? '' : `.${path[1]}`;
  const verb = VERB_OF[method]?.[name === undefined ? 1 : 0];
  if (verb === undefined) return undefined;
  return { verb, resource: plural + group + (subresource ? `/${subresource}` : '') };
}

/** Paths that everybody may use who is known: what is served, and what one may do oneself. */
const OF_EVERYBODY = new RegExp(
  [
    '^/(openapi.json|openapi/.*|version|apis?|api/v1|apis/[^/]+(/[^/]+)?',
    'apis/auth.*reviews|apis/apiextensions.k8s.io/v1/customresourcedefinitions)$',
  ].join('|'),
);

test('every route asks for what its path and method are', async () => {
  const { routes } = await guarded({ metrics: async () => '' });
  let resources = 0;
  for (const { url, method, config } of routes) {
    for (const one of [method].flat()) {
      const access = config?.access;
      const rule = ruleOf(url, one);
      if (access === 'anyone') expect(url).toMatch(/^\/(healthz|readyz)$/);
      else if (access === 'authenticated') {
        // All other methods of a path are answered to everybody: with the ones that there are.
        if (!OF_EVERYBODY.test(url)) expect(routes.filter(isServed(url, one))).toEqual([]);
      } else if (rule === undefined) {
        const verb = one === 'HEAD' ? 'get' : one.toLowerCase();
        const resource = url.replace(/\/:(\w+)$/, '/{$1}').replace('::', ':');
        expect([url, access]).toEqual([url, { verb, resource }]);
      } else {
        resources += 1;
        expect([one, url, access]).toMatchObject([one, url, rule]);
      }
    }
  }
  expect(resources).toBeGreaterThan(60);
});

/** Whether a route does something under a method of a path, rather than refuse that method. */
function isServed(url: string, method: string) {
  return (route: RouteOptions) =>
    route.url === url && [route.method].flat().includes(method) && !route.schema?.hide;
}

test('every route answers every role as the table says, and nobody else', async () => {
  const world = await guarded({ metrics: async () => '' });
  await populate(world, ['mine', 'foreign']);
  const mine = [world.generation('mine')];
  const callers = ROLES.map((role) => ({
    role,
    caller: world.be(role, { role, projects: mine, locations: ['dfw'] }),
  }));
  const stranger = world.be('stranger', {});
  stranger.end();
  let refused = 0;
  for (const { url, method, config } of world.routes) {
    const access = config?.access;
    expect([url, method, access]).not.toContain(undefined);
    for (const one of [method].flat()) {
      const path = pathIn(url, 'mine');
      const unknown = await stranger.send(one, path);
      expect([one, url, unknown.code === 401]).toEqual([one, url, access !== 'anyone']);
      if (access === undefined || typeof access === 'string') continue;
      for (const { role, caller } of callers) {
        const rows = rowsFor(role, access);
        // Nothing may be done in earnest here, and a feed has to end.
        const query = url === '/ledger/v1/events' ? '?follow=false' : '?dryRun=All';
        const ask = (project: string) => caller.send(one, pathIn(url, project) + query);
        const own = await ask('mine');
        const isOfAll = rows[0]?.within === 'projects' && !/:name|^.ledger/.test(url);
        const isAllowed = rows.length > 0 && !isOfAll;
        expect([role, one, url, own.code !== 403]).toEqual([role, one, url, isAllowed]);
        if (rows[0]?.within === 'projects' && !url.startsWith('/ledger')) {
          expect([role, one, url, (await ask('foreign')).code]).toEqual([role, one, url, 403]);
          expect([role, one, url, (await ask('absent')).code]).toEqual([role, one, url, 403]);
        }
        if (!isAllowed) refused += 1;
        if (access.verb !== 'list' || rowsFor(role, { ...access, verb: 'watch' }).length > 0)
          continue;
        const watch = await caller.send(one, `${path}?watch=1`);
        expect([role, one, url, watch.code]).toEqual([role, one, url, 403]);
      }
    }
  }
  expect(refused).toBeGreaterThan(50);
});

test('rows of one role do not overlap', () => {
  for (const role of ROLES) {
    const resources = new Set(PERMISSIONS.flatMap((row) => row.resources));
    for (const resource of resources) {
      for (const verb of VERBS) {
        const rows = rowsFor(role, { verb, resource });
        expect([role, verb, resource, rows.length > 1]).toEqual([role, verb, resource, false]);
      }
    }
  }
});

test('nobody but operators and auditors reads what belongs to no project', async () => {
  const world = await guarded();
  await populate(world, ['mine']);
  const own = { projects: [world.generation('mine')], locations: ['dfw'] };
  for (const role of ['compute', 'provider'] as const) {
    const caller = world.be(role, { role, ...own });
    for (const path of [
      '/apis/networking.datumapis.com/v1alpha/locations',
      '/apis/networking.datumapis.com/v1alpha/locations/dfw',
      '/apis/ipam.miloapis.com/v1alpha1/ipclasses',
      '/apis/ipam.miloapis.com/v1alpha1/ippools',
      '/api/v1/namespaces',
    ]) {
      const { code, body } = await caller.get(path);
      expect([role, path, code, body.reason]).toEqual([role, path, 403, 'Forbidden']);
    }
  }
});

test('a route that states no permission is refused, to operators too', async () => {
  const app = Fastify();
  enforcePermissions(app, { authenticator: loopbackOnly } as never, {} as never);
  app.get('/bare', () => 'never');
  app.get('/stated', AUTHENTICATED, () => 'fine');
  const ask = async (url: string) => (await app.inject({ url, headers: { host: '[::1]' } })).body;
  expect(await ask('/stated')).toBe('fine');
  expect(await ask('/bare')).toContain('no permission is stated for this route');
});
