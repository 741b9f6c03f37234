import { z } from 'zod';
import { overlaps, type Prefix, parsePrefix } from '../addressing/prefix.ts';
import {
  classChain,
  classProblems,
  family,
  ipClassSpec,
  lengthOf,
  type Problem,
  withholdsGateway,
} from './ip-class.ts';
import { dnsLabel } from './names.ts';

/**
 * The addressing plan: the seeded classes and root pools. It is data: an operator's file replaces
 * the built-in one, and the one in force is recorded in the log's first events.
 */
export const addressingPlan = z.strictObject({
  classes: z
    .array(
      z.strictObject({ name: dnsLabel, default: z.boolean().default(false), spec: ipClassSpec }),
    )
    .min(1)
    .max(64),
  pools: z
    .array(
      z.strictObject({
        name: dnsLabel,
        ipFamily: family,
        cidr: z.string().max(64),
        classNames: z.array(dnsLabel).min(1).max(64),
      }),
    )
    .max(64),
});
export type AddressingPlan = z.infer<typeof addressingPlan>;

/** The text of the plan that netalloc comes with, as `netalloc plan` prints it. */
const BUILT_IN: z.input<typeof addressingPlan> = {
  classes: [
    { name: 'tenant-ipv6', spec: { ipFamily: 'IPv6' } },
    {
      name: 'tenant-project-ipv6',
      spec: {
        ipFamily: 'IPv6',
        parentClassName: 'tenant-ipv6',
        poolPer: ['project'],
        defaultPrefixLength: 40,
      },
    },
    {
      name: 'tenant-network-ipv6',
      spec: {
        ipFamily: 'IPv6',
        parentClassName: 'tenant-project-ipv6',
        poolPer: ['project', 'network'],
        defaultPrefixLength: 48,
      },
    },
    {
      name: 'tenant-subnet-ipv6',
      spec: {
        ipFamily: 'IPv6',
        parentClassName: 'tenant-network-ipv6',
        poolPer: ['project', 'network', 'location'],
        defaultPrefixLength: 64,
        reservations: { leading: 1, trailing: 0, unitPrefixLength: 96 },
      },
    },
    {
      name: 'tenant-endpoint-ipv6',
      default: true,
      spec: {
        ipFamily: 'IPv6',
        parentClassName: 'tenant-subnet-ipv6',
        defaultPrefixLength: 96,
        visibility: 'shared',
        projects: ['*'],
      },
    },
    {
      name: 'tenant-network-ipv4',
      spec: { ipFamily: 'IPv4', poolPer: ['project', 'network'], poolCIDR: '10.128.0.0/9' },
    },
    {
      name: 'tenant-subnet-ipv4',
      spec: {
        ipFamily: 'IPv4',
        parentClassName: 'tenant-network-ipv4',
        poolPer: ['project', 'network', 'location'],
        defaultPrefixLength: 20,
        reservations: { leading: 2, trailing: 2, unitPrefixLength: 32 },
      },
    },
    {
      name: 'tenant-endpoint-ipv4',
      default: true,
      spec: {
        ipFamily: 'IPv4',
        parentClassName: 'tenant-subnet-ipv4',
        defaultPrefixLength: 32,
        visibility: 'shared',
        projects: ['*'],
      },
    },
  ],
  pools: [
    { name: 'tenant-ipv6', ipFamily: 'IPv6', cidr: 'fd20::/20', classNames: ['tenant-ipv6'] },
  ],
};

/** The plan that netalloc comes with. */
export function builtInPlan(): AddressingPlan {
  return addressingPlan.parse(BUILT_IN);
}

