import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Identity } from '../../security/identity.ts';
import { checked } from '../checked.ts';
import type { HttpDeps } from '../deps.ts';
import type { Freshness } from '../freshness.ts';
import { isWatch } from '../kube/watch-request.ts';
import { detailsOf, qualifiedResource, type Resource, StatusError, shown } from '../status.ts';
import { INSECURE_IDENTITY } from './authenticator.ts';
import { type Action, type Grant, grantFor, ownGrant } from './grant.ts';
import { refuseImpersonation } from './impersonation.ts';
import type { Verb } from './permissions.ts';
import { RequestRates } from './request-rates.ts';

/** Who may use a route: anyone, whoever has an identity, or those whom the table allows it. */
export type RouteAccess =
  | 'anyone'
  | 'authenticated'
  | { readonly verb: Verb; readonly resource: string; readonly of?: Resource };

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that does not say it is refused to everybody. */
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** The permission under which the request is carried out. */
    grant: Grant;
  }
}

/** The access of a route of a kind; `subresource` for one that is not about the whole object. */
export function kindAccess(verb: Verb, kind: Resource, subresource?: string) {
  const resource = qualifiedResource(kind) + (subresource === undefined ? '' : `/${subresource}`);
  return { config: { access: { verb, resource, of: kind } satisfies RouteAccess } };
}

/** The access of a route that is no resource. */
export function pathAccess(verb: Verb, path: string) {
  return { config: { access: { verb, resource: path } satisfies RouteAccess } };
}

/** What needs no permission but an identity: what is served, and what one may do. */
export const AUTHENTICATED = { config: { access: 'authenticated' } } as const;
export const ANYONE = { config: { access: 'anyone' } } as const;

/**
 * Lets a request in or refuses it, before anything of it but its head is read. What is refused for
 * a project that is not known here is looked at again with what other processes have written.
 */
export function enforcePermissions(
  app: FastifyInstance,
  deps: HttpDeps,
  freshness: Freshness,
): void {
  const { authenticator, views, clock } = deps;
  const rates = new RequestRates(deps.requestRate);
  app.decorateRequest('grant');
  const enforce = (request: FastifyRequest) => {
    authenticator.admit(request);
    const { access } = request.routeOptions.config;
    if (access === 'anyone') return undefined;
    const identity = authenticator.identify(request);
    refuseImpersonation(request, identity);
    if (identity !== INSECURE_IDENTITY) rates.take(identity, clock().getTime());
    if (request.is404) return undefined;
    const permit = () => {
      request.grant = grantOf(request, identity, access, views);
    };
    try {
      return permit();
    } catch (refusal) {
      const latest = identity.projects.length === 0 ? undefined : freshness.latest();
      if (latest === undefined) throw refusal;
      return latest.then(permit);
    }
  };
  app.addHook('onRequest', checked(enforce));
}

function grantOf(
  request: FastifyRequest,
  identity: Identity,
  access: RouteAccess | undefined,
  views: HttpDeps['views'],
): Grant {
  if (access === 'authenticated') return ownGrant(identity);
  if (access === undefined || access === 'anyone') {
    throw new StatusError('Forbidden', 'forbidden: no permission is stated for this route');
  }
  const { namespace, name } = request.params as Pick<Action, 'namespace' | 'name'>;
  const verb = access.verb === 'list' && isWatch(request) ? 'watch' : access.verb;
  const action = { verb, resource: access.resource, namespace, name };
  return requireGrant(identity, action, access.of, views);
}

/** The permission for an action, or the refusal of one that no row of the table allows. */
export function requireGrant(
  identity: Identity,
  action: Action,
  of: Resource | undefined,
  views: HttpDeps['views'],
): Grant {
  const grant = grantFor(identity, action, views);
  if (grant !== undefined) return grant;
  const who = `User ${JSON.stringify(identity.subject)} cannot ${action.verb}`;
  if (of === undefined) {
    throw new StatusError('Forbidden', `forbidden: ${who} path "${action.resource}"`);
  }
  const { namespace, name } = action;
  const [plural = ''] = action.resource.split('.', 1);
  const subresource = /\/.+$/.exec(action.resource)?.[0] ?? '';
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace "${shown(namespace)}"`;
  const what = `resource "${plural}${subresource}" in API group "${of.group}" ${where}`;
  const named = name === undefined ? '' : ` "${shown(name)}"`;
  const message = `${qualifiedResource(of)}${named} is forbidden: ${who} ${what}`;
  throw new StatusError('Forbidden', message, detailsOf(of, shown(name ?? '')));
}
