import {
  contains,
  type Family,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from '../../addressing/prefix.ts';
import { limits } from '../../limits.ts';
import {
  type DecisionContext,
  type Expectation,
  finalizerProblem,
  instant,
  type Need,
} from '../decision.ts';
import type { NetworkSpec, Scope, StoredMetadata } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { hasRoom, type IPClass, lengthOf } from '../ip-class.ts';
import { defaultClass } from '../platform/classes.ts';
import { ownedPoolsAround } from '../platform/directory.ts';
import { isWithin } from '../pool-space.ts';
import { inUse, type Rejection } from '../rejections.ts';
import { spreadMtu } from './mtu.ts';
import { findForChange, forbiddenWhileTerminating, type Outcome, refusalOf } from './objects.ts';
import {
  canEnd,
  carriedFamilies,
  endPresence,
  isOccupied,
  noDefaultClass,
  standingIn,
  usesOf,
} from './presences.ts';
import {
  ensureOwnedPool,
  ensurePool,
  type ProjectDraft,
  parentOf,
  poolNamed,
  poolNameOf,
  poolsOfNetwork,
  returnPool,
  type Step,
  sourcesOf,
} from './spaces.ts';
import { generationOf, type NetworkRecord, type PresenceRecord, type RangeWait } from './state.ts';

/** IPv4 plans of networks are routing domains of their own: these may coincide. */
const PRIVATE_IPV4_TEXTS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const PRIVATE_IPV4 = PRIVATE_IPV4_TEXTS.map(parsePrefix);

export interface CreateNetwork {
  readonly type: 'CreateNetwork';
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly metadata: StoredMetadata;
}

export interface UpdateNetwork {
  readonly type: 'UpdateNetwork';
  readonly name: string;
  readonly expect: Expectation;
  readonly spec: NetworkSpec;
  readonly metadata: StoredMetadata;
}

export interface DeleteNetwork {
  readonly type: 'DeleteNetwork';
  readonly name: string;
  readonly expect: Expectation;
}

/**
 * Creates a network and takes its ranges. A range that the network names is given or the network is
 * refused; one that is merely next may be out of stock, and then the network waits for it.
 */
export function createNetwork(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateNetwork,
): Outcome {
  const { name, spec, metadata } = command;
  const subject = { kind: 'Network', name };
  const terminating = forbiddenWhileTerminating(draft, subject);
  if (terminating !== undefined) return terminating;
  if (draft.state.networks.has(name)) {
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const at = instant(context.atMs);
  const uid = uuidOf(context.commandId, 'Network');
  const platformRevision = context.platform.revision;
  draft.emit('NetworkCreated', { at, name, uid, metadata, spec, platformRevision });
  return takeRanges(draft, context, name);
}

/** Takes the ranges that a network still lacks, and records which it has to wait for. */
function takeRanges(draft: ProjectDraft, context: DecisionContext, name: string): Outcome {
  const network = draft.state.networks.get(name) as NetworkRecord;
  const waiting: RangeWait[] = [];
  for (const family of carriedFamilies(network)) {
    const trial = draft.fork();
    const taken = takeRange(trial, context, network, family);
    if ('wait' in taken) waiting.push(taken.wait);
    else if ('done' in taken) draft.adopt(trial);
    else return refusalOf(taken, { kind: 'Network', name });
  }
  if (summaryOf(waiting) === summaryOf(network.waiting)) return undefined;
  const { uid, spec } = network;
  draft.emit('NetworkUpdated', { at: instant(context.atMs), name, uid, spec, waiting });
  return undefined;
}

/** A range that the network names is given or refused; the next one may have to be waited for. */
function takeRange(
  draft: ProjectDraft,
  context: DecisionContext,
  network: NetworkRecord,
  family: Family,
): Step<unknown> | { readonly wait: RangeWait } {
  const subnetClass = parentOf(context, defaultClass(context.platform, family));
  const networkClass = parentOf(context, subnetClass);
  const named = namedRange(network, family);
  if (subnetClass === undefined || networkClass === undefined) {
    const { reason, message, cause } = noDefaultClass(family);
    const isNew = !poolsOfNetwork(draft.state, network.name).some((pool) => pool.family === family);
    if (named !== undefined && isNew) return refuseRange(family, message);
    return { wait: { family, reason, message, causes: [cause] } };
  }
  const scope = { project: draft.state.name, network: network.name };
  if (named !== undefined) {
    const wanted = parsePrefix(named);
    const subnetLength = lengthOf(subnetClass.spec) as number;
    const fits = hasRoom(networkClass.spec, wanted.length, subnetLength);
    if (wanted.family !== family || !fits) {
      const message = `${named} has no room for an ${family} subnet of length /${subnetLength}`;
      return refuseRange(family, message);
    }
    return takeNamedRange(draft, context, networkClass, scope, wanted);
  }
  const ahead = waitAhead(draft, network, family);
  if (ahead !== undefined) return { wait: ahead };
  const taken = ensurePool(draft, context, networkClass.name, scope);
  if (!('unmet' in taken)) return taken;
  const { reason, message, cause } = taken.unmet;
  // What it needs may come from its project's range as well as from who grants another.
  const causes = [...new Set([...sourcesOf(draft, context, networkClass, scope), cause])];
  return { wait: { family, reason, message, causes } };
}

function namedRange({ spec }: NetworkRecord, family: Family): string | undefined {
  return family === 'IPv4' ? spec.ipam.ipv4Range : spec.ipam.ipv6Range;
}

/** A prefix of a pool that the project owns is that pool's to grant, to one network. */
function takeNamedRange(
  draft: ProjectDraft,
  context: DecisionContext,
  ipClass: IPClass,
  scope: Scope,
  wanted: Prefix,
): Step<unknown> {
  const pools = ownedPoolsAround(context.platform, generationOf(draft.state), wanted);
  if (pools.length > 0) {
    const owned = ensureOwnedPool(draft, context, ipClass, scope, { block: wanted, pools });
    const isElsewhere = 'refused' in owned && owned.refused.reason === 'NoOfferingPool';
    if (!isElsewhere) return owned;
  }
  const text = formatPrefix(wanted);
  const source = 'nor in a pool that the project owns';
  if (wanted.family === 'IPv4' && !PRIVATE_IPV4.some((range) => contains(range, wanted))) {
    return refuseRange('IPv4', `${text} is neither in ${PRIVATE_IPV4_TEXTS.join(', ')} ${source}`);
  }
  const exact = { className: ipClass.name, block: wanted };
  const taken = ensurePool(draft, context, ipClass.name, scope, exact);
  if (!('refused' in taken)) return taken;
  if (taken.refused.reason === 'Invalid') return refuseRange(wanted.family, taken.refused.message);
  const parent = parentOf(context, ipClass) as IPClass;
  if (isWithin(poolNamed(draft.state, poolNameOf(parent, scope)), wanted)) return taken;
  return refuseRange(wanted.family, `${text} is neither in the project's range ${source}`);
}

/** The refusal of a range that a network names. */
function refuseRange(family: Family, message: string): Step<never> {
  const field = family === 'IPv4' ? 'spec.ipam.ipv4Range' : 'spec.ipam.ipv6Range';
  const causes = [{ reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, field }];
  return { refused: { reason: 'Invalid', message, causes } };
}

/**
 * What a network that came earlier waits for: those that come later wait for it as well, unless it
 * waits for a range of its own that is nobody else's to have.
 */
function waitAhead(
  draft: ProjectDraft,
  network: NetworkRecord,
  family: Family,
): RangeWait | undefined {
  let first: NetworkRecord | undefined;
  for (const name of draft.state.waitingNetworks) {
    const other = draft.state.networks.get(name) as NetworkRecord;
    const waits = other.waiting.some((one) => one.family === family);
    const isInLine = waits && namedRange(other, family) === undefined;
    if (isInLine && other.since < (first ?? network).since) first = other;
  }
  return first?.waiting.find((one) => one.family === family);
}

/** What counts as a change of what a network waits for. */
function summaryOf(waiting: readonly RangeWait[]): string {
  return JSON.stringify(waiting.map(({ family, reason, causes }) => [family, reason, causes]));
}

/** Changes what may be changed: families are added, never taken; the MTU; metadata. */
export function updateNetwork(
  draft: ProjectDraft,
  context: DecisionContext,
  command: UpdateNetwork,
  objectsMax: number,
): Outcome {
  const { name, expect, spec, metadata } = command;
  const found = findForChange('Network', draft.state.networks.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const network = found.object;
  const problem = immutableProblem(network, spec) ?? finalizerProblem('Network', network, metadata);
  if (problem !== undefined) return problem;
  const { uid, waiting, deleting } = network;
  const at = instant(context.atMs);
  draft.emit('NetworkUpdated', { at, name, uid, spec, metadata, waiting });
  if (deleting) {
    endNetwork(draft, context, name, objectsMax);
    return undefined;
  }
  const outcome = takeRanges(draft, context, name);
  return outcome ?? spreadMtu(draft, context);
}

function immutableProblem(network: NetworkRecord, spec: NetworkSpec): Rejection | undefined {
  const subject = { kind: 'Network', name: network.name };
  const refuse = (field: string, message: string): Rejection => {
    const cause = { reason: 'FieldValueInvalid', message, field };
    return { reason: 'Invalid', subject, message, causes: [cause] };
  };
  const fields = ['mode', 'ipv4Range', 'ipv6Range'] as const;
  const changed = fields.find((field) => spec.ipam[field] !== network.spec.ipam[field]);
  if (changed !== undefined) return refuse(`spec.ipam.${changed}`, 'field is immutable');
  const lost = network.spec.ipFamilies.find((family) => !spec.ipFamilies.includes(family));
  if (lost === undefined) return undefined;
  return refuse('spec.ipFamilies', `families are added, never taken away: ${lost} is missing`);
}

/** Tries again for the ranges that networks wait for, in the order in which they came. */
export function retryRanges(
  draft: ProjectDraft,
  context: DecisionContext,
  cause: string,
): { readonly need: Need } | undefined {
  const waiting = [...draft.state.waitingNetworks]
    .map((name) => draft.state.networks.get(name) as NetworkRecord)
    .filter((network) => network.waiting.some((wait) => wait.causes.includes(cause)))
    .sort((a, b) => a.since - b.since);
  for (const { name } of waiting) {
    if (draft.events.length >= limits.waitersServedPerAppendMax) {
      draft.unfinished = true;
      return undefined;
    }
    const trial = draft.fork();
    const outcome = takeRanges(trial, context, name);
    if (outcome === undefined) draft.adopt(trial);
    else if ('need' in outcome) return outcome;
  }
  return undefined;
}

/** Deletes a network in which nothing stands; its presences go first, then its ranges. */
export function deleteNetwork(
  draft: ProjectDraft,
  context: DecisionContext,
  command: DeleteNetwork,
  objectsMax: number,
): Rejection | undefined {
  const { name, expect } = command;
  const found = findForChange('Network', draft.state.networks.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const network = found.object;
  if (network.deleting) return undefined;
  const standing = presencesOf(draft, name).filter(isOccupied);
  if (standing.length > 0 || network.allocations > 0) {
    const message =
      standing.length > 0
        ? `${standingIn(standing)} stand in ${standing.length} of its contexts`
        : `${network.allocations} blocks of IPClaims are of its range`;
    return inUse({ kind: 'Network', name }, message, {
      NetworkInterfaces: usesOf(standing).NetworkInterfaces,
      IPAllocations: network.allocations,
      NetworkContexts: standing.length,
    });
  }
  const trial = draft.fork();
  if (endNetwork(trial, context, name, objectsMax)) {
    draft.adopt(trial);
    return undefined;
  }
  const at = instant(context.atMs);
  draft.emit('DeletionRequested', { at, kind: 'Network', name, uid: network.uid });
  endNetwork(draft, context, name, objectsMax);
  return undefined;
}

/** Ends at most so many presences of a network, then the network. Returns whether it is gone. */
export function endNetwork(
  draft: ProjectDraft,
  context: DecisionContext,
  name: string,
  objectsMax: number,
): boolean {
  const presences = presencesOf(draft, name).filter(canEnd).slice(0, objectsMax);
  for (const presence of presences) endPresence(draft, context, presence);
  const network = draft.state.networks.get(name) as NetworkRecord;
  if (network.presences > 0 || network.finalizers.length > 0) return false;
  for (const pool of poolsOfNetwork(draft.state, name)) returnPool(draft, context, pool.name);
  draft.emit('NetworkDeleted', { at: instant(context.atMs), name, uid: network.uid });
  return true;
}

function presencesOf(draft: ProjectDraft, network: string): PresenceRecord[] {
  return [
    ...draft.state.presences.filter((presence) => presence.network === network).values(),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}
