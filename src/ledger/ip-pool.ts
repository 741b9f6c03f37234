import { z } from 'zod';
import {
  contains,
  familyWidth,
  formatPrefix,
  overlaps,
  type Prefix,
  parsePrefix,
} from '../addressing/prefix.ts';
import { limits } from '../limits.ts';
import { durationMs } from './durations.ts';
import { family, type Problem, reservations } from './ip-class.ts';
import { keyedList, SET_LIST } from './list-types.ts';
import { dnsLabel } from './names.ts';
import { edgeBlocks, type ReservedBlock, sizeWithoutEdges } from './reserved-blocks.ts';

/**
 * An IPPool that an operator authors: a root with ranges of its own, or a child that is carved from
 * another pool. Its spec is a storage format (`IPPoolCreated` holds it) and the body of the API's
 * object at once, so that one schema says what a pool may be.
 */
const cidr = z.string().max(64);
const prefixLength = z.int().min(0).max(128);

export const ipPoolSpec = z.strictObject({
  ipFamily: family.describe('The address family.'),
  cidr: cidr.optional().describe('The first range of a root.'),
  parentPoolRef: z
    .strictObject({ name: dnsLabel.describe('Its name.') })
    .optional()
    .describe('The pool that a child is carved from.'),
  prefixLength: prefixLength.optional().describe('How large a child is.'),
  additionalCIDRs: z
    .array(cidr)
    .max(limits.poolFurtherRangesMax)
    .optional()
    .describe('Further ranges of a root, in the order in which they are used up.'),
  classNames: z
    .array(dnsLabel)
    .max(64)
    .default([])
    .describe("The classes whose blocks, or whose children's ranges, are taken from it.")
    .meta(SET_LIST),
  projectRef: z
    .strictObject({ name: dnsLabel.describe('Its name.') })
    .optional()
    .describe('The project that owns it; the platform, where none is named.'),
  allocation: z
    .strictObject({
      minPrefixLength: prefixLength.optional().describe('The shortest prefix of a block.'),
      maxPrefixLength: prefixLength.optional().describe('The longest.'),
      strategy: z
        .enum(['FirstFit', 'BestFit'])
        .optional()
        .describe('The lowest free block, or one of the smallest free region; FirstFit if absent.'),
    })
    .optional()
    .describe('How long blocks are, and how they are chosen.'),
  reservations: reservations
    .optional()
    .describe('Blocks at both ends of each range that are withheld.'),
  excludedCIDRs: z
    .array(
      z.strictObject({
        cidr: cidr.describe('The block.'),
        reason: z.string().max(limits.exclusionReasonCharsMax).describe('Why.'),
      }),
    )
    .max(limits.poolExclusionsMax)
    .meta(keyedList('cidr'))
    .optional()
    .describe('Blocks that nobody gets.'),
  maxRetentionLease: z
    .string()
    .refine((text) => durationMs(text) !== undefined, 'must be a duration such as 24h or 720h')
    .optional()
    .describe('The longest that anything of it is retained, such as 720h.'),
  draining: z.boolean().optional().describe('Hands out nothing new; what is held stays.'),
});
export type IPPoolSpec = z.infer<typeof ipPoolSpec>;

/** Fields that no update changes. */
export const IMMUTABLE_POOL_FIELDS = [
  'ipFamily',
  'cidr',
  'parentPoolRef',
  'prefixLength',
  'projectRef',
] as const satisfies readonly (keyof IPPoolSpec)[];

/** The ranges that a root's spec names, in the order in which they are used up. */
export function rangesOf(spec: IPPoolSpec): string[] {
  return spec.cidr === undefined ? [] : [spec.cidr, ...(spec.additionalCIDRs ?? [])];
}

/** What is withheld in a pool of this spec whose ranges are these. */
export function reservedBlocks(spec: IPPoolSpec, ranges: readonly Prefix[]): ReservedBlock[] {
  const excluded = spec.excludedCIDRs ?? [];
  return [
    ...ranges.flatMap((range) => edgeBlocks(range, spec.reservations, 'range')),
    ...excluded.map(({ cidr: prefix, reason }) => ({ prefix, reason })),
  ];
}

/** Why a pool of this spec hands out no block of this length, if it does not. */
export function lengthProblem(
  pool: { readonly name: string; readonly spec: IPPoolSpec },
  length: number,
): string | undefined {
  const { minPrefixLength: min, maxPrefixLength: max } = pool.spec.allocation ?? {};
  const isAllowed = length >= (min ?? 0) && length <= (max ?? length);
  if (isAllowed) return undefined;
  const bounds = [min === undefined ? '' : `no shorter than /${min}`].concat(
    max === undefined ? [] : [`no longer than /${max}`],
  );
  const wanted = bounds.filter((bound) => bound !== '').join(' and ');
  return `pool "${pool.name}" hands out blocks ${wanted}, not /${length}`;
}

/**
 * What is wrong with a pool by itself. The ranges of a child are known when it has been carved:
 * then they are given, and what has to lie in them is checked.
 */
