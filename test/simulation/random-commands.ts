import type { ClaimSpec, LocationSpec, NetworkSpec } from '../../src/ledger/events.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import type { Views } from '../../src/views/views.ts';
import { EXTERNAL_CLASSES } from './plans.ts';
import type { Seeded } from './seeded.ts';

export const PROJECTS = ['acme', 'borealis', 'cobalt'] as const;
const LOCATIONS = ['us', 'eu', 'ap'] as const;
const NETWORKS = 2;
const CLAIMS = 10;

/** A command and the space that decides it: a project's, or the platform. */
export type ClientCommand =
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
    ])();
  }

  #project(project: string, views: Views): ProjectCommand {
    const random = this.#random;
    const claim = `${project}-c${random.below(CLAIMS)}`;
    const network = `${project}-n${random.below(NETWORKS)}`;
    const location = random.pick(LOCATIONS);
    const context = `${network}.${location}`;
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
      ? EXTERNAL_CLASSES.filter(() => random.chance(0.5)).map((one) => ({ class: one }))
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
