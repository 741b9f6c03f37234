import { familyWidth, formatAddress, formatPrefix, type Prefix } from '../../addressing/prefix.ts';
import { instant } from '../decision.ts';
import type { ExternalAddress, ObjectRef } from '../events.ts';
import { holdingPolicy, type IPClass, isClassOpenTo, lengthOf } from '../ip-class.ts';
import { offeringPools, othersWait } from '../platform/directory.ts';
import { blockOf, cappedPolicy, type HeldAddress, heldFor } from './held-addresses.ts';
import {
  type AskingContext,
  classNotFound,
  othersAreFirst,
  type ProjectDraft,
  type Step,
} from './spaces.ts';
import { type ClaimRecord, generationOf } from './state.ts';
import { OFFER_CAUSE } from './waiting-line.ts';

/** The classes that a claim names for addresses from outside the project's own space. */
export function externalClasses(
  draft: ProjectDraft,
  context: AskingContext,
  claim: ClaimRecord,
): Step<IPClass[]> {
  const { platform } = context;
  const classes: IPClass[] = [];
  for (const { class: name } of claim.spec.addresses ?? []) {
    const ipClass = platform.classes.get(name);
    const { asOperator } = claim;
    if (ipClass === undefined || !isClassOpenTo(ipClass.spec, draft.state.name, asOperator)) {
      return { unmet: classNotFound(name) };
    }
    const cause = `class/${name}`;
    if (offeringPools(platform, name, generationOf(draft.state)).length === 0) {
      const message = `no pool offers IPClass "${name}" to claims`;
      return { unmet: { reason: 'NoOfferingPool', message, cause } };
    }
    if (lengthOf(ipClass.spec) === undefined) {
      const message = `IPClass "${name}" does not say how long its blocks are`;
      return { unmet: { reason: 'NoOfferingPool', message, cause } };
    }
    classes.push(ipClass);
  }
  return { done: classes };
}

/** An address that a pool holds for a claim, and the class that it is of. */
type HeldExternal = HeldAddress & { readonly ipClass: IPClass };

/** What pools hold for a claim of these classes: all of it, or nothing while others wait. */
export function holdExternals(
  draft: ProjectDraft,
  context: AskingContext,
  { name, uid }: ClaimRecord,
  classes: readonly IPClass[],
): Step<HeldExternal[]> {
  for (const ipClass of classes) {
    const cause = OFFER_CAUSE + ipClass.name;
    if (!othersAreFirst(draft, context, cause)) continue;
    const generation = generationOf(draft.state);
    const message = othersWait(context.platform, ipClass.name, generation);
    return { unmet: { reason: 'AddressPoolExhausted', message, cause } };
  }
  const wishes = classes.map((ipClass, ordinal) => ({
    claim: { kind: 'NetworkInterfaceClaim' as const, name, uid },
    ordinal,
    className: ipClass.name,
    pool: undefined,
    family: ipClass.spec.ipFamily,
    length: lengthOf(ipClass.spec) as number,
    block: undefined,
  }));
  const held = heldFor(draft, context, wishes);
  if ('need' in held) return held;
  if ('refusal' in held) {
    const { ordinal, refusal } = held.refusal;
    const cause = `${OFFER_CAUSE}${classes[ordinal]?.name}`;
    const message = refusal?.message ?? 'no pool has an address';
    return { unmet: { reason: 'AddressPoolExhausted', message, cause } };
  }
  const external = classes.map((ipClass, ordinal) => {
    return { ...(held.done[ordinal] as HeldAddress), ipClass };
  });
  return { done: external };
}

/** What pools hold for a claim becomes its interface's: the event that names a hold commits it. */
export function commitExternals(
  draft: ProjectDraft,
  context: AskingContext,
  { name, uid }: ClaimRecord,
  nic: ObjectRef,
  held: readonly HeldExternal[],
): ExternalAddress[] {
  return held.map((one) => {
    const { ipClass, pool, granted } = one;
    const block = blockOf(one);
    const { family } = block;
    draft.emit('AddressAllocated', {
      ...{ at: instant(context.atMs), pool, block: granted.block, family },
      ...{ className: ipClass.name, interface: nic, claim: { name, uid } },
      policy: cappedPolicy(holdingPolicy(ipClass, block), granted),
      grant: { id: granted.id },
    });
    return { family, address: addressText(block), class: ipClass.name };
  });
}

/** A block as objects show it: a single host is a bare address. */
export function addressText(block: Prefix): string {
  const isHost = block.length === familyWidth(block.family);
  return isHost ? formatAddress(block) : formatPrefix(block);
}
