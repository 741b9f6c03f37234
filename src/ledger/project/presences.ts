import { type Family, parsePrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Expectation, instant } from '../decision.ts';
import type { EventData, ObjectRef, StoredMetadata, Subnet } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { allowsLength, type IPClass, type Problem } from '../ip-class.ts';
import { defaultClass } from '../platform/classes.ts';
import { isOpenTo } from '../platform/locations.ts';
import type { LocationRecord } from '../platform/state.ts';
import { isWithin, type PoolSpace } from '../pool-space.ts';
import { inUse, invalidWith, type Rejection } from '../rejections.ts';
import { presenceName } from '../streams.ts';
import {
  findForChange,
  forbiddenWhileTerminating,
  type Outcome,
  type PlaceFields,
  refusalOf,
} from './objects.ts';
import {
  type AskingContext,
  ensurePool,
  levelOf,
  type ProjectDraft,
  parentOf,
  poolNameOf,
  poolsOfPresence,
  returnPool,
  type Step,
  subnetOf,
} from './spaces.ts';
import type { NetworkRecord, PresenceRecord, Wait } from './state.ts';

export interface CreateNetworkContext {
  readonly type: 'CreateNetworkContext';
  readonly network: string;
  readonly location: string;
  readonly subnets: NonNullable<EventData<'NetworkContextCreated'>['requested']> | undefined;
  readonly metadata: StoredMetadata;
}

export interface DeleteNetworkContext {
  readonly type: 'DeleteNetworkContext';
  readonly name: string;
  readonly expect: Expectation;
}

/** The network and location that a claim or a presence needs, or why it has to wait. */
export function usableNetwork(draft: ProjectDraft, name: string): Step<NetworkRecord> {
  const network = draft.state.networks.get(name);
  if (network !== undefined && !network.deleting) return { done: network };
  const message =
    network === undefined
      ? `network "${name}" does not exist`
      : `network "${name}" is being deleted`;
  return { unmet: { reason: 'NetworkNotFound', message, cause: `network/${name}` } };
}

export function usableLocation(
  draft: ProjectDraft,
  context: DecisionContext,
  name: string,
): Step<LocationRecord> {
  const location = context.platform.locations.get(name);
  const cause = `location/${name}`;
  const wait = (reason: Wait['reason'], message: string) => ({ unmet: { reason, message, cause } });
  if (location === undefined) {
    return wait('LocationNotFound', `location "${name}" does not exist`);
  }
  if (location.deleting) return wait('LocationNotFound', `location "${name}" is being deleted`);
  if (!isOpenTo(location, draft.state.name)) {
    const message = `location "${name}" is not open to project "${draft.state.name}"`;
    return wait('NetworkNotAvailableInLocation', message);
  }
  if (location.spec.draining) {
    return wait('LocationDraining', `location "${name}" takes no new claims`);
  }
  return { done: location };
}

/**
 * The presence of a network at a location with a subnet for each of these families, made or
 * completed where it is missing. The location's join is asked for last, so that what is refused
 * anyway holds nothing.
 */
export function ensurePresence(
  draft: ProjectDraft,
  context: AskingContext,
  network: NetworkRecord,
  location: LocationRecord,
  families: readonly Family[],
  creation: { metadata: StoredMetadata; requested?: CreateNetworkContext['subnets'] } = {
    metadata: {},
  },
): Step<PresenceRecord> {
  const name = presenceName(network.name, location.name);
  const present = draft.state.presences.get(name);
  if (present?.deleting) {
    const message = `network context "${name}" is being deleted`;
    const cause = `context/${name}`;
    return { unmet: { reason: 'NetworkNotAvailableInLocation', message, cause } };
  }
  const missing = families.filter((family) => !hasSubnet(present, family));
  if (present !== undefined && missing.length === 0) return { done: present };
  const made = subnetsFor(draft, context, network, location.name, families, creation.requested);
  if (!('done' in made)) return made;
  const at = instant(context.atMs);
  if (present !== undefined) {
    const { uid } = present;
    draft.emit('NetworkContextUpdated', { at, name, uid, subnets: made.done });
    return { done: presenceNamed(draft, name) };
  }
  const join = joinOf(draft, location);
  if (!('done' in join)) return join;
  draft.emit('NetworkContextCreated', {
    at,
    name,
    uid: uuidOf(context.commandId, 'NetworkContext', name),
    metadata: creation.metadata,
    network: { name: network.name, uid: network.uid },
    location: { name: location.name, uid: location.uid },
    grantId: join.done,
    ...(creation.requested === undefined ? {} : { requested: creation.requested }),
    subnets: made.done,
    platformRevision: context.platform.revision,
  });
  return { done: presenceNamed(draft, name) };
}

