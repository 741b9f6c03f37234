import {
  type Family,
  familyWidth,
  InvalidAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../addressing/prefix.ts';
import type { DecisionContext } from '../decision.ts';
import type { IPClaimSpec, Scope } from '../events.ts';
import { allowsLength, type IPClass, isClassOpenTo, lengthOf } from '../ip-class.ts';
import { defaultClass } from '../platform/classes.ts';
import type { Rejection } from '../rejections.ts';
import type { CreateIPClaim } from './ip-claims.ts';
import { type ProjectDraft, parentOf, scopeOf } from './spaces.ts';

/** Where a claimed block comes from, and which one it may be. */
export interface ClaimSource {
  readonly family: Family;
  readonly className: string | undefined;
  readonly ipClass: IPClass | undefined;
  /** The class of the project's own pools that it is taken from, made on demand. */
  readonly poolClass: IPClass | undefined;
  /** The pool that was asked for, and whether the project's own space has it. */
  readonly pool: string | undefined;
  readonly isOwnPool: boolean;
  readonly length: number;
  /** The very block that was asked for. */
  readonly wanted: Prefix | undefined;
  readonly scope: Scope;
}

export type Refused = { readonly refused: Pick<Rejection, 'reason' | 'message' | 'causes'> };
type Found<T> = { readonly done: T } | Refused;

function refuse(reason: Rejection['reason'], message: string): Refused {
  return { refused: { reason, message } };
}

/** What an IPClaim means: its class or pool, its length and scope; or why that can never be. */
export function claimSource(
  draft: ProjectDraft,
  context: DecisionContext,
  command: CreateIPClaim,
): Found<ClaimSource> {
  const { spec } = command;
  if (spec.poolRef !== undefined) return poolSource(draft, context, command, spec.poolRef.name);
  const found = classOf(draft, context, command);
  if ('refused' in found) return found;
  const ipClass = found.done;
  const { name: className } = ipClass;
  const family = ipClass.spec.ipFamily;
  const block = blockAsked(spec, family, ipClass, lengthOf(ipClass.spec));
  if ('refused' in block) return block;
  const base = { family, className, ipClass, pool: undefined, isOwnPool: false, ...block.done };
  const parent = parentOf(context, ipClass);
  if (ipClass.spec.poolPer?.length) {
    return refuse('NoOfferingPool', `IPClass "${className}" hands out pools, not blocks`);
  }
  if (parent?.spec.poolPer?.length) {
    const scope = requiredScope(draft, spec, ipClass, parent);
    if ('refused' in scope) return scope;
    return { done: { ...base, poolClass: parent, scope: scope.done } };
  }
  return { done: { ...base, poolClass: undefined, scope: { project: draft.state.name } } };
}

/** The class that is named, or the default of the family; one that is not open is not there. */
function classOf(
  draft: ProjectDraft,
  { platform }: DecisionContext,
  { spec, asOperator }: CreateIPClaim,
): Found<IPClass> {
  const { className, ipFamily } = spec;
  const ipClass =
    className === undefined
      ? defaultClass(platform, ipFamily ?? '')
      : platform.classes.get(className);
  if (ipClass !== undefined && isClassOpenTo(ipClass.spec, draft.state.name, asOperator)) {
    return { done: ipClass };
  }
  if (className !== undefined) {
    return refuse('ClassNotFound', `IPClass "${className}" does not exist`);
  }
  return refuse('NoDefaultClass', `no IPClass is the default of ${ipFamily}`);
}

function poolSource(
  draft: ProjectDraft,
  context: DecisionContext,
  { spec, asOperator }: CreateIPClaim,
  pool: string,
): Found<ClaimSource> {
  const own = draft.state.pools.get(pool);
  const family = own?.family ?? authoredFamily(draft, context, pool, asOperator);
  if (family === undefined) return refuse('NoOfferingPool', `IPPool "${pool}" does not exist`);
  const { minPrefixLength: min, maxPrefixLength: max } =
    context.platform.pools.get(pool)?.spec.allocation ?? {};
  const block = blockAsked(spec, family, undefined, min === max ? min : undefined);
  if ('refused' in block) return block;
  const scope = own?.scope ?? { project: draft.state.name };
  const source = { family, className: undefined, ipClass: undefined, poolClass: undefined };
  return { done: { ...source, pool, isOwnPool: own !== undefined, scope, ...block.done } };
}

/** The family of an authored pool that is open to the project: its own one, or any to operators. */
function authoredFamily(
  draft: ProjectDraft,
  { platform }: DecisionContext,
  pool: string,
  asOperator: boolean,
): Family | undefined {
  const { spec, owner } = platform.pools.get(pool) ?? {};
  const isOwn = owner !== undefined && owner === draft.state.namespace?.uid;
  return asOperator || isOwn ? spec?.ipFamily : undefined;
}

/** The length, and the very block if one is asked for: what is requested, else what is usual. */
function blockAsked(
  { address, prefixLength }: IPClaimSpec,
  family: Family,
  ipClass: IPClass | undefined,
  usualLength: number | undefined,
): Found<Pick<ClaimSource, 'length' | 'wanted'>> {
  const given = address === undefined ? undefined : parsed(address);
  if (given !== undefined && given.family !== family) {
    return refuse('FamilyMismatch', `${address} is ${given.family}, not ${family}`);
  }
  const whole = address?.includes('/') ? given : undefined;
  if (whole !== undefined && prefixLength !== undefined && whole.length !== prefixLength) {
    return refuse('PrefixLengthRejected', `${address} is no /${prefixLength}`);
  }
  const length = whole?.length ?? prefixLength ?? usualLength ?? given?.length;
  if (length === undefined) {
    return refuse('PrefixLengthRejected', 'spec.prefixLength is required: nothing else states one');
  }
  if (length > familyWidth(family)) {
    return refuse('PrefixLengthRejected', `${family} has no prefixes of length /${length}`);
  }
  if (ipClass !== undefined && !allowsLength(ipClass.spec, length)) {
    const message = `IPClass "${ipClass.name}" has no blocks of length /${length}`;
    return refuse('PrefixLengthRejected', message);
  }
  if (given === undefined) return { done: { length, wanted: undefined } };
  const bare = address?.split('/')[0];
  try {
    return { done: { length, wanted: parsePrefix(`${bare}/${length}`) } };
  } catch (error) {
    if (!(error instanceof InvalidAddress)) throw error;
    const cause = { reason: 'FieldValueInvalid', message: error.message, field: 'spec.address' };
    return { refused: { reason: 'Invalid', message: error.message, causes: [cause] } };
  }
}

function parsed(address: string): Prefix {
  return address.includes('/') ? parsePrefix(address) : parseAddress(address);
}

/** The part of the scope that the class's pools are kept apart by, which the claim has to state. */
function requiredScope(
  draft: ProjectDraft,
  spec: IPClaimSpec,
  ipClass: IPClass,
  poolClass: IPClass,
): Found<Scope> {
  const given = { project: draft.state.name, ...spec.scope };
  const scope = scopeOf(poolClass, given);
  const missing = Object.entries(scope).flatMap(([role, name]) => (name === undefined ? role : []));
  if (missing.length === 0) return { done: scope };
  const fields = missing.map((role) => `spec.scope.${role}`).join(' and ');
  return refuse('ScopeRolesMissing', `IPClass "${ipClass.name}" needs ${fields}`);
}
