import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { loopbackOnly } from '../../../src/http/auth/authenticator.ts';
import {
  AUTHENTICATED,
  enforcePermissions,
  type RouteAccess,
} from '../../../src/http/auth/enforce.ts';
import { PERMISSIONS, type Permission, VERBS } from '../../../src/http/auth/permissions.ts';
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

test('every route answers every role as the table says, and nobody else', async () => {
  const world = await guarded();
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
