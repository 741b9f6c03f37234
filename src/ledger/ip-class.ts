import { z } from 'zod';
import { contains, familyWidth, type Prefix, parsePrefix } from '../addressing/prefix.ts';
import { limits } from '../limits.ts';
import { durationMs } from './durations.ts';
import { dnsLabel, projectOrEvery } from './names.ts';

/**
 * An IPClass: a kind of address. Its spec is a storage format (`IPClassCreated` holds it) and the
 * body of the API's object at once, so that one schema says what a class may be.
 */
export const family = z.enum(['IPv4', 'IPv6']);
const scopeLevel = z.enum(['project', 'network', 'location']);
export type ScopeLevel = z.infer<typeof scopeLevel>;

const duration = z
  .string()
  .refine((text) => durationMs(text) !== undefined, 'must be a duration such as 150s, 24h or 720h');
const prefixLength = z.int().min(0).max(128);
const count = z.int().min(0).max(65_536);

export const reservations = z.strictObject({
  leading: count.describe('How many at the beginning.'),
  trailing: count.describe('How many at the end.'),
  unitPrefixLength: prefixLength.describe('The length of each.'),
});

export const ipClassSpec = z.strictObject({
  ipFamily: family.describe('The address family.'),
  parentClassName: dnsLabel
    .optional()
    .describe('The class whose pools those of this class are carved from.'),
  poolPer: z
    .array(scopeLevel)
    .max(3)
    .optional()
    .describe('What has a pool of its own, made on demand; absent, it hands out blocks.'),
  poolCIDR: z
    .string()
    .max(64)
    .optional()
    .describe('The range of each pool that is a routing domain of its own.'),
  uniqueWithin: z
    .literal('platform')
    .default('platform')
    .describe('Where no block is handed out twice.'),
  allowedPrefixLengths: z
    .strictObject({
      min: prefixLength.describe('The shortest prefix.'),
      max: prefixLength.describe('The longest.'),
    })
    .optional()
    .describe('The lengths that a block may have; only the default one if absent.'),
  defaultPrefixLength: prefixLength
    .optional()
    .describe('The length of a block for which none is asked.'),
  reservations: reservations
    .optional()
    .describe('Blocks at both ends of each new pool that are withheld.'),
  strategy: z
    .enum(['FirstFit', 'LeastUtilized'])
    .default('FirstFit')
    .describe('Which pool comes first: by name, or by how much of it is free.'),
  reclaimPolicy: z
    .enum(['Delete', 'Retain'])
    .default('Delete')
    .describe('What becomes of the block of an IPClaim that states no policy when it is deleted.'),
  retentionLease: duration
    .optional()
    .describe('How long something retained is kept, such as 720h; for ever if absent.'),
  retentionGrace: duration.optional().describe('How long it is kept after that, with a warning.'),
  quarantine: duration
    .optional()
    .describe('How long a released block rests; 150s if it is private, else 24h, if absent.'),
  projectQuota: z
    .int()
    .min(0)
    .optional()
    .describe('The most addresses or blocks of it that one project may hold.'),
  projectQuotas: z
    .record(dnsLabel, z.int().min(0))
    .optional()
    .describe('The same for projects that have another quota, by name.'),
  visibility: z
    .enum(['platform', 'shared'])
    .default('platform')
    .describe('Who may name it: operators, or the projects that are listed, too.'),
  projects: z
    .array(projectOrEvery)
    .max(1_000)
    .optional()
    .describe('The projects that may name it where it is shared; `*` is every one.'),
});
export type IPClassSpec = z.infer<typeof ipClassSpec>;

/** Fields that no update changes; all others bind what is decided afterwards. */
export const IMMUTABLE_CLASS_FIELDS = [
  'ipFamily',
  'parentClassName',
  'poolPer',
  'poolCIDR',
  'uniqueWithin',
] as const satisfies readonly (keyof IPClassSpec)[];

/** A class as decisions read it: its spec, and which object of that name it is. */
export interface IPClass {
  readonly name: string;
  readonly uid: string;
  /** Platform revision of the event that last changed it. */
  readonly revision: number;
  readonly isDefault: boolean;
  readonly spec: IPClassSpec;
}

/** The class of this name, or undefined. */
export type ClassLookup = (name: string) => Pick<IPClass, 'spec'> | undefined;

/** The policy that a holding is given, copied into its event so that release needs no class. */
export interface HoldingPolicy {
  /** None of a block that no class was asked for. */
  readonly classUid?: string | undefined;
  readonly classRevision?: number | undefined;
  readonly quarantineMs: number;
  readonly retentionLeaseMs: number | null;
  readonly retentionGraceMs: number;
}

const DAY_MS = 24 * 3_600_000;
const PRIVATE_QUARANTINE_MS = 150_000;
const PRIVATE_RANGES = [
  'fc00::/7',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
];
const privateRanges = PRIVATE_RANGES.map(parsePrefix);

