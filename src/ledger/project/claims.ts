import { formatPrefix } from '../../addressing/prefix.ts';
import { type DecisionContext, type Expectation, instant } from '../decision.ts';
import type {
  ClaimSpec,
  ExternalAddress,
  InterfaceAddress,
  ObjectRef,
  StoredMetadata,
  Subnet,
} from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import { holdingPolicy, lengthOf } from '../ip-class.ts';
import { defaultClass } from '../platform/classes.ts';
import type { Rejection, WaitReason } from '../rejections.ts';
import { commitExternals, externalClasses, holdExternals } from './external-addresses.ts';
import { releaseInterface, retainInterface } from './interfaces.ts';
import { findForChange, forbiddenWhileTerminating, type Outcome } from './objects.ts';
import {
  carriedFamilies,
  ensurePresence,
  noDefaultClass,
  usableLocation,
  usableNetwork,
} from './presences.ts';
import {
  type AskingContext,
  nextBlock,
  type ProjectDraft,
  poolNamed,
  type Step,
} from './spaces.ts';
import type { ClaimRecord, InterfaceRecord, NetworkRecord, Wait } from './state.ts';
import { overQuota } from './usage.ts';

export interface RequestClaim {
  readonly type: 'RequestClaim';
  readonly name: string;
  readonly spec: ClaimSpec;
  readonly metadata: StoredMetadata;
  /** Whether an operator asks, to whom every class is open. */
  readonly asOperator?: boolean;
}

export interface DeleteClaim {
  readonly type: 'DeleteClaim';
  readonly name: string;
  readonly expect: Expectation;
}

/**
 * Accepts a claim and meets it in the same append, or stores it with the reason why it waits.
 * Only a name that is taken, a project that takes nothing new, and a quota refuse it.
 */
export function requestClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  command: RequestClaim,
): Outcome {
  const { name, spec, metadata } = command;
  const subject = { kind: 'NetworkInterfaceClaim', name };
  const terminating = forbiddenWhileTerminating(draft, subject);
  if (terminating !== undefined) return terminating;
  if (draft.state.claims.has(name)) {
    return { reason: 'AlreadyExists', subject, message: 'already exists' };
  }
  const at = instant(context.atMs);
  const uid = uuidOf(context.commandId, 'NetworkInterfaceClaim');
  const platformRevision = context.platform.revision;
  const asOperator = command.asOperator ? { asOperator: true as const } : {};
  draft.emit('ClaimRequested', {
    ...{ at, name, uid, metadata, spec, platformRevision },
    ...asOperator,
  });
  const tried = tryClaim(draft, context, name);
  if (tried === undefined) return undefined;
  if ('need' in tried) return tried;
  const { reason, message } = tried.unmet;
  return reason === 'QuotaExceeded' ? { reason, subject, message } : undefined;
}

/**
 * Tries to meet a claim: binds it, or records why it waits when that has changed. Returns the wait
 * or the need that stood in the way.
 */
export function tryClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  name: string,
): { readonly unmet: Wait } | Extract<Step<never>, { need: unknown }> | undefined {
  const claim = draft.state.claims.get(name) as ClaimRecord;
  const trial = draft.fork();
  const step = meet(trial, { ...context, claim: name }, claim);
  if ('done' in step) {
    draft.adopt(trial);
    return undefined;
  }
  if ('need' in step) return step;
  if ('refused' in step) throw new Error(`claim ${name} asks for no block by name`);
  const { reason, message, cause } = step.unmet;
  if (claim.wait?.reason !== reason || claim.wait.cause !== cause) {
    const { uid } = claim;
    draft.emit('ClaimQueued', { at: instant(context.atMs), name, uid, reason, message, cause });
  }
  return step;
}

/** An interface of the claim's name is bound again; else a new one gets its addresses. */
function meet(draft: ProjectDraft, context: AskingContext, claim: ClaimRecord): Step<unknown> {
  const target = claim.spec.networkInterfaceName ?? claim.name;
  const nic = draft.state.interfaces.get(target);
  if (nic !== undefined) return rebind(draft, context, claim, nic);
  if (claim.spec.networkInterfaceName === undefined) return allocate(draft, context, claim);
  const message = `interface "${target}" does not exist`;
  return { unmet: { reason: 'InterfaceNotFound', message, cause: `interface/${target}` } };
}

