import { type AddressingPlan, builtInPlan, readPlan } from '../../src/ledger/plan.ts';
import type { Seeded } from './seeded.ts';

/** Classes that only operators may use have this name. */
export const OPERATORS_CLASS = 'operators-ipv4';
/** Classes whose addresses come from pools that an operator has authored. */
export const EXTERNAL_CLASSES = ['public-ipv4', 'public-ipv6', OPERATORS_CLASS] as const;

const external = (ipFamily: 'IPv4' | 'IPv6', visibility: 'platform' | 'shared') => ({
  ...{ ipFamily, visibility, projects: ['*'], strategy: 'FirstFit', reclaimPolicy: 'Delete' },
  ...{ uniqueWithin: 'platform', defaultPrefixLength: ipFamily === 'IPv4' ? 32 : 128 },
});

/**
 * A plan with so little room that everything is exhausted every now and then, and with quarantines
 * and leases that end while a simulation runs.
 */
export function smallPlan(random: Seeded): AddressingPlan {
  const plan = builtInPlan();
  const quarantine = `${random.pick([0, 5, 20])}s`;
  const lease = random.chance(0.5) ? {} : { retentionLease: '45s', retentionGrace: '15s' };
  const changes: Record<string, object> = {
    'tenant-network-ipv6': { defaultPrefixLength: random.pick([41, 42]) },
    'tenant-endpoint-ipv6': { quarantine, ...lease },
    'tenant-network-ipv4': { poolCIDR: random.pick(['10.128.0.0/27', '10.128.0.0/26']) },
    'tenant-subnet-ipv4': { defaultPrefixLength: random.pick([28, 29]) },
    'tenant-endpoint-ipv4': { quarantine, ...lease },
  };
  const classes: unknown[] = plan.classes.map(({ name, spec, default: isDefault }) => {
    return { name, default: isDefault, spec: { ...spec, ...changes[name] } };
  });
  const rest = { quarantine: `${random.pick([0, 10, 30])}s`, retentionLease: '60s' };
  const strategy = random.pick(['FirstFit', 'LeastUtilized']);
  classes.push(
    { name: 'public-ipv4', spec: { ...external('IPv4', 'shared'), ...rest, strategy } },
    { name: 'public-ipv6', spec: { ...external('IPv6', 'shared'), quarantine: '10s' } },
    { name: OPERATORS_CLASS, spec: { ...external('IPv4', 'platform'), quarantine: '5s' } },
  );
  const four = { ipFamily: 'IPv4' };
  const pools = [
    ...plan.pools.map((pool) => ({ ...pool, cidr: random.pick(['fd20::/38', 'fd20::/39']) })),
    { ...four, name: 'public-a', cidr: '198.51.100.0/30', classNames: ['public-ipv4'] },
    { ...four, name: 'public-b', cidr: '203.0.113.0/31', classNames: ['public-ipv4'] },
    { ...four, name: 'operators', cidr: '192.0.2.0/31', classNames: [OPERATORS_CLASS] },
    { name: 'public-six', ipFamily: 'IPv6', cidr: '2001:db8::/126', classNames: ['public-ipv6'] },
  ];
  return readPlan({ classes, pools });
}
