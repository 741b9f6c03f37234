import type { Kind } from './kind.ts';

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

/** `/api`: the versions of the core group. */
export function coreVersions() {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** `/apis`: the other groups. */
export function groupList(kinds: readonly Kind[]) {
  const groups = [...new Set(kinds.map(({ group }) => group))].filter((group) => group !== '');
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groups.map((group) => groupVersions(kinds, group)),
  };
}

/** `/apis/G`: one group. */
export function groupDocument(kinds: readonly Kind[], group: string) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupVersions(kinds, group) };
}

function groupVersions(kinds: readonly Kind[], group: string) {
  const own = kinds.filter((kind) => kind.group === group);
  const versions = [...new Set(own.map(({ version }) => version))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** `/apis/G/V` and `/api/v1`: the resources with the verbs that work. */
export function resourceList(kinds: readonly Kind[], apiVersion: string) {
  const own = kinds.filter((kind) => kind.apiVersion === apiVersion);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersion,
    resources: own.flatMap((kind) => [resource(kind), ...statusResource(kind)]),
  };
}

function resource(kind: Kind) {
  const { plural, singular, namespaced, shortNames } = kind;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(namespaced ? { categories: ['all'] } : {}),
    verbs: verbsOf(kind),
  };
}

function statusResource({ plural, namespaced, kind, hasStatus }: Kind) {
  if (!hasStatus) return [];
  const verbs = ['get', 'patch', 'update'];
  return [{ name: `${plural}/status`, singularName: '', namespaced, kind, verbs }];
}

function verbsOf({ writes }: Kind): string[] {
  if (writes === undefined) return ['get', 'list', 'watch'];
  if (writes.deletesOnly) return ['delete', 'get', 'list', 'watch'];
  const verbs = ['delete', 'get', 'list', 'patch', 'update', 'watch'];
  return writes.create === undefined ? verbs : ['create', ...verbs];
}
