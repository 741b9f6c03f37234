import type { ClaimSpec, IPClaimSpec, LocationSpec, NetworkSpec } from '../../src/ledger/events.ts';
import { ipClassSpec } from '../../src/ledger/ip-class.ts';
import type { IPPoolSpec } from '../../src/ledger/ip-pool.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { AuthoredPoolCommand } from '../../src/ledger/pool/life.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import type { Views } from '../../src/views/views.ts';
import { EXTERNAL_CLASSES } from './plans.ts';
import type { Seeded } from './seeded.ts';

export const PROJECTS = ['acme', 'borealis', 'cobalt'] as const;
const LOCATIONS = ['us', 'eu', 'ap'] as const;
/** Authored while it goes on; the second one is a child of the first. */
export const EXTRA_POOLS = ['extra', 'extra-child', 'spare'] as const;
const PASSING_CLASS = 'passing-ipv4';
const IP_CLAIMS = 5;
const NETWORKS = 2;
const CLAIMS = 10;

/** A command and the space that decides it: a project's, an authored pool's, or the platform. */
export type ClientCommand =
  | { readonly project: undefined; readonly pool: AuthoredPoolCommand }
  | { readonly project: string; readonly command: ProjectCommand }
  | { readonly project: undefined; readonly command: PlatformCommand };

/** Commands as clients of all kinds send them, sensible and not. */
export class RandomCommands {
  readonly #random: Seeded;

  constructor(random: Seeded) {
    this.#random = random;
  }