export function poolProblems(spec: IPPoolSpec, carved?: readonly Prefix[]): Problem[] {
  const shape = shapeProblems(spec);
  if (shape.length > 0) return shape;
  const problems: Problem[] = [];
  const ranges = carved ?? disjoint(spec, rangeFields(spec), 'another range of it', problems);
  const exclusions = (spec.excludedCIDRs ?? []).map(({ cidr: text }, index): Field => {
    return [`spec.excludedCIDRs[${index}].cidr`, text];
  });
  const excluded = disjoint(spec, exclusions, 'another one', problems);
  if (problems.length > 0) return problems;
  problems.push(...edgeProblems(spec, ranges), ...boundProblems(spec));
  if (problems.length > 0 || (spec.cidr === undefined && carved === undefined)) return problems;
  const edges = ranges.flatMap((range) => edgeBlocks(range, spec.reservations, 'range'));
  excluded.forEach((block, index) => {
    const path = `spec.excludedCIDRs[${index}].cidr`;
    if (!ranges.some((range) => contains(range, block))) {
      problems.push({ path, message: `${formatPrefix(block)} lies in no range of the pool` });
    } else if (edges.some(({ prefix }) => overlaps(parsePrefix(prefix), block))) {
      problems.push({ path, message: `${formatPrefix(block)} is reserved already` });
    }
  });
  return problems;
}

type Field = readonly [path: string, text: string];

function rangeFields(spec: IPPoolSpec): Field[] {
  const [first, ...further] = rangesOf(spec);
  if (first === undefined) return [];
  const paths = further.map((text, index): Field => [`spec.additionalCIDRs[${index}]`, text]);
  return [['spec.cidr', first], ...paths];
}

/** A root has ranges and no parent, a child a parent and a length. */
function shapeProblems(spec: IPPoolSpec): Problem[] {
  const problems: Problem[] = [];
  const say = (path: string, message: string) => problems.push({ path, message });
  if (spec.parentPoolRef === undefined) {
    if (spec.cidr === undefined) say('spec.cidr', 'is required for a pool without parentPoolRef');
    if (spec.prefixLength !== undefined) say('spec.prefixLength', 'is for pools with a parent');
    return problems;
  }
  if (spec.cidr !== undefined) say('spec.cidr', 'is for pools without a parent');
  if (spec.additionalCIDRs?.length) say('spec.additionalCIDRs', 'is for pools without a parent');
  if (spec.prefixLength === undefined) {
    say('spec.prefixLength', 'is required for a pool with parentPoolRef');
  } else if (spec.prefixLength > familyWidth(spec.ipFamily)) {
    say('spec.prefixLength', `must be no more than ${familyWidth(spec.ipFamily)}`);
  }
  return problems;
}

/** Reads prefixes in canonical text, of the pool's family, no two of which overlap. */
function disjoint(
  spec: IPPoolSpec,
  fields: readonly Field[],
  other: string,
  problems: Problem[],
): Prefix[] {
  const read: Prefix[] = [];
  for (const [path, text] of fields) {
    const prefix = readPrefix(text);
    if (typeof prefix === 'string') problems.push({ path, message: prefix });
    else if (prefix.family !== spec.ipFamily) {
      problems.push({ path, message: `${text} must be ${spec.ipFamily}` });
    } else if (read.some((one) => overlaps(one, prefix))) {
      problems.push({ path, message: `${text} overlaps ${other}` });
    } else read.push(prefix);
  }
  return read;
}

function readPrefix(text: string): Prefix | string {
  try {
    const prefix = parsePrefix(text);
    const canonical = formatPrefix(prefix);
    return text === canonical ? prefix : `must be written as ${canonical}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function edgeProblems(spec: IPPoolSpec, ranges: readonly Prefix[]): Problem[] {
  const { reservations } = spec;
  if (reservations === undefined) return [];
  const { unitPrefixLength } = reservations;
  const path = 'spec.reservations';
  if (unitPrefixLength > familyWidth(spec.ipFamily)) {
    const message = `must be no more than ${familyWidth(spec.ipFamily)}`;
    return [{ path: `${path}.unitPrefixLength`, message }];
  }
  const full = ranges.find(
    (range) => unitPrefixLength < range.length || sizeWithoutEdges(range, reservations) <= 0n,
  );
  return full === undefined ? [] : [{ path, message: `leave nothing of ${formatPrefix(full)}` }];
}

function boundProblems(spec: IPPoolSpec): Problem[] {
  const width = familyWidth(spec.ipFamily);
  const { minPrefixLength: min = 0, maxPrefixLength: max = width } = spec.allocation ?? {};
  const path = 'spec.allocation';
  if (Math.max(min, max) > width) return [{ path, message: `lengths end with /${width}` }];
  if (min <= max) return [];
  return [{ path, message: 'minPrefixLength must not exceed maxPrefixLength' }];
}

/** An authored pool and its level, as refusals name it. */
export function describedPool(name: string, { parentPoolRef }: IPPoolSpec): string {
  const level = parentPoolRef === undefined ? 'root' : `part of "${parentPoolRef.name}"`;
  return `pool "${name}" (${level})`;
}
