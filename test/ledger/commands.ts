import type { ClaimSpec, IPClaimSpec, LocationSpec, NetworkSpec } from '../../src/ledger/events.ts';
import { ipClassSpec } from '../../src/ledger/ip-class.ts';
import type { AddressingPlan } from '../../src/ledger/plan.ts';
import { addressingPlan, readPlan } from '../../src/ledger/plan.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { PoolCommand } from '../../src/ledger/pool/decide.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';

/** Commands as the tests say them: what a test does not care about is left out. */
export type Command = PlatformCommand | PoolCommand | ProjectCommand;
type Of<T extends Command['type']> = Extract<Command, { type: T }>;

const metadata = {};
const expect = {};

export const createProject: Of<'CreateNamespace'> = { type: 'CreateNamespace', metadata };
export const deleteProject: Of<'DeleteNamespace'> = { type: 'DeleteNamespace', expect };
export const continueDeletion: Of<'ContinueDeletion'> = { type: 'ContinueDeletion' };

const openToAll: LocationSpec = { projects: ['*'], draining: false };

export function location(name: string, spec: Partial<LocationSpec> = {}): Of<'CreateLocation'> {
  return { type: 'CreateLocation', name, spec: { ...openToAll, ...spec }, metadata };
}

export function updateLocation(
  name: string,
  spec: Partial<LocationSpec> = {},
): Of<'UpdateLocation'> {
  return { type: 'UpdateLocation', name, expect, spec: { ...openToAll, ...spec }, metadata };
}

export function deleteLocation(name: string, standing = 0): Of<'DeleteLocation'> {
  return { type: 'DeleteLocation', name, expect, standing };
}

type NetworkParts = Partial<Omit<NetworkSpec, 'ipam'>> & { ipam?: Partial<NetworkSpec['ipam']> };

function networkSpec({ ipam, ...spec }: NetworkParts): NetworkSpec {
  return { ipFamilies: ['IPv6', 'IPv4'], mtu: 1460, ...spec, ipam: { mode: 'Auto', ...ipam } };
}

/** A network of both families, unless it says otherwise. */
export function network(name: string, spec: NetworkParts = {}): Of<'CreateNetwork'> {
  return { type: 'CreateNetwork', name, spec: networkSpec(spec), metadata };
}

export function updateNetwork(name: string, spec: NetworkParts = {}): Of<'UpdateNetwork'> {
  return { type: 'UpdateNetwork', name, expect, spec: networkSpec(spec), metadata };
}

export function deleteNetwork(name: string): Of<'DeleteNetwork'> {
  return { type: 'DeleteNetwork', name, expect };
}

export function context(
  name: string,
  subnets?: Of<'CreateNetworkContext'>['subnets'],
): Of<'CreateNetworkContext'> {
  const [network = '', location = ''] = name.split('.');
  return { type: 'CreateNetworkContext', network, location, subnets, metadata };
}

export function deleteContext(name: string): Of<'DeleteNetworkContext'> {
  return { type: 'DeleteNetworkContext', name, expect };
}

export type ClaimParts = Partial<Omit<ClaimSpec, 'network' | 'location'>> & {
  network?: string;
  location?: string;
};

/** A dual-stack claim in network `net` at location `us`, unless it says otherwise. */
export function claim(name: string, parts: ClaimParts = {}): Of<'RequestClaim'> {
  const { network = 'net', location = 'us', ...rest } = parts;
  const spec: ClaimSpec = {
    network: { name: network },
    location: { name: location },
    interfaceName: 'eth0',
    attachmentMode: 'Netns',
    ipFamilies: ['IPv6', 'IPv4'],
    reclaimPolicy: 'Delete',
    ...rest,
  };
  return { type: 'RequestClaim', name, spec, metadata };
}

export function deleteClaim(name: string): Of<'DeleteClaim'> {
  return { type: 'DeleteClaim', name, expect };
}

/** A claim for a block. */
export function ipClaim(name: string, spec: IPClaimSpec, asOperator = false): Of<'CreateIPClaim'> {
  return { type: 'CreateIPClaim', name, spec, metadata, asOperator };
}

export function deleteIPClaim(name: string): Of<'DeleteIPClaim'> {
  return { type: 'DeleteIPClaim', name, expect };
}

export function deleteIPAllocation(name: string): Of<'DeleteIPAllocation'> {
  return { type: 'DeleteIPAllocation', name, expect };
}

export function deleteInterface(name: string): Of<'DeleteInterface'> {
  return { type: 'DeleteInterface', name, expect };
}

export function reportStatus(name: string, vpc = 'vpc-1'): Of<'ReportInterfaceStatus'> {
  return { type: 'ReportInterfaceStatus', name, expect, status: { conditions: [], vpc } };
}