  /** The next command, for a process whose views show this. */
  next(views: Views): ClientCommand {
    const random = this.#random;
    if (random.chance(0.06)) return { project: undefined, command: this.#platform(views) };
    if (random.chance(0.06)) return { project: undefined, pool: this.#pool(views) };
    const project = random.pick(PROJECTS);
    return { project, command: this.#project(project, views) };
  }

  #platform(views: Views): PlatformCommand {
    const random = this.#random;
    const name = random.pick(LOCATIONS);
    const expect = this.#expect(views, 'Location', '', name);
    return random.weighted<() => PlatformCommand>([
      [5, () => ({ type: 'CreateLocation', name, spec: this.#location(), metadata: {} })],
      [3, () => ({ type: 'UpdateLocation', name, expect, spec: this.#location(), metadata: {} })],
      [1, () => ({ type: 'DeleteLocation', name, expect, standing: views.standingAt(name) })],
      [2, () => this.#class(views)],
    ])();
  }

  /** Quotas, policies and visibility of classes that are there, and one that comes and goes. */
  #class(views: Views): PlatformCommand {
    const random = this.#random;
    const name = random.pick(['public-ipv4', 'public-ipv6', PASSING_CLASS]);
    const present = views.get('IPClass', '', name)?.object;
    const spec = {
      ...ipClassSpec.parse(present?.spec ?? { ipFamily: 'IPv4', defaultPrefixLength: 32 }),
      visibility: 'shared' as const,
      projects: random.chance(0.8) ? ['*'] : [random.pick(PROJECTS)],
      quarantine: `${random.pick([0, 5, 20])}s`,
    };
    const quota = random.chance(0.3) ? { projectQuota: random.between(0, 3) } : {};
    const { projectQuota: _, ...rest } = spec;
    const changed = { ...rest, ...quota };
    const expect = this.#expect(views, 'IPClass', '', name);
    if (name === PASSING_CLASS && random.chance(0.3)) {
      return { type: 'DeleteClass', name, expect, standing: views.usesOfClass(name) };
    }
    if (present === undefined) return { type: 'CreateClass', name, spec: changed, metadata: {} };
    return { type: 'UpdateClass', name, expect, spec: changed, metadata: {} };
  }

  /** Pools that operators make, widen, drain and delete. */
  #pool(views: Views): AuthoredPoolCommand {
    const random = this.#random;
    const name = random.pick(EXTRA_POOLS);
    const expect = this.#expect(views, 'IPPool', '', name);
    const spec = this.#poolSpec(name);
    return random.weighted<() => AuthoredPoolCommand>([
      [4, () => ({ type: 'CreatePool', name, spec, metadata: {} })],
      [3, () => ({ type: 'UpdatePool', name, expect, spec, metadata: {} })],
      [3, () => ({ type: 'DeletePool', name, expect })],
    ])();
  }

  #poolSpec(name: string): IPPoolSpec {
    const random = this.#random;
    const classNames = ['public-ipv4', PASSING_CLASS].filter(() => random.chance(0.7));
    const draining = random.chance(0.15) ? { draining: true } : {};
    if (name === EXTRA_POOLS[1]) {
      const parentPoolRef = { name: EXTRA_POOLS[0] };
      return { ipFamily: 'IPv4', parentPoolRef, prefixLength: 31, classNames, ...draining };
    }
    const further = ['198.51.100.32/30', '198.51.100.64/31'].filter(() => random.chance(0.4));
    const excluded = random.chance(0.3) ? [{ cidr: '198.51.100.17/32', reason: 'router' }] : [];
    return {
      ...{ ipFamily: 'IPv4', cidr: name === EXTRA_POOLS[0] ? '198.51.100.16/29' : '100.64.0.0/30' },
      ...(further.length > 0 ? { additionalCIDRs: further } : {}),
      ...(excluded.length > 0 && name === EXTRA_POOLS[0] ? { excludedCIDRs: excluded } : {}),
      ...{ classNames, ...draining },
    };
  }

  #project(project: string, views: Views): ProjectCommand {
    const random = this.#random;
    const claim = `${project}-c${random.below(CLAIMS)}`;
    const network = `${project}-n${random.below(NETWORKS)}`;
    const location = random.pick(LOCATIONS);
    const context = `${network}.${location}`;
    const block = `${project}-b${random.below(IP_CLAIMS)}`;
    const NIC = 'NetworkInterface';
    const of = (kind: string, name: string) => this.#expect(views, kind, project, name);
    return random.weighted<() => ProjectCommand>([
      [4, () => ({ type: 'CreateNamespace', metadata: {} })],
      [1, () => ({ type: 'DeleteNamespace', expect: {} })],
      [6, () => this.#createNetwork(network)],
      [3, () => this.#updateNetwork(views, project, network)],
      [2, () => ({ type: 'DeleteNetwork', name: network, expect: of('Network', network) })],
      [3, () => this.#createContext(network, location)],
      [2, () => ({ type: 'DeleteNetworkContext', name: context, expect: {} })],
      [40, () => this.#claim(claim, network, location)],
      [
        28,
        () => ({ type: 'DeleteClaim', name: claim, expect: of('NetworkInterfaceClaim', claim) }),
      ],
      [12, () => this.#ipClaim(block, network, location)],
      [8, () => ({ type: 'DeleteIPClaim', name: block, expect: of('IPClaim', block) })],
      [4, () => ({ type: 'DeleteIPAllocation', name: block, expect: {} })],
      [8, () => ({ type: 'DeleteInterface', name: claim, expect: of(NIC, claim) })],
      [4, () => this.#report(claim, of(NIC, claim))],
      [
        3,
        () =>
          this.#finalizers(NIC, claim, [
            [2, []],
            [1, ['provider/teardown']],
          ]),
      ],
      [
        2,
        () =>
          this.#finalizers('NetworkInterfaceClaim', claim, [
            [3, []],
            [1, ['x/y']],
          ]),
      ],
      [
        1,
        () =>
          this.#finalizers('Network', network, [
            [3, []],
            [1, ['x/y']],
          ]),
      ],
      [
        1,
        () =>
          this.#finalizers('NetworkContext', context, [
            [3, []],
            [1, ['x/y']],
          ]),
      ],
    ])();
  }

  /** What a writer believes: nothing, what the views show, or what is long over. */
  #expect(views: Views, kind: string, namespace: string, name: string) {
    const random = this.#random;
    if (random.chance(0.6)) return {};
    const seen = views.get(kind, namespace, name);
    if (seen === undefined || random.chance(0.05)) return { uid: random.uuid() };
    const { uid } = seen.object.metadata;
    return random.chance(0.5) ? { uid } : { uid, revision: seen.revision };
  }

  #location(): LocationSpec {
    const random = this.#random;
    const projects = random.chance(0.7) ? ['*'] : PROJECTS.filter(() => random.chance(0.6));
    return { projects: [...projects], draining: random.chance(0.1) };
  }

  #families(): ('IPv4' | 'IPv6')[] {
    return this.#random.weighted<('IPv4' | 'IPv6')[]>([
      [5, ['IPv6', 'IPv4']],
      [1, ['IPv4', 'IPv6']],
      [2, ['IPv6']],
      [2, ['IPv4']],
    ]);
  }

  #network(): NetworkSpec {
    const random = this.#random;
    const mode = random.chance(0.03) ? 'Policy' : 'Auto';
    const range = random.chance(0.1) ? { ipv4Range: '10.64.0.0/26' } : {};
    return {
      ipFamilies: this.#families(),
      mtu: random.pick([1460, 1500]),
      ipam: { mode, ...range },
    };
  }

  #createNetwork(name: string): ProjectCommand {
    return { type: 'CreateNetwork', name, spec: this.#network(), metadata: {} };
  }

  /** Families may be added and the MTU changed, as the API allows it. */
  #updateNetwork(views: Views, project: string, name: string): ProjectCommand {
    const random = this.#random;
    const expect = this.#expect(views, 'Network', project, name);
    const present = views.get('Network', project, name)?.object.spec as NetworkSpec | undefined;
    const { ipFamilies, ipam } = present ?? this.#network();
    const added = (['IPv6', 'IPv4'] as const).filter((one) => !ipFamilies.includes(one));
    const families = random.chance(0.5) ? [...ipFamilies, ...added] : ipFamilies;
    const spec: NetworkSpec = { ipFamilies: families, mtu: random.pick([1400, 1460, 1500]), ipam };
    return { type: 'UpdateNetwork', name, expect, spec, metadata: {} };
  }

  #createContext(network: string, location: string): ProjectCommand {
    const subnets = this.#random.chance(0.2)
      ? [{ family: 'IPv4' as const, prefix: '10.128.0.16/28' }]
      : undefined;
    return { type: 'CreateNetworkContext', network, location, subnets, metadata: {} };
  }

  #claim(name: string, network: string, location: string): ProjectCommand {
    const random = this.#random;
    const classes = random.chance(0.3)
      ? [...EXTERNAL_CLASSES, PASSING_CLASS]
          .filter(() => random.chance(0.4))
          .map((one) => ({ class: one }))
      : [];
    const other = `${name.slice(0, name.indexOf('-'))}-c${random.below(CLAIMS)}`;
    const spec: ClaimSpec = {
      network: { name: network },
      location: { name: location },
      interfaceName: random.chance(0.05) ? 'eth1' : 'eth0',
      attachmentMode: 'Netns',
      ipFamilies: this.#families(),
      ...(classes.length === 0 ? {} : { addresses: classes }),
      reclaimPolicy: random.chance(0.5) ? 'Delete' : 'Retain',
      ...(random.chance(0.04) ? { networkInterfaceName: other } : {}),
    };
    const asOperator = random.chance(0.5);
    return { type: 'RequestClaim', name, spec, metadata: {}, asOperator };
  }

  #ipClaim(name: string, network: string, location: string): ProjectCommand {
    const random = this.#random;
    const scope = { network, location };
    const source = random.weighted<IPClaimSpec>([
      [3, { className: random.pick([...EXTERNAL_CLASSES, PASSING_CLASS]) }],
      [2, { ipFamily: random.pick(['IPv4', 'IPv6'] as const), scope }],
      [1, { poolRef: { name: random.pick(['public-a', ...EXTRA_POOLS]) } }],
      [1, { className: 'public-ipv4', address: `198.51.100.${random.below(4)}` }],
    ]);
    const policy = random.chance(0.5) ? {} : { reclaimPolicy: 'Retain' as const };
    const spec = { ...source, ...policy };
    return { type: 'CreateIPClaim', name, spec, metadata: {}, asOperator: random.chance(0.5) };
  }

  #report(name: string, expect: object): ProjectCommand {
    return { type: 'ReportInterfaceStatus', name, expect, status: { conditions: [] } };
  }

  #finalizers(
    kind: string,
    name: string,
    choices: readonly (readonly [number, string[]])[],
  ): ProjectCommand {
    const metadata = { finalizers: this.#random.weighted(choices) };
    return { type: 'ChangeMetadata', kind, name, expect: {}, metadata };
  }
}
