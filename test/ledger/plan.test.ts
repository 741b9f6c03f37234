import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../src/addressing/prefix.ts';
import {
  allowsLength,
  classChain,
  type IPClassSpec,
  ipClassSpec,
  lengthOf,
  quarantineMsOf,
} from '../../src/ledger/ip-class.ts';
import { builtInPlan, InvalidPlan, readPlan } from '../../src/ledger/plan.ts';
import { limits } from '../../src/limits.ts';
import { planOf } from './commands.ts';

/** A plan as a file would have it, with one field changed; `undefined` takes the field away. */
function changed(path: string, value: unknown): unknown {
  const plan = structuredClone(planOf()) as unknown;
  const steps = path.split('.');
  const last = steps.pop() as string;
  // biome-ignore lint/suspicious/noExplicitAny: a file may hold anything.
  const parent = steps.reduce((at: any, step) => at[step], plan);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return plan;
}

function problemsOf(plan: unknown): string[] {
  try {
    readPlan(plan);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidPlan);
    return (error as InvalidPlan).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const ENDPOINT6 = 4;
const NETWORK4 = 5;
const SUBNET4 = 6;
const ENDPOINT4 = 7;

describe('a plan', () => {
  it('that is built in or of its shape is usable', () => {
    expect(readPlan(JSON.parse(JSON.stringify(builtInPlan())))).toEqual(builtInPlan());
    expect(readPlan(JSON.parse(JSON.stringify(planOf())))).toEqual(planOf());
  });

  it('is built in as the documented classes and lengths', () => {
    const { classes, pools } = builtInPlan();
    const lengths = classes.map(({ name, spec }) => [name, lengthOf(spec) ?? spec.poolCIDR]);
    expect(Object.fromEntries(lengths)).toEqual({
      'tenant-ipv6': undefined,
      'tenant-project-ipv6': 40,
      'tenant-network-ipv6': 48,
      'tenant-subnet-ipv6': 64,
      'tenant-endpoint-ipv6': 96,
      'tenant-network-ipv4': '10.128.0.0/9',
      'tenant-subnet-ipv4': 20,
      'tenant-endpoint-ipv4': 32,
    });
    expect(pools.map(({ name, cidr }) => [name, cidr])).toEqual([['tenant-ipv6', 'fd20::/20']]);
  });

  const cases: [string, unknown, string][] = [
    ['classes', undefined, 'classes: Invalid input'],
    ['pools.0.cidr', 7, 'pools.0.cidr: Invalid input'],
    ['classes.0.name', 'Root_6', 'classes.0.name: must consist of lower case'],
    ['classes.0.spec.ipFamily', 'IPv5', 'classes.0.spec.ipFamily: Invalid option'],
    ['classes.0.spec.colour', 'red', 'classes.0.spec: Unrecognized key: "colour"'],
    ['classes.0.spec.uniqueWithin', 'project', 'classes.0.spec.uniqueWithin: Invalid input'],
    ['classes.4.spec.quarantine', '5 minutes', 'classes.4.spec.quarantine: must be a duration'],
    ['classes.1.name', 'root6', 'classes.1.name: "root6" stands twice'],
    ['classes.1.spec.parentClassName', 'none', 'classes.1.spec.parentClassName: IPClass "none"'],
    ['classes.1.spec.parentClassName', 'endpoint6', 'network6 -> project6 -> endpoint6 is a cycle'],
    ['classes.1.spec.parentClassName', 'network4', 'is IPv4, its child is IPv6'],
    ['classes.2.spec.defaultPrefixLength', 118, '/118 must be longer than the /118'],
    ['classes.2.spec.defaultPrefixLength', undefined, 'is required for pools that are carved'],
    ['classes.2.spec.poolPer', ['project'], 'must be kept apart by more than those of IPClass'],
    ['classes.3.spec.poolPer', ['location'], 'classes.3.spec.poolPer: location needs network'],
    ['classes.2.spec.poolPer', ['network'], 'classes.2.spec.poolPer: network needs project'],
    ['classes.1.spec.poolPer', ['project', 'project'], 'classes.1.spec.poolPer: names a level'],
    ['classes.4.spec.defaultPrefixLength', 129, 'classes.4.spec.defaultPrefixLength: Too big'],
    ['classes.7.spec.defaultPrefixLength', 33, 'must be no more than 32 for IPv4'],
    ['classes.4.spec.defaultPrefixLength', undefined, 'is required for a default class'],
    ['classes.4.spec.allowedPrefixLengths', { min: 125, max: 124 }, 'min must not exceed max'],
    ['classes.7.spec.allowedPrefixLengths', { min: 32, max: 40 }, '.max: must be no more than 32'],
    ['classes.4.spec.allowedPrefixLengths', { min: 125, max: 126 }, 'must be one of the allowed'],
    ['classes.3.spec.allowedPrefixLengths', { min: 122, max: 124 }, 'must be longer than the /124'],
    ['classes.5.spec.poolCIDR', undefined, 'classes.5.spec.poolCIDR: is required for a pool'],
    ['classes.5.spec.poolCIDR', '10.0.0.1/27', 'classes.5.spec.poolCIDR: "10.0.0.1/27" has host'],
    ['classes.5.spec.poolCIDR', 'fd00::/64', 'classes.5.spec.poolCIDR: must be IPv4'],
    ['classes.1.spec.poolCIDR', 'fd00::/64', 'is for classes with poolPer and no parent'],
    ['classes.3.spec.reservations.leading', 4, '4 + 0 units of /124 leave nothing of a /122'],
    ['classes.3.spec.reservations.unitPrefixLength', 121, 'leave nothing of a /122'],
    ['classes.6.spec.reservations.unitPrefixLength', 64, 'unit must be no more than 32'],
    ['classes.6.spec.reservations.leading', 1, 'classes.6.spec.reservations: must withhold'],
    ['classes.3.spec.reservations', undefined, 'classes.3.spec.reservations: must withhold'],
    ['classes.0.default', true, 'classes.4.default: "root6" is the default of IPv6'],
    ['classes.4.spec.parentClassName', 'network6', 'a default class needs a parent with a pool'],
    ['pools.0.cidr', 'fd20::1/116', 'pools.0.cidr: "fd20::1/116" has host bits'],
    ['pools.0.cidr', '10.0.0.0/8', 'pools.0.cidr: must be IPv6'],
    ['pools.0.cidr', 'fd20::/119', 'pools.0.cidr: has no room for a /118 of "project6"'],
    ['pools.0.classNames', ['none'], 'pools.0.classNames: IPClass "none" does not exist'],
    ['pools.0.classNames', ['network4'], 'pools.0.classNames: "network4" is IPv4'],
    ['pools.0.classNames', ['project6'], 'pools.0.classNames: pools of "project6" are made on'],
    ['pools.0.classNames', [], 'pools.0.classNames: Too small'],
  ];
  it.each(cases)('with %s = %j is refused: %s', (path, value, problem) => {
    expect(problemsOf(changed(path, value)).join('\n')).toContain(problem);
  });

  it('with two pools of one name or that overlap is refused', () => {
    const [pool] = planOf().pools;
    const twice = changed('pools.1', { ...pool, cidr: 'fd20::8000/117' });
    expect(problemsOf(twice)).toEqual(['pools.1.name: "root" stands twice']);
    const inside = changed('pools.1', { ...pool, name: 'inner', cidr: 'fd20::800/117' });
    expect(problemsOf(inside)).toEqual(['pools.1.cidr: overlaps another pool']);
  });

  it('is refused with all its problems at once, and told in one text', () => {
    const plan = changed('pools.0.cidr', '10.0.0.0/8');
    Object.assign((plan as ReturnType<typeof planOf>).classes[ENDPOINT4]!, { name: 'endpoint6' });
    expect(() => readPlan(plan)).toThrow(
      /^the addressing plan is not usable:\n {2}classes\.7\.name: .*\n {2}pools\.0\.cidr: /s,
    );
    expect(problemsOf(7)).toEqual([expect.stringMatching(/^\(whole file\): /)]);
  });

  it('may leave a block beside what is reserved only where it is aligned', () => {
    const two = (length: number) => {
      const plan = changed(`classes.${ENDPOINT4}.spec.defaultPrefixLength`, length);
      return problemsOf(plan);
    };
    expect(two(31)).toEqual([]);
    expect(two(30)).toEqual([
      `classes.${ENDPOINT4}.spec.parentClassName: ` +
        'the reservations of IPClass "subnet4" leave no room for a /30',
    ]);
    expect([ENDPOINT6, NETWORK4, SUBNET4].map((n) => planOf().classes[n]?.name)).toEqual([
      'endpoint6',
      'network4',
      'subnet4',
    ]);
  });
});

describe('the chain of a class', () => {
  const classes =
    (...parents: (string | undefined)[]) =>
    (name: string) => {
      const index = Number(name);
      if (index >= parents.length) return undefined;
      const spec = { ipFamily: 'IPv6', ...parentOf(parents[index]) };
      return { spec: ipClassSpec.parse(spec) as IPClassSpec };
    };
  const parentOf = (parentClassName: string | undefined) =>
    parentClassName === undefined ? {} : { parentClassName };

  it('begins with the class and ends with the root', () => {
    expect(classChain('0', classes('1', '2', undefined))).toEqual({ chain: ['0', '1', '2'] });
  });

  it('has no cycle', () => {
    expect(classChain('0', classes('1', '2', '0'))).toMatchObject({
      problem: { path: 'spec.parentClassName', message: '0 -> 1 -> 2 -> 0 is a cycle' },
    });
    expect(classChain('0', classes('0'))).toHaveProperty('problem');
  });

  it('has no gap', () => {
    expect(classChain('0', classes('1'))).toMatchObject({
      problem: { message: 'IPClass "1" does not exist' },
    });
  });

  it(`has at most ${limits.classChainDepthMax} classes`, () => {
    const deep = (depth: number) => {
      const parents = Array.from({ length: depth - 1 }, (_, n) => String(n + 1));
      return classChain('0', classes(...parents, undefined));
    };
    expect(deep(limits.classChainDepthMax)).toHaveProperty('chain');
    expect(deep(limits.classChainDepthMax + 1)).toMatchObject({
      problem: { message: `the chain has more than ${limits.classChainDepthMax} classes` },
    });
  });
});

describe('a class', () => {
  const spec = (fields: object) => ipClassSpec.parse({ ipFamily: 'IPv6', ...fields });

  it('has the length that it says, else the only one that it allows', () => {
    const between = (min: number, max: number) => ({ allowedPrefixLengths: { min, max } });
    expect(lengthOf(spec({ defaultPrefixLength: 64, ...between(60, 70) }))).toBe(64);
    expect(lengthOf(spec(between(64, 64)))).toBe(64);
    expect(lengthOf(spec(between(60, 64)))).toBeUndefined();
    expect(lengthOf(spec({}))).toBeUndefined();
  });

  it('allows the lengths that it lists, else its own alone, else all', () => {
    const lengths = [60, 64, 68];
    const allowed = (fields: object) => lengths.filter((n) => allowsLength(spec(fields), n));
    expect(allowed({ allowedPrefixLengths: { min: 60, max: 64 } })).toEqual([60, 64]);
    expect(allowed({ defaultPrefixLength: 64 })).toEqual([64]);
    expect(allowed({})).toEqual(lengths);
  });

  it('rests its blocks as it says, else 150 s if they are private, else a day', () => {
    const ms = (fields: object, block: string) => quarantineMsOf(spec(fields), parsePrefix(block));
    expect(ms({ quarantine: '0s' }, '8.8.8.8/32')).toBe(0);
    expect(ms({ quarantine: '1h30m' }, 'fd20::/96')).toBe(5_400_000);
    for (const block of ['fd20::/96', '10.0.0.2/32', '172.31.0.0/32', '100.64.0.0/32']) {
      expect(ms({}, block)).toBe(150_000);
    }
    for (const block of ['2001:db8::/96', '198.51.100.1/32', '172.32.0.0/32']) {
      expect(ms({}, block)).toBe(86_400_000);
    }
  });
});
