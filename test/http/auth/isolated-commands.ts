import fc from 'fast-check';
import { claim, network } from '../world.ts';
import { type Caller, pathsOf } from './guarded.ts';

const IPAM = '/apis/ipam.miloapis.com/v1alpha1';
const CLAIMS = 'networkinterfaceclaims';
const INTERFACES = 'networkinterfaces';

/** One request for a project, by who works in it or by an operator. */
export interface ProjectRequest {
  readonly by: 'compute' | 'operator';
  readonly method: string;
  readonly url: string;
  readonly body?: object;
  readonly headers?: object;
}

export function sendAs(
  callers: Readonly<Record<'compute' | 'operator', Caller>>,
  { by, method, url, body, headers }: ProjectRequest,
) {
  return callers[by].send(method, url, body, headers);
}

export const ipClaimsOf = (project: string, name?: string) =>
  `${IPAM}/namespaces/${project}/ipclaims${name === undefined ? '' : `/${name}`}`;

const scope = { network: 'net-a', location: 'dfw' };

/**
 * Requests that change a project in most of the ways that there are. All names begin with the
 * prefix; the addresses that are asked for by themselves are the project's own share of a pool.
 */
export function requestsIn(
  project: string,
  prefix: string,
  firstHost: number,
): fc.Arbitrary<ProjectRequest> {
  const names = fc.constantFrom('a', 'b', 'c').map((name) => prefix + name);
  const hosts = fc.nat(9).map((n) => `198.51.100.${firstHost + n}`);
  const send = (by: ProjectRequest['by'], method: string, url: string, body?: object) => ({
    ...{ by, method, url },
    ...(body && { body }),
  });
  const at = (plural: string, name?: string) => pathsOf(project, plural, name);
  const claimSpecs = fc.constantFrom(
    ...[{}, { ipFamilies: ['IPv6', 'IPv4'] }, { reclaimPolicy: 'Retain' }],
    ...[{ addresses: [{ class: 'public' }] }, { network: { name: 'absent' } }],
    ...[{ networkInterfaceName: `${prefix}b` }, { interfaceName: 'a/b' }],
  );
  const claims = fc.tuple(names, claimSpecs);
  const ipSpecs = fc.oneof(
    fc.constantFrom<object>({ className: 'public' }, { className: 'absent' }),
    fc.constant({ className: 'endpoint4', scope }),
    hosts.map((address) => ({ className: 'public', address })),
  );
  const made = claims.map(([name, spec]) => send('compute', 'POST', at(CLAIMS), claim(name, spec)));
  const keyed = fc.tuple(made, fc.constantFrom('one', 'two')).map(([request, key]) => ({
    ...request,
    headers: { 'idempotency-key': key },
  }));
  const batches = fc.array(claims, { minLength: 1, maxLength: 3 }).map((all) => {
    const items = all.map(([name, spec]) => ({
      create: claim(name, spec, { namespace: project }),
    }));
    const gone = { delete: { namespace: project, name: `${prefix}c` } };
    return send('compute', 'POST', '/ledger/v1/claims:batch', { items: [...items, gone] });
  });
  return fc.oneof(
    { weight: 5, arbitrary: fc.oneof(made, keyed) },
    { weight: 3, arbitrary: names.map((name) => send('compute', 'DELETE', at(CLAIMS, name))) },
    { weight: 2, arbitrary: batches },
    {
      weight: 3,
      arbitrary: fc
        .tuple(names, ipSpecs)
        .map(([name, spec]) =>
          send('compute', 'POST', ipClaimsOf(project), { metadata: { name }, spec }),
        ),
    },
    {
      weight: 2,
      arbitrary: names.map((name) => send('compute', 'DELETE', ipClaimsOf(project, name))),
    },
    {
      weight: 1,
      arbitrary: fc.constant(send('compute', 'DELETE', `${at(CLAIMS)}?labelSelector=app`)),
    },
    {
      weight: 2,
      arbitrary: names.map((name) => {
        const metadata = { labels: { app: `${prefix}web` } };
        return send('compute', 'PATCH', at(CLAIMS, name), { metadata });
      }),
    },
    { weight: 1, arbitrary: names.map((name) => send('operator', 'DELETE', at(INTERFACES, name))) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(names, fc.constantFrom([], ['example.com/a']))
        .map(([name, finalizers]) =>
          send('operator', 'PATCH', at(INTERFACES, name), { metadata: { finalizers } }),
        ),
    },
    {
      weight: 1,
      arbitrary: names.map((name) =>
        send('operator', 'PATCH', `${at(INTERFACES, name)}/status`, { status: { vpc: name } }),
      ),
    },
    {
      weight: 1,
      arbitrary: names.map((name) =>
        send('operator', 'POST', at('networks'), network(name, { ipFamilies: ['IPv4'] })),
      ),
    },
    { weight: 1, arbitrary: names.map((name) => send('operator', 'DELETE', at('networks', name))) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(1_400, 1_500)
        .map((mtu) => send('operator', 'PATCH', at('networks', 'net-a'), { spec: { mtu } })),
    },
  );
}