/** How long a released block stays out of use: the class's word, else by the kind of address. */
export function quarantineMsOf(spec: Partial<IPClassSpec>, block: Prefix): number {
  if (spec.quarantine !== undefined) return durationMs(spec.quarantine) ?? 0;
  return privateRanges.some((range) => contains(range, block)) ? PRIVATE_QUARANTINE_MS : DAY_MS;
}

/** The policy a block of this class, or of none, is handed out under. */
export function holdingPolicy(ipClass: IPClass | undefined, block: Prefix): HoldingPolicy {
  const spec: Partial<IPClassSpec> = ipClass?.spec ?? {};
  return {
    ...(ipClass && { classUid: ipClass.uid, classRevision: ipClass.revision }),
    quarantineMs: quarantineMsOf(spec, block),
    retentionLeaseMs:
      spec.retentionLease === undefined ? null : (durationMs(spec.retentionLease) ?? null),
    retentionGraceMs: durationMs(spec.retentionGrace ?? '0s') ?? 0,
  };
}

/** The length of a block or pool of a class that states no other: default, else the only one. */
export function lengthOf(spec: IPClassSpec): number | undefined {
  if (spec.defaultPrefixLength !== undefined) return spec.defaultPrefixLength;
  const allowed = spec.allowedPrefixLengths;
  return allowed !== undefined && allowed.min === allowed.max ? allowed.min : undefined;
}

/** Whether a block or pool of a class may have this length. A class that names none allows all. */
export function allowsLength(spec: IPClassSpec, length: number): boolean {
  const allowed = spec.allowedPrefixLengths;
  if (allowed !== undefined) return length >= allowed.min && length <= allowed.max;
  return spec.defaultPrefixLength === undefined || length === spec.defaultPrefixLength;
}

/** Whether a project may name this class; operators may name any. */
export function isClassOpenTo(spec: IPClassSpec, project: string, asOperator: boolean): boolean {
  if (asOperator) return true;
  const projects = spec.visibility === 'shared' ? (spec.projects ?? []) : [];
  return projects.includes('*') || projects.includes(project);
}

/** One thing wrong with a class or a plan, and where. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** What is wrong with a class by itself: lengths that fit its family, a pool range that parses. */
export function classProblems(spec: IPClassSpec): Problem[] {
  const problems: Problem[] = [];
  const width = familyWidth(spec.ipFamily);
  const say = (path: string, message: string) => problems.push({ path, message });
  const allowed = spec.allowedPrefixLengths;
  const length = spec.defaultPrefixLength;
  if (length !== undefined && length > width) {
    say('spec.defaultPrefixLength', `must be no more than ${width} for ${spec.ipFamily}`);
  }
  if (allowed !== undefined) {
    if (allowed.min > allowed.max) say('spec.allowedPrefixLengths', 'min must not exceed max');
    if (allowed.max > width) say('spec.allowedPrefixLengths.max', `must be no more than ${width}`);
    if (length !== undefined && (length < allowed.min || length > allowed.max)) {
      say('spec.defaultPrefixLength', 'must be one of the allowed prefix lengths');
    }
  }
  const poolPer = new Set(spec.poolPer ?? []);
  if (poolPer.size !== (spec.poolPer ?? []).length) say('spec.poolPer', 'names a level twice');
  for (const [level, needed] of [
    ['network', 'project'],
    ['location', 'network'],
  ] as const) {
    if (poolPer.has(level) && !poolPer.has(needed)) say('spec.poolPer', `${level} needs ${needed}`);
  }
  if (poolPer.size > 0 && spec.parentClassName !== undefined && lengthOf(spec) === undefined) {
    say('spec.defaultPrefixLength', 'is required for pools that are carved on demand');
  }
  problems.push(...rangeProblems(spec), ...reservationProblems(spec, width));
  return problems;
}

function rangeProblems(spec: IPClassSpec): Problem[] {
  const path = 'spec.poolCIDR';
  const isRoutingDomain = (spec.poolPer ?? []).length > 0 && spec.parentClassName === undefined;
  if (spec.poolCIDR === undefined) {
    return isRoutingDomain ? [{ path, message: 'is required for a pool without a parent' }] : [];
  }
  if (!isRoutingDomain) return [{ path, message: 'is for classes with poolPer and no parent' }];
  try {
    const range = parsePrefix(spec.poolCIDR);
    return range.family === spec.ipFamily ? [] : [{ path, message: `must be ${spec.ipFamily}` }];
  } catch (error) {
    return [{ path, message: (error as Error).message }];
  }
}

function reservationProblems(spec: IPClassSpec, width: number): Problem[] {
  if (spec.reservations === undefined) return [];
  const { unitPrefixLength, leading, trailing } = spec.reservations;
  const path = 'spec.reservations';
  if (unitPrefixLength > width) return [{ path, message: `unit must be no more than ${width}` }];
  const length = poolLengthMax(spec);
  if (length === undefined || hasRoom(spec, length, unitPrefixLength)) return [];
  const wanted = `${leading} + ${trailing} units of /${unitPrefixLength}`;
  return [{ path, message: `${wanted} leave nothing of a /${length}` }];
}

