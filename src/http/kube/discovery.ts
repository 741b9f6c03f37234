import type { Kind } from './kind.ts';
import { isKubeEvent } from './kinds/kube-events.ts';

/** What `/version` and the discovery endpoints tell clients: exactly what is served. */
const KUBERNETES_MINOR = 33;

/** Clients compare their own version with this one, so it names a recent Kubernetes. */
export function versionDocument(version: string) {
  return {
    major: '1',
    minor: String(KUBERNETES_MINOR),
    gitVersion: `v1.${KUBERNETES_MINOR}.0+netalloc-${version}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: '',
  };
}

/** A resource that is served, as discovery tells of it. */
export interface ServedResource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  /** The parts of an object that are written on their own. */
  readonly subresources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** A kind as discovery tells of it, with the verbs that work. */
export function resourceOfKind(kind: Kind): ServedResource {
  const status = { name: 'status', verbs: ['get', 'patch', 'update'] };
  return { ...kind, verbs: verbsOf(kind), subresources: kind.hasStatus ? [status] : [] };
}

function verbsOf(kind: Kind): string[] {
  const { writes } = kind;
  if (isKubeEvent(kind)) return ['create', 'get', 'list', 'patch', 'update', 'watch'];
  if (writes === undefined) return ['get', 'list', 'watch'];
  const { create, deletesOnly, deletesSingly } = writes;
  return [
    ...(create === undefined ? [] : ['create']),
    ...['delete', ...(deletesSingly ? [] : ['deletecollection']), 'get', 'list'],
    ...(deletesOnly ? ['watch'] : ['patch', 'update', 'watch']),
  ];
}

/** Where the resources of a version are found. */
export function rootOf({ group, version }: Pick<ServedResource, 'group' | 'version'>): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** `/api`: the versions of the core group. */
export function coreVersions() {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis`: the other groups. */
export function groupList(resources: readonly ServedResource[]) {
  const groups = namedGroups(resources).map((group) => groupVersions(resources, group));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/G`: one group. */
export function groupDocument(resources: readonly ServedResource[], group: string) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupVersions(resources, group) };
}

/** All groups but the core one, in the order in which their resources are listed. */
export function namedGroups(resources: readonly ServedResource[]): string[] {
  return unique(resources.map(({ group }) => group)).filter((group) => group !== '');
}

function groupVersions(resources: readonly ServedResource[], group: string) {
  const versions = versionsOf(resources, group).map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function versionsOf(resources: readonly ServedResource[], group: string): string[] {
  return unique(resources.filter((one) => one.group === group).map(({ version }) => version));
}

/** `/apis/G/V` and `/api/v1`: the resources of one version of a group. */
export function resourceList(
  resources: readonly ServedResource[],
  { group, version }: Pick<ServedResource, 'group' | 'version'>,
) {
  const own = resources.filter((one) => one.group === group && one.version === version);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: own.flatMap((one) => [listed(one), ...listedSubresources(one)]),
  };
}

function listed(resource: ServedResource) {
  const { plural, singular, namespaced, kind, verbs } = resource;
  const names = namesOf(resource);
  return { name: plural, singularName: singular, namespaced, kind, ...names, verbs };
}

function listedSubresources({ plural, namespaced, kind, subresources }: ServedResource) {
  return subresources.map(({ name, verbs }) => ({
    ...{ name: `${plural}/${name}`, singularName: '', namespaced, kind, verbs },
  }));
}

/** Other names by which a resource is found, alone and together with others. */
function namesOf({ shortNames, categories }: ServedResource) {
  return {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  };
}

/** The versions of aggregated discovery, which differ in nothing but their names. */
export const AGGREGATED_VERSIONS = ['v2', 'v2beta1'] as const;

/**
 * `/api` and `/apis` for clients that want all of it at once: groups, versions and resources.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
export function aggregatedDiscovery(
  resources: readonly ServedResource[],
  groups: readonly string[],
  version: (typeof AGGREGATED_VERSIONS)[number],
) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group },
      versions: versionsOf(resources, group).map((one) => ({
        version: one,
        resources: resources
          .filter((resource) => resource.group === group && resource.version === one)
          .map(aggregated),
        freshness: 'Current',
      })),
    })),
  };
}

function aggregated(resource: ServedResource) {
  const { group, version, plural, singular, kind, namespaced, verbs, subresources } = resource;
  const responseKind = { group, version, kind };
  const parts = subresources.map(({ name, verbs }) => ({ subresource: name, responseKind, verbs }));
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...namesOf(resource),
    ...(parts.length === 0 ? {} : { subresources: parts }),
  };
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