function hasSubnet(presence: PresenceRecord | undefined, family: Family): boolean {
  return presence?.subnets.some((subnet) => subnet.family === family) ?? false;
}

function presenceNamed(draft: ProjectDraft, name: string): PresenceRecord {
  const presence = draft.state.presences.get(name);
  if (presence === undefined) throw new Error(`presence ${name} is not in the state`);
  return presence;
}

/** The families that a network gives addresses of. */
export function carriedFamilies(network: NetworkRecord): readonly Family[] {
  return network.spec.ipam.mode === 'Auto' ? network.spec.ipFamilies : [];
}

/**
 * Subnets of every family the network carries. One that nobody has asked for yet and that has no
 * room is left out: it must not block a claim that can be met without it.
 */
function subnetsFor(
  draft: ProjectDraft,
  context: AskingContext,
  network: NetworkRecord,
  location: string,
  required: readonly Family[],
  requested: CreateNetworkContext['subnets'],
): Step<Subnet[]> {
  const subnets: Subnet[] = [];
  for (const family of carriedFamilies(network)) {
    const trial = draft.fork();
    const wanted = requested?.find((subnet) => subnet.family === family)?.prefix;
    const subnet = subnetFor(trial, context, network, location, family, wanted);
    if ('done' in subnet) {
      draft.adopt(trial);
      subnets.push(subnet.done);
    } else if (required.includes(family)) {
      return subnet;
    }
  }
  return { done: subnets };
}

function subnetFor(
  draft: ProjectDraft,
  context: AskingContext,
  network: NetworkRecord,
  location: string,
  family: Family,
  wanted: string | undefined,
): Step<Subnet> {
  const lacking = network.waiting.find((wait) => wait.family === family);
  if (lacking !== undefined) {
    // The network gets its range, or goes: its claims are tried again when it changes.
    const { reason, message } = lacking;
    return { unmet: { reason, message, cause: `network/${network.name}` } };
  }
  const className = defaultClass(context.platform, family)?.spec.parentClassName;
  if (className === undefined) return { unmet: noDefaultClass(family) };
  const scope = { project: draft.state.name, network: network.name, location };
  const exact = wanted === undefined ? undefined : { className, block: parsePrefix(wanted) };
  const pool = ensurePool(draft, context, className, scope, exact);
  return 'done' in pool ? { done: subnetOf(pool.done) } : pool;
}

/** The cause of those who wait for a default class, whatever its name will be. */
export const NO_DEFAULT_CLASS = 'class/';

export function noDefaultClass(family: Family): Wait {
  const message = `no IPClass is the default of ${family}`;
  return { reason: 'NoDefaultClass', message, cause: NO_DEFAULT_CLASS };
}

/** The join of the project at a location: its own, else the one the platform has granted. */
function joinOf(draft: ProjectDraft, location: LocationRecord): Step<string> {
  const { state } = draft;
  const own = state.joins.get(location.name);
  if (own?.location.uid === location.uid) return { done: own.grantId };
  const granted = location.joined.get(state.name);
  const isOurs = granted !== undefined && granted.generation === state.namespace?.uid;
  const isOver =
    granted !== undefined &&
    (state.endedJoins.get(location.name) === granted.grantId ||
      state.abandonedGrants.has(granted.grantId));
  if (isOurs && !isOver) return { done: granted.grantId };
  const ref: ObjectRef = { name: location.name, uid: location.uid };
  const endedGrant = isOver ? granted.grantId : undefined;
  return { need: { type: 'LocationJoin', location: ref, endedGrant } };
}