function rebind(
  draft: ProjectDraft,
  context: DecisionContext,
  claim: ClaimRecord,
  nic: InterfaceRecord,
): Step<unknown> {
  const obstacle = rebindObstacle(claim, nic);
  if (obstacle !== undefined) {
    const [reason, message] = obstacle;
    return { unmet: { reason, message, cause: `interface/${nic.name}` } };
  }
  const { name, uid } = nic;
  const ref: ObjectRef = { name: claim.name, uid: claim.uid };
  draft.emit('InterfaceRebound', { at: instant(context.atMs), name, uid, claim: ref });
  return { done: true };
}

/** Why an interface cannot serve a claim, checked in a fixed order. */
function rebindObstacle(
  claim: ClaimRecord,
  nic: InterfaceRecord,
): readonly [WaitReason, string] | undefined {
  const { spec } = claim;
  const has = `interface "${nic.name}" has`;
  if (nic.deleting) return ['InterfaceTerminating', `interface "${nic.name}" is being deleted`];
  if (nic.claim !== undefined && nic.claim.uid !== claim.uid) {
    const message = `interface "${nic.name}" is bound to claim "${nic.claim.name}"`;
    return ['InterfaceHeldByAnotherClaim', message];
  }
  if (nic.spec.network.name !== spec.network.name) {
    return ['NetworkMismatch', `${has} network "${nic.spec.network.name}"`];
  }
  if (nic.spec.location.name !== spec.location.name) {
    return ['LocationMismatch', `${has} location "${nic.spec.location.name}"`];
  }
  if (nic.spec.interfaceName !== spec.interfaceName) {
    return ['InterfaceNameMismatch', `${has} device name "${nic.spec.interfaceName}"`];
  }
  if (nic.spec.attachmentMode !== spec.attachmentMode) {
    return ['AttachmentModeMismatch', `${has} attachment mode ${nic.spec.attachmentMode}`];
  }
  const own = nic.holdings.filter(({ grant }) => grant === undefined);
  const families = own.map(({ block }) => block.family);
  const lacking = spec.ipFamilies.find((family) => !families.includes(family));
  if (lacking !== undefined) return ['AddressFamilyMissing', `${has} no ${lacking} address`];
  const external = nic.holdings.filter(({ grant }) => grant !== undefined);
  const absent = spec.addresses?.find((one) => !external.some((h) => h.className === one.class));
  if (absent !== undefined) {
    return ['AddressClassMissing', `${has} no address of IPClass "${absent.class}"`];
  }
  if (nic.spec.reclaimPolicy !== spec.reclaimPolicy) {
    return ['ReclaimPolicyMismatch', `${has} reclaim policy ${nic.spec.reclaimPolicy}`];
  }
  return undefined;
}

/**
 * New addresses, all or none: network, location, classes, families, presence, then blocks. A place
 * that is new is joined at the very last, when pools hold what the claim wants of them: one that
 * waits for an address joins nothing.
 */
function allocate(draft: ProjectDraft, context: AskingContext, claim: ClaimRecord): Step<unknown> {
  const { spec } = claim;
  const network = usableNetwork(draft, spec.network.name);
  if (!('done' in network)) return network;
  const location = usableLocation(draft, context, spec.location.name);
  if (!('done' in location)) return location;
  const classes = externalClasses(draft, context, claim);
  if (!('done' in classes)) return classes;
  const carried = carriedFamilies(network.done);
  const absent = spec.ipFamilies.find((family) => !carried.includes(family));
  if (absent !== undefined) {
    const message = `network "${spec.network.name}" does not carry ${absent}`;
    const cause = `network/${spec.network.name}`;
    return { unmet: { reason: 'AddressFamilyNotCarried', message, cause } };
  }
  const names = [...familyClasses(context, spec), ...classes.done.map(({ name }) => name)];
  const excess = overQuota(draft.state, context.platform, names);
  if (excess !== undefined) return { unmet: excess };
  const presence = ensurePresence(draft, context, network.done, location.done, spec.ipFamilies);
  if (!('done' in presence)) {
    const held = isJoin(presence) ? holdExternals(draft, context, claim, classes.done) : presence;
    return 'done' in held ? presence : held;
  }
  const nic = { name: claim.name, uid: uuidOf(claim.uid, 'NetworkInterface') };
  const addresses: InterfaceAddress[] = [];
  for (const family of spec.ipFamilies) {
    const subnet = presence.done.subnets.find((one) => one.family === family);
    if (subnet === undefined) return { unmet: noDefaultClass(family) };
    const address = allocateAddress(draft, context, claim, nic, subnet);
    if (!('done' in address)) return address;
    addresses.push({ ...address.done, primary: addresses.length === 0 });
  }
  const held = holdExternals(draft, context, claim, classes.done);
  if (!('done' in held)) return held;
  const externalAddresses = commitExternals(draft, context, claim, nic, held.done);
  const all = { addresses, externalAddresses };
  emitReady(draft, context, claim, nic, network.done, presence.done.name, all);
  return { done: true };
}

