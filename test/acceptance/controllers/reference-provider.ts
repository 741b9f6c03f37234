import {
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesObject,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { type Condition, informed, partsOf } from './informed.ts';
import { Reconciler } from './reconciler.ts';

/** What the ledger publishes: everything that a NIC needs. */
export interface NetworkInterface extends KubernetesObject {
  readonly spec: {
    readonly interfaceName: string;
    readonly attachmentMode: string;
    readonly mtu: number;
    readonly addresses: readonly {
      readonly address: string;
      readonly subnet: string;
      readonly gateway: string;
    }[];
  };
}

/** Where a provider sets up NICs: a switch, a hypervisor, or a map in a test. */
export interface DataPlane {
  setUp(uid: string, nic: NetworkInterface['spec']): Promise<void>;
  /** Also of a NIC that is not there, or not any more. */
  tearDown(uid: string): Promise<void>;
}

/** What a provider says of an interface once its NIC is set up. */
export interface Report {
  readonly conditions: readonly Condition[];
  readonly vpc?: string;
  readonly attachmentRef?: { apiGroup: string; kind: string; name: string };
}

export interface ProviderSettings {
  /** Whose fields its reports are, and part of its finalizer. */
  readonly name: string;
  readonly dataPlane: DataPlane;
  readonly report: (nic: NetworkInterface) => Report;
}

const RESOURCE = {
  group: 'networking.datumapis.com',
  version: 'v1alpha',
  plural: 'networkinterfaces',
};
const APPLY = setHeaderOptions('content-type', PatchStrategy.ServerSideApply);
const MERGE = setHeaderOptions('content-type', PatchStrategy.MergePatch);

/**
 * A provider as small as it may be. Its token shows it the interfaces of its locations and nothing
 * else. It puts its finalizer on an interface before it touches the data plane, reports what it has
 * done, and lifts the finalizer when the NIC of a deleted interface is torn down: the addresses are
 * kept until then.
 */
export class ReferenceProvider {
  readonly #api: CustomObjectsApi;
  readonly #settings: ProviderSettings;
  readonly #finalizer: string;
  readonly #reconciler = new Reconciler((key) => this.#look(key));
  readonly #interfaces;

  constructor(config: KubeConfig, settings: ProviderSettings) {
    this.#api = config.makeApiClient(CustomObjectsApi);
    this.#settings = settings;
    this.#finalizer = `${settings.name}.example.com/nic`;
    const changed = (key: string) => this.#reconciler.add(key);
    this.#interfaces = informed<NetworkInterface>(config, RESOURCE.plural, undefined, changed);
  }

  start(): void {
    this.#interfaces.start();
  }

  get failures(): readonly unknown[] {
    return this.#reconciler.failures;
  }

  async stop(): Promise<void> {
    await this.#interfaces.stop();
    await this.#reconciler.stop();
  }

  async #look(key: string): Promise<void> {
    const { namespace, name } = partsOf(key);
    const nic = this.#interfaces.get(name, namespace);
    if (nic === undefined) return;
    const { uid = '', finalizers = [], deletionTimestamp } = nic.metadata ?? {};
    const isHeld = finalizers.includes(this.#finalizer);
    if (deletionTimestamp !== undefined) {
      await this.#settings.dataPlane.tearDown(uid);
      const others = finalizers.filter((one) => one !== this.#finalizer);
      if (isHeld) await this.#setFinalizers(nic, others);
      return;
    }
    // Not before the finalizer is there: what is set up must be torn down before the end.
    if (!isHeld) {
      await this.#setFinalizers(nic, [...finalizers, this.#finalizer]);
      return;
    }
    await this.#settings.dataPlane.setUp(uid, nic.spec);
    await this.#report(nic);
  }

  /** The version guards the list: who changed it meanwhile is not overwritten. */
  async #setFinalizers(nic: NetworkInterface, finalizers: readonly string[]): Promise<void> {
    const { namespace = '', name = '', resourceVersion } = nic.metadata ?? {};
    const body = { metadata: { resourceVersion, finalizers } };
    await this.#api.patchNamespacedCustomObject({ ...RESOURCE, namespace, name, body }, MERGE);
  }

  /** Applies what is its own. Applied again it changes nothing, and nobody is told. */
  async #report(nic: NetworkInterface): Promise<void> {
    const { namespace = '', name = '', uid, generation } = nic.metadata ?? {};
    const { conditions, ...status } = this.#settings.report(nic);
    const body = {
      apiVersion: `${RESOURCE.group}/${RESOURCE.version}`,
      kind: 'NetworkInterface',
      metadata: { name, uid },
      status: {
        ...status,
        conditions: conditions.map((one) => ({ ...one, observedGeneration: generation })),
      },
    };
    const fieldManager = this.#settings.name;
    const applied = { ...RESOURCE, namespace, name, fieldManager, body };
    await this.#api.patchNamespacedCustomObjectStatus(applied, APPLY);
  }
}