/** Replaces an object's finalizers; kinds are named as the API names them. */
export function finalizers(kind: string, name: string, ...list: string[]): Of<'ChangeMetadata'> {
  const metadata = list.length === 0 ? {} : { finalizers: list };
  return { type: 'ChangeMetadata', kind, name, expect, metadata } as Of<'ChangeMetadata'>;
}

export function serveWaiting(...causes: string[]): Of<'ServeWaiting'> {
  return { type: 'ServeWaiting', causes: causes.length === 0 ? undefined : causes };
}

export interface Lengths {
  readonly root?: string;
  readonly project?: number;
  readonly network?: number;
  readonly subnet?: number;
  readonly endpoint?: number;
  readonly networkV4?: string;
  readonly subnetV4?: number;
  readonly quarantine?: string;
  readonly lease?: string;
  readonly grace?: string;
}

/** A plan of the built-in one's shape in which every pool is small enough to fill. */
export function planOf(lengths: Lengths = {}): AddressingPlan {
  const {
    root = 'fd20::/116',
    project = 118,
    network = 120,
    subnet = 122,
    endpoint = 124,
  } = lengths;
  const { networkV4 = '10.0.0.0/27', subnetV4 = 29, quarantine = '60s', lease, grace } = lengths;
  const shared = { visibility: 'shared', projects: ['*'], quarantine };
  const retained = {
    ...(lease === undefined ? {} : { retentionLease: lease }),
    ...(grace === undefined ? {} : { retentionGrace: grace }),
  };
  const v6 = (name: string, parent: string, length: number, poolPer: string[]) => ({
    name,
    spec: { ipFamily: 'IPv6', parentClassName: parent, poolPer, defaultPrefixLength: length },
  });
  const subnetV6 = v6('subnet6', 'network6', subnet, ['project', 'network', 'location']);
  const reservedV6 = { leading: 1, trailing: 0, unitPrefixLength: endpoint };
  const reservedV4 = { leading: 2, trailing: 2, unitPrefixLength: 32 };
  const endpointOf = (ipFamily: string, parentClassName: string, length: number) => ({
    name: ipFamily === 'IPv6' ? 'endpoint6' : 'endpoint4',
    default: true,
    spec: { ipFamily, parentClassName, defaultPrefixLength: length, ...shared, ...retained },
  });
  return addressingPlan.parse({
    classes: [
      { name: 'root6', spec: { ipFamily: 'IPv6' } },
      v6('project6', 'root6', project, ['project']),
      v6('network6', 'project6', network, ['project', 'network']),
      { ...subnetV6, spec: { ...subnetV6.spec, reservations: reservedV6 } },
      endpointOf('IPv6', 'subnet6', endpoint),
      {
        name: 'network4',
        spec: { ipFamily: 'IPv4', poolPer: ['project', 'network'], poolCIDR: networkV4 },
      },
      {
        name: 'subnet4',
        spec: {
          ipFamily: 'IPv4',
          parentClassName: 'network4',
          poolPer: ['project', 'network', 'location'],
          defaultPrefixLength: subnetV4,
          reservations: reservedV4,
        },
      },
      endpointOf('IPv4', 'subnet4', 32),
    ],
    pools: [{ name: 'root', ipFamily: 'IPv6', cidr: root, classNames: ['root6'] }],
  });
}

/** A class of public addresses and the pool that offers it; four addresses, unless it says else. */
export interface PublicPool {
  readonly className: string;
  readonly pool: string;
  readonly cidr: string;
  readonly spec?: object;
}

export const publicV4: PublicPool = {
  className: 'public4',
  pool: 'public-a',
  cidr: '198.51.100.0/30',
};

/** A plan with public classes; pools that name the same class offer the one of the first. */
export function planWith(lengths: Lengths, ...publics: readonly PublicPool[]): AddressingPlan {
  const plan = planOf(lengths);
  const { quarantine = '60s' } = lengths;
  for (const { className, pool, cidr, spec } of publics) {
    const ipFamily = cidr.includes(':') ? ('IPv6' as const) : ('IPv4' as const);
    plan.pools.push({ name: pool, ipFamily, cidr, classNames: [className] });
    if (plan.classes.some(({ name }) => name === className)) continue;
    const length = ipFamily === 'IPv6' ? 128 : 32;
    const shared = { visibility: 'shared', projects: ['*'], defaultPrefixLength: length };
    plan.classes.push({
      name: className,
      default: false,
      spec: ipClassSpec.parse({ ipFamily, quarantine, ...shared, ...spec }),
    });
  }
  return readPlan(plan);
}