function isJoin(step: Step<unknown>): boolean {
  return 'need' in step && step.need.type === 'LocationJoin';
}

/** The classes of the addresses that a claim wants beside its private ones. */
function familyClasses({ platform }: DecisionContext, { ipFamilies }: ClaimSpec): string[] {
  return ipFamilies.flatMap((family) => defaultClass(platform, family)?.name ?? []);
}

function allocateAddress(
  draft: ProjectDraft,
  context: AskingContext,
  claim: ClaimRecord,
  nic: ObjectRef,
  subnet: Subnet,
): Step<Omit<InterfaceAddress, 'primary'>> {
  const { family } = subnet;
  const ipClass = defaultClass(context.platform, family);
  const length = ipClass === undefined ? undefined : lengthOf(ipClass.spec);
  if (ipClass === undefined || length === undefined) return { unmet: noDefaultClass(family) };
  const pool = poolNamed(draft.state, subnet.pool);
  const block = nextBlock(draft, context, pool, length);
  if (!('done' in block)) return block;
  const address = formatPrefix(block.done);
  draft.emit('AddressAllocated', {
    at: instant(context.atMs),
    pool: pool.name,
    block: address,
    family,
    className: ipClass.name,
    interface: nic,
    claim: { name: claim.name, uid: claim.uid },
    policy: holdingPolicy(ipClass, block.done),
  });
  const { prefix, gateway } = subnet;
  return { done: { family, address, subnet: prefix, gateway, class: ipClass.name } };
}

function emitReady(
  draft: ProjectDraft,
  context: DecisionContext,
  claim: ClaimRecord,
  nic: ObjectRef,
  network: NetworkRecord,
  networkContext: string,
  {
    addresses,
    externalAddresses,
  }: { addresses: InterfaceAddress[]; externalAddresses: ExternalAddress[] },
): void {
  const { interfaceName, attachmentMode, reclaimPolicy, location } = claim.spec;
  draft.emit('InterfaceReady', {
    at: instant(context.atMs),
    ...nic,
    claim: { name: claim.name, uid: claim.uid },
    spec: {
      network: { name: network.name },
      location,
      interfaceName,
      attachmentMode,
      mtu: network.spec.mtu,
      addresses,
      ...(externalAddresses.length === 0 ? {} : { externalAddresses }),
      reclaimPolicy,
    },
    networkContext,
    platformRevision: context.platform.revision,
  });
}

/** Releases a claim: its interface is deleted or retained, as its policy says. */
export function deleteClaim(
  draft: ProjectDraft,
  context: DecisionContext,
  command: DeleteClaim,
): Rejection | undefined {
  const { name, expect } = command;
  const found = findForChange('NetworkInterfaceClaim', draft.state.claims.get(name), name, expect);
  if ('rejection' in found) return found.rejection;
  const claim = found.object;
  if (claim.deleting) return undefined;
  if (claim.finalizers.length > 0) {
    const at = instant(context.atMs);
    const { uid } = claim;
    draft.emit('DeletionRequested', { at, kind: 'NetworkInterfaceClaim', name, uid });
    return undefined;
  }
  endClaim(draft, context, claim);
  return undefined;
}

/** Ends a claim that no finalizer holds any more. */
export function endClaim(draft: ProjectDraft, context: DecisionContext, claim: ClaimRecord): void {
  const { name, uid } = claim;
  const nic = claim.bound === undefined ? undefined : draft.state.interfaces.get(claim.bound);
  if (nic !== undefined && claim.spec.reclaimPolicy === 'Retain') {
    retainInterface(draft, context, nic, { name, uid });
  } else if (nic !== undefined) {
    releaseInterface(draft, context, nic);
  }
  draft.emit('ClaimDeleted', { at: instant(context.atMs), name, uid });
}