/** The shape of the message that a wrong plan is refused with: one line a problem. */
export class InvalidPlan extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}`);
    super(`the addressing plan is not usable:\n${lines.join('\n')}`);
    this.name = 'InvalidPlan';
    this.problems = problems;
  }
}

/** Checks a parsed JSON value as a plan. Throws InvalidPlan naming every field that is wrong. */
export function readPlan(value: unknown): AddressingPlan {
  const parsed = addressingPlan.safeParse(value);
  if (!parsed.success) {
    throw new InvalidPlan(
      parsed.error.issues.map((issue) => ({
        path: issue.path.join('.') || '(whole file)',
        message: issue.message,
      })),
    );
  }
  const problems = planProblems(parsed.data);
  if (problems.length > 0) throw new InvalidPlan(problems);
  return parsed.data;
}

/** What is wrong with a plan beyond its shape: broken chains, two defaults, overlapping pools. */
function planProblems(plan: AddressingPlan): Problem[] {
  return [...classListProblems(plan), ...familyProblems(plan), ...poolProblems(plan)];
}

function classListProblems(plan: AddressingPlan): Problem[] {
  const problems: Problem[] = [];
  const byName = new Map(plan.classes.map((entry) => [entry.name, entry]));
  const names = new Set<string>();
  plan.classes.forEach((entry, index) => {
    const at = `classes.${index}`;
    if (names.has(entry.name)) {
      problems.push({ path: `${at}.name`, message: `"${entry.name}" stands twice` });
    }
    names.add(entry.name);
    for (const { path, message } of classProblems(entry.spec)) {
      problems.push({ path: `${at}.${path}`, message });
    }
    const chained = classChain(entry.name, (name) => byName.get(name));
    if ('problem' in chained) {
      problems.push({ path: `${at}.${chained.problem.path}`, message: chained.problem.message });
    }
  });
  return problems;
}

/**
 * A claim follows the chain of its family's default class: the block is an endpoint of a subnet,
 * which is a pool per location, and that is a part of a network's range, a pool per network.
 */
function familyProblems(plan: AddressingPlan): Problem[] {
  const problems: Problem[] = [];
  const defaultOf = new Map<string, string>();
  plan.classes.forEach(({ name, spec, default: isDefault }, index) => {
    if (!isDefault) return;
    const at = `classes.${index}`;
    const say = (path: string, message: string) => problems.push({ path, message });
    const other = defaultOf.get(spec.ipFamily);
    if (other !== undefined) say(`${at}.default`, `"${other}" is the default of ${spec.ipFamily}`);
    defaultOf.set(spec.ipFamily, name);
    if (lengthOf(spec) === undefined) {
      say(`${at}.spec.defaultPrefixLength`, 'is required for a default class');
    }
    const subnetIndex = plan.classes.findIndex((one) => one.name === spec.parentClassName);
    const subnet = plan.classes[subnetIndex]?.spec;
    const network = plan.classes.find((one) => one.name === subnet?.parentClassName)?.spec;
    if (!(subnet?.poolPer?.includes('location') && network?.poolPer?.includes('network'))) {
      const chain = 'a pool per location, and that one a parent with a pool per network';
      say(`${at}.spec.parentClassName`, `a default class needs a parent with ${chain}`);
    } else if (!withholdsGateway(subnet)) {
      const path = `classes.${subnetIndex}.spec.reservations`;
      say(path, 'must withhold the first two addresses: the second is the gateway');
    }
  });
  return problems;
}

function poolProblems(plan: AddressingPlan): Problem[] {
  const problems: Problem[] = [];
  const ranges: Prefix[] = [];
  const names = new Set<string>();
  const classes = new Map(plan.classes.map((entry) => [entry.name, entry.spec]));
  plan.pools.forEach((pool, index) => {
    const say = (field: string, message: string) =>
      problems.push({ path: `pools.${index}.${field}`, message });
    if (names.has(pool.name)) say('name', `"${pool.name}" stands twice`);
    names.add(pool.name);
    for (const name of pool.classNames) {
      const spec = classes.get(name);
      if (spec === undefined) say('classNames', `IPClass "${name}" does not exist`);
      else if (spec.ipFamily !== pool.ipFamily) say('classNames', `"${name}" is ${spec.ipFamily}`);
      else if (spec.poolPer?.length) say('classNames', `pools of "${name}" are made on demand`);
    }
    try {
      const range = parsePrefix(pool.cidr);
      if (range.family !== pool.ipFamily) say('cidr', `must be ${pool.ipFamily}`);
      if (ranges.some((other) => overlaps(other, range))) say('cidr', 'overlaps another pool');
      ranges.push(range);
      for (const child of plan.classes) {
        const length = lengthOf(child.spec);
        if (!pool.classNames.includes(child.spec.parentClassName ?? '') || length === undefined) {
          continue;
        }
        if (length < range.length) say('cidr', `has no room for a /${length} of "${child.name}"`);
      }
    } catch (error) {
      say('cidr', (error as Error).message);
    }
  });
  return problems;
}
