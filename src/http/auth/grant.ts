import type { Identity, ProjectGeneration } from '../../security/identity.ts';
import type { Position } from '../../store/store.ts';
import type { KubeObject, Views } from '../../views/views.ts';
import { PERMISSIONS, type Permission, type Verb } from './permissions.ts';

/** What somebody wants to do, and where. */
export interface Action {
  readonly verb: Verb;
  /** As the table of permissions names it. */
  readonly resource: string;
  /** Undefined for all namespaces, and where there are none. */
  readonly namespace?: string | undefined;
  /** Undefined for no certain object. */
  readonly name?: string | undefined;
}

type GenerationReads = Pick<Views, 'get' | 'getAt'>;

/** The permission for one request: who has it, and to which part of things it is limited. */
export interface Grant {
  readonly identity: Identity;
  readonly permission: Permission;
  /** The same for all grants that see the same part of a namespace's objects. */
  readonly part: string;
  /** Whether an object belongs to that part; undefined when all do. */
  readonly sees: ((object: KubeObject) => boolean) | undefined;
  /** Whether the part is still there: the life of a project may end while it is watched. */
  isPresent(): boolean;
  /** Whether the part was already there at a position: earlier things were somebody else's. */
  wasPresentAt(position: Position): boolean;
}

const always = () => true;

/** Whose a grant is, as one text. */
export function subjectOf({ identity: { issuer, subject } }: Pick<Grant, 'identity'>): string {
  return `${issuer} ${subject}`;
}

/** What an identity may do: undefined when no row of the table allows it. */
export function grantFor(
  identity: Identity,
  action: Action,
  views: GenerationReads,
): Grant | undefined {
  const permission = permissionFor(identity, action);
  if (permission === undefined) return undefined;
  const everything = { identity, permission, part: '', sees: undefined };
  if (permission.within === 'everything') {
    return { ...everything, isPresent: always, wasPresentAt: always };
  }
  if (permission.within === 'locations') {
    const locations = new Set(identity.locations);
    if (locations.size === 0) return undefined;
    const part = `locations ${[...locations].sort().join()}`;
    const sees = (object: KubeObject) => locations.has(locationOf(object));
    return { identity, permission, part, sees, isPresent: always, wasPresentAt: always };
  }
  const named = projectOf(action);
  if (named === undefined) {
    // Not about one project: each of the projects is looked at when its turn comes.
    if (action.resource[0] !== '/') return undefined;
    const isPresent = () => presentProjects(identity, views).length > 0;
    return isPresent() ? { ...everything, isPresent, wasPresentAt: always } : undefined;
  }
  const project = identity.projects.find(({ name }) => name === named);
  if (project === undefined || !isPresent(project, views)) return undefined;
  return {
    ...everything,
    part: `generation ${project.uid}`,
    isPresent: () => isPresent(project, views),
    wasPresentAt: (position) => isPresentAt(project, position, views),
  };
}

/**
 * Runs a handler once when a grant is no longer good: its token has ended, or the life of its
 * project. Gives the way to leave that.
 */
export function whenOver(
  { identity, permission, isPresent }: Grant,
  views: Pick<Views, 'changes'>,
  handler: () => void,
): () => void {
  const leaveIdentity = identity.whenEnded(handler);
  if (permission.within !== 'projects') return leaveIdentity;
  const leaveProject = views.changes('Namespace').follow(() => {
    if (!isPresent()) handler();
  });
  return () => {
    leaveIdentity();
    leaveProject();
  };
}

/** What everybody may do who is known: see what is served, and ask what one may do. */
export function ownGrant(identity: Identity): Grant {
  const { role } = identity;
  const permission: Permission = { role, resources: [], verbs: [], within: 'everything' };
  const whole = { part: '', sees: undefined, isPresent: always, wasPresentAt: always };
  return { identity, permission, ...whole };
}

/** The row of the table that an action falls under, whichever the project. */
function permissionFor(
  { role }: Pick<Identity, 'role'>,
  { verb, resource }: Pick<Action, 'verb' | 'resource'>,
): Permission | undefined {
  return PERMISSIONS.find(
    (row) =>
      row.role === role &&
      row.verbs.includes(verb) &&
      (row.resources.includes(resource) || row.resources[0] === '*'),
  );
}

/** The projects of an identity that are still the ones that it was made for. */
function presentProjects(
  { projects }: Pick<Identity, 'projects'>,
  views: Pick<Views, 'get'>,
): readonly ProjectGeneration[] {
  return projects.filter((project) => isPresent(project, views));
}

/** A namespace is its own project. */
function projectOf({ resource, namespace, name }: Action): string | undefined {
  return resource === 'namespaces' ? name : namespace;
}

function isPresent({ name, uid }: ProjectGeneration, views: Pick<Views, 'get'>): boolean {
  return views.get('Namespace', '', name)?.object.metadata.uid === uid;
}

/** Whether a project had begun at a position; and had not ended. */
export function isPresentAt(
  { name, uid }: ProjectGeneration,
  position: Position,
  views: Pick<Views, 'getAt'>,
): boolean {
  return views.getAt('Namespace', '', name, position)?.object.metadata.uid === uid;
}

function locationOf({ spec }: KubeObject): string {
  return (spec?.location as { readonly name?: string } | undefined)?.name ?? '';
}
