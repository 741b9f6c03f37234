import type { Role } from '../../security/identity.ts';

/** What is done to a resource, in the words of Kubernetes; of a path, the method in lower case. */
export const VERBS = [
  ...(['get', 'list', 'watch', 'create', 'update', 'patch'] as const),
  ...(['delete', 'deletecollection', 'post', 'put'] as const),
];
export type Verb = (typeof VERBS)[number];

export interface Permission {
  readonly role: Role;
  /** `plural.group`, with `/status` for that alone, or a path; `*` is every one that there is. */
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** Everything, or only what belongs to the projects or locations of whoever asks. */
  readonly within: 'everything' | 'projects' | 'locations';
  /** The fields of metadata that a write may change; every one where this is absent. */
  readonly metadataFields?: readonly string[];
}

const READ: readonly Verb[] = ['get', 'list', 'watch'];

const TELL: readonly Verb[] = ['create', 'update', 'patch'];

const networking = (plural: string) => `${plural}.networking.datumapis.com`;
const ipam = (plural: string) => `${plural}.ipam.miloapis.com`;

const EVENTS = ['events', 'events.events.k8s.io'];
const CLAIMS = [networking('networkinterfaceclaims'), ipam('ipclaims')];
const INTERFACES = networking('networkinterfaces');

/**
 * Who may do what. What no row allows is refused. Rows of one role for the same resource and verb
 * do not overlap: the first one that fits decides.
 */
export const PERMISSIONS: readonly Permission[] = [
  { role: 'operator', resources: ['*'], verbs: VERBS, within: 'everything' },

  { role: 'auditor', resources: ['*'], verbs: READ, within: 'everything' },

  // Compute writes claims, and reads what it needs to know of them.
  { role: 'compute', resources: CLAIMS, verbs: VERBS, within: 'projects' },
  {
    role: 'compute',
    resources: [
      ...[INTERFACES, `${INTERFACES}/status`, networking('networks')],
      ...[networking('networkcontexts'), ipam('ipallocations')],
    ],
    verbs: READ,
    within: 'projects',
  },
  { role: 'compute', resources: ['namespaces'], verbs: ['get'], within: 'projects' },
  // What was decided, told to people; controllers say something of their objects, too.
  { role: 'compute', resources: EVENTS, verbs: [...READ, ...TELL], within: 'projects' },
  {
    role: 'compute',
    resources: ['/ledger/v1/claims:batch'],
    verbs: ['post'],
    within: 'projects',
  },
  { role: 'compute', resources: ['/ledger/v1/events'], verbs: ['get'], within: 'projects' },

  // A provider follows the interfaces of its locations, reports on them and keeps them until they
  // are torn down.
  { role: 'provider', resources: [INTERFACES], verbs: READ, within: 'locations' },
  {
    role: 'provider',
    resources: [INTERFACES],
    verbs: ['update', 'patch'],
    within: 'locations',
    metadataFields: ['finalizers', 'annotations'],
  },
  {
    role: 'provider',
    resources: [`${INTERFACES}/status`],
    verbs: ['get', 'update', 'patch'],
    within: 'locations',
  },
  { role: 'provider', resources: EVENTS, verbs: TELL, within: 'locations' },
  { role: 'provider', resources: ['/ledger/v1/events'], verbs: ['get'], within: 'projects' },
];