/** The length of the smallest pool made of this class, as far as the class alone says. */
function poolLengthMax(spec: IPClassSpec): number | undefined {
  if (spec.poolCIDR === undefined) return spec.allowedPrefixLengths?.max ?? lengthOf(spec);
  try {
    return parsePrefix(spec.poolCIDR).length;
  } catch {
    return undefined;
  }
}

/** Whether a pool of this length has a block of that length left beside what is reserved in it. */
export function hasRoom(spec: IPClassSpec, poolLength: number, blockLength: number): boolean {
  const width = familyWidth(spec.ipFamily);
  const { leading = 0, trailing = 0, unitPrefixLength = width } = spec.reservations ?? {};
  // Lengths that the family does not have are another problem than this one.
  if (Math.max(poolLength, blockLength, unitPrefixLength) > width) return true;
  if (blockLength < poolLength) return false;
  const unit = 1n << BigInt(width - unitPrefixLength);
  const block = 1n << BigInt(width - blockLength);
  const end = (1n << BigInt(width - poolLength)) - BigInt(trailing) * unit;
  const first = (BigInt(leading) * unit + block - 1n) / block;
  return (first + 1n) * block <= end;
}

/**
 * A class and its ancestors, itself first. A broken chain is a problem: a missing parent, a cycle,
 * more than eight levels, another family, a child that is no longer than its parent or whose pools
 * serve no smaller scope.
 */
export function classChain(
  name: string,
  lookup: ClassLookup,
): { chain: string[] } | { problem: Problem } {
  const chain: string[] = [];
  let child: IPClassSpec | undefined;
  for (let at: string | undefined = name; at !== undefined; ) {
    const broken = (message: string) => ({ problem: { path: 'spec.parentClassName', message } });
    if (chain.includes(at)) return broken(`${[...chain, at].join(' -> ')} is a cycle`);
    const spec: IPClassSpec | undefined = lookup(at)?.spec;
    if (spec === undefined) return broken(`IPClass "${at}" does not exist`);
    if (chain.length === limits.classChainDepthMax) {
      return broken(`the chain has more than ${limits.classChainDepthMax} classes`);
    }
    if (child !== undefined) {
      const message = linkProblem(child, at, spec);
      if (message !== undefined) return broken(message);
    }
    chain.push(at);
    child = spec;
    at = spec.parentClassName;
  }
  return { chain };
}

function linkProblem(child: IPClassSpec, parentName: string, parent: IPClassSpec) {
  if (child.ipFamily !== parent.ipFamily) {
    return `IPClass "${parentName}" is ${parent.ipFamily}, its child is ${child.ipFamily}`;
  }
  const [levels, parentLevels] = [child.poolPer ?? [], parent.poolPer ?? []];
  const isWithin = parentLevels.every((level) => levels.includes(level));
  if (levels.length > 0 && !(isWithin && levels.length > parentLevels.length)) {
    return `its pools must be kept apart by more than those of IPClass "${parentName}"`;
  }
  const childLength = lengthOf(child);
  const parentLength = poolLengthMax(parent);
  if (childLength === undefined || parentLength === undefined) return undefined;
  if (childLength <= parentLength) {
    return `/${childLength} must be longer than the /${parentLength} of IPClass "${parentName}"`;
  }
  if (hasRoom(parent, parentLength, childLength)) return undefined;
  return `the reservations of IPClass "${parentName}" leave no room for a /${childLength}`;
}

/**
 * Why a class cannot be the default of its family, if it cannot. A claim follows the chain of its
 * family's default class: the block is an endpoint of a subnet, which is a pool per location, and
 * that is a part of a network's range, a pool per network.
 */
export function defaultClassProblem(name: string, lookup: ClassLookup): string | undefined {
  const spec = lookup(name)?.spec;
  if (spec === undefined || lengthOf(spec) === undefined) {
    return `"${name}" needs spec.defaultPrefixLength`;
  }
  const subnet = lookup(spec.parentClassName ?? '')?.spec;
  const network = lookup(subnet?.parentClassName ?? '')?.spec;
  if (!(subnet?.poolPer?.includes('location') && network?.poolPer?.includes('network'))) {
    const chain = 'a pool per location, and that one a parent with a pool per network';
    return `"${name}" needs a parent with ${chain}`;
  }
  if (withholdsGateway(subnet)) return undefined;
  return `its subnets, of "${spec.parentClassName}", must withhold their first two addresses`;
}

/** Whether the second address of a subnet, which is the gateway, is nobody's. */
export function withholdsGateway({ ipFamily, reservations }: IPClassSpec): boolean {
  if (reservations === undefined) return false;
  const hostBits = familyWidth(ipFamily) - reservations.unitPrefixLength;
  return reservations.leading >= (hostBits === 0 ? 2 : 1);
}