/** Creates a presence ahead of its first claim; what it asks for is given whole or refused. */
export function createNetworkContext(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateNetworkContext,
): Outcome {
  const name = presenceName(command.network, command.location);
  const subject = { kind: 'NetworkContext', name };
  const terminating = forbiddenWhileTerminating(draft, subject);
  if (terminating !== undefined) return terminating;
  if (draft.state.presences.has(name)) {
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const network = usableNetwork(draft, command.network);
  if (!('done' in network)) return refusalOf(network, subject, BY_SPEC);
  const location = usableLocation(draft, context, command.location);
  if (!('done' in location)) return refusalOf(location, subject, BY_SPEC);
  const problems = command.subnets?.flatMap((wanted, index) => {
    const problem = subnetProblem(draft, context, network.done, wanted);
    return problem === undefined
      ? []
      : [{ ...problem, path: `spec.subnets[${index}]${problem.path}` }];
  });
  if (problems?.length) return invalidWith(subject, problems);
  const carried = carriedFamilies(network.done);
  const { metadata, subnets: requested } = command;
  const creation = requested === undefined ? { metadata } : { metadata, requested };
  const made = ensurePresence(draft, context, network.done, location.done, carried, creation);
  return 'done' in made ? undefined : refusalOf(made, subject, BY_SPEC);
}

const BY_SPEC: PlaceFields = { network: 'spec.network.name', location: 'spec.location.name' };

/** Why a network can never have this subnet, if it cannot, and which of its fields says so. */
function subnetProblem(
  draft: ProjectDraft,
  context: DecisionContext,
  network: NetworkRecord,
  { family, prefix }: NonNullable<CreateNetworkContext['subnets']>[number],
): Problem | undefined {
  if (!carriedFamilies(network).includes(family)) {
    return { path: '.family', message: `network "${network.name}" does not carry ${family}` };
  }
  const path = '.prefix';
  const block = parsePrefix(prefix);
  const subnetClass = parentOf(context, defaultClass(context.platform, family));
  if (subnetClass !== undefined && !allowsLength(subnetClass.spec, block.length)) {
    const message = `IPClass "${subnetClass.name}" has no blocks of length /${block.length}`;
    return { path, message };
  }
  const range = rangeOf(draft, context, network, subnetClass);
  if (range === undefined || isWithin(range, block)) return undefined;
  return { path, message: `${prefix} is not in pool "${range.name}" (${levelOf(range)})` };
}

/** The pool that subnets of a network are carved from; undefined while it waits for one. */
function rangeOf(
  draft: ProjectDraft,
  context: DecisionContext,
  network: NetworkRecord,
  subnetClass: IPClass | undefined,
): PoolSpace | undefined {
  const networkClass = parentOf(context, subnetClass);
  const scope = { project: draft.state.name, network: network.name };
  return networkClass && draft.state.pools.get(poolNameOf(networkClass, scope));
}

export function deleteNetworkContext(
  draft: ProjectDraft,
  context: DecisionContext,
  command: DeleteNetworkContext,
): Rejection | undefined {
  const { name, expect } = command;
  const found = findForChange('NetworkContext', draft.state.presences.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const presence = found.object;
  if (isOccupied(presence)) {
    const message = `${standingIn([presence])} stand in it`;
    return inUse({ kind: 'NetworkContext', name }, message, usesOf([presence]));
  }
  endPresence(draft, context, presence);
  return undefined;
}

/** Removes an empty presence, or marks it while finalizers hold it. Returns whether it is gone. */
export function endPresence(
  draft: ProjectDraft,
  context: DecisionContext,
  presence: PresenceRecord,
): boolean {
  const at = instant(context.atMs);
  const { name, uid, location } = presence;
  if (presence.finalizers.length > 0) {
    if (!presence.deleting)
      draft.emit('DeletionRequested', { at, kind: 'NetworkContext', name, uid });
    return false;
  }
  for (const pool of poolsOfPresence(draft.state, presence)) {
    returnPool(draft, context, pool.name);
  }
  const join = draft.state.joins.get(location.name);
  const endsGrant = join?.presences === 1 ? { endsGrant: { grantId: join.grantId, location } } : {};
  draft.emit('NetworkContextDeleted', { at, name, uid, ...endsGrant });
  return true;
}

/** Whether an empty presence can go, or be marked as going: not one that finalizers hold. */
export function canEnd(presence: PresenceRecord): boolean {
  return !isOccupied(presence) && (!presence.deleting || presence.finalizers.length === 0);
}

/** Whether something stands in a presence that keeps it. */
export function isOccupied({ interfaces, allocations }: PresenceRecord): boolean {
  return interfaces > 0 || allocations > 0;
}

/** What stands somewhere, counted for people. */
export function standingIn(
  places: readonly Pick<PresenceRecord, 'interfaces' | 'allocations'>[],
): string {
  const { NetworkInterfaces, IPAllocations } = usesOf(places);
  if (IPAllocations === 0) return `${NetworkInterfaces} interfaces`;
  return `${NetworkInterfaces} interfaces and ${IPAllocations} blocks of IPClaims`;
}

/** The same, counted. */
export function usesOf(places: readonly Pick<PresenceRecord, 'interfaces' | 'allocations'>[]) {
  return {
    NetworkInterfaces: places.reduce((sum, place) => sum + place.interfaces, 0),
    IPAllocations: places.reduce((sum, place) => sum + place.allocations, 0),
  };
}

/** Removes the project's empty presences at a location that is going, at most so many. */
export function vacateLocation(
  draft: ProjectDraft,
  context: DecisionContext,
  location: ObjectRef,
  objectsMax: number,
): undefined {
  const there = draft.state.presences
    .valueSeq()
    .filter((presence) => presence.location.uid === location.uid && canEnd(presence))
    .toArray()
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const presence of there.slice(0, objectsMax)) endPresence(draft, context, presence);
  draft.unfinished = there.length > objectsMax;
}
