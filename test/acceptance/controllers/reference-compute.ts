import {
  ApiException,
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { type Condition, informed, partsOf } from './informed.ts';
import { Reconciler } from './reconciler.ts';

/**
 * What a user wants to run. Each replica is a slot, which whatever runs there has its network by.
 */
export interface Workload {
  readonly name: string;
  readonly location: string;
  readonly replicas: number;
  /** The spec of each slot's claim, but for the location. */
  readonly template: object;
}

/** What runs in a slot. */
export interface Instance {
  readonly id: number;
  readonly addresses: readonly string[];
}

interface Claim extends KubernetesObject {
  readonly status?: {
    readonly addresses?: readonly { readonly address: string }[];
    readonly conditions: readonly Condition[];
  };
}

const RESOURCE = {
  group: 'networking.datumapis.com',
  version: 'v1alpha',
  plural: 'networkinterfaceclaims',
};

/**
 * A compute controller as small as it may be. It makes a claim for each slot, named by the slot,
 * and runs an instance there once the claim is ready. An instance that is replaced finds the same
 * claim, so the same addresses. A slot that is scaled away gives its claim up; with `reclaimPolicy:
 * Retain` its addresses are there when it comes back.
 */
export class ReferenceCompute {
  readonly #api: CustomObjectsApi;
  readonly #project: string;
  readonly #workloads = new Map<string, Workload>();
  readonly #instances = new Map<string, Instance>();
  readonly #reconciler = new Reconciler((key) => this.#look(key));
  readonly #claims;
  #started = 0;

  constructor(config: KubeConfig, project: string) {
    this.#api = config.makeApiClient(CustomObjectsApi);
    this.#project = project;
    const changed = (key: string) => this.#reconciler.add(key);
    this.#claims = informed<Claim>(config, RESOURCE.plural, project, changed);
  }

  start(): void {
    this.#claims.start();
  }

  get failures(): readonly unknown[] {
    return this.#reconciler.failures;
  }

  async stop(): Promise<void> {
    await this.#claims.stop();
    await this.#reconciler.stop();
  }

  /** Runs a workload, or as many replicas of it as are wanted now. */
  run(workload: Workload): void {
    const before = this.#workloads.get(workload.name)?.replicas ?? 0;
    this.#workloads.set(workload.name, workload);
    const slots = Math.max(before, workload.replicas);
    for (let slot = 0; slot < slots; slot += 1) this.#reconciler.add(this.#keyOf(workload, slot));
  }

  /** What runs in the slots of a workload, by the names of their claims. */
  instances(workload: string): Map<string, Instance> {
    const own = [...this.#instances].filter(([name]) => name.startsWith(`${workload}-`));
    return new Map(own.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** What runs in a slot has failed: another one takes its place. */
  replace(name: string): void {
    this.#instances.delete(name);
    this.#reconciler.add(`${this.#project}/${name}`);
  }

  async #look(key: string): Promise<void> {
    const { name } = partsOf(key);
    const claim = this.#claims.get(name, this.#project);
    const workload = this.#wanting(name);
    if (workload === undefined) {
      this.#instances.delete(name);
      if (claim !== undefined) await this.#release(name, claim);
    } else if (claim === undefined) {
      this.#instances.delete(name);
      await this.#claim(name, workload);
    } else if (isReady(claim) && !this.#instances.has(name)) {
      this.#started += 1;
      const addresses = claim.status?.addresses?.map(({ address }) => address) ?? [];
      this.#instances.set(name, { id: this.#started, addresses });
    }
  }

  /** The workload that wants the slot of this name. */
  #wanting(name: string): Workload | undefined {
    return [...this.#workloads.values()].find(({ name: prefix, replicas }) => {
      const slot = Number(name.slice(prefix.length + 1));
      return name.startsWith(`${prefix}-`) && slot < replicas;
    });
  }

  #keyOf({ name }: Workload, slot: number): string {
    return `${this.#project}/${name}-${slot}`;
  }

  async #claim(name: string, { location, template }: Workload): Promise<void> {
    const body = {
      apiVersion: `${RESOURCE.group}/${RESOURCE.version}`,
      kind: 'NetworkInterfaceClaim',
      metadata: { name },
      spec: { ...template, location: { name: location } },
    };
    const asked = { ...RESOURCE, namespace: this.#project, body };
    // It is there already when an answer was lost, or when the informer has yet to hear of it.
    await unless(409, this.#api.createNamespacedCustomObject(asked));
  }

  async #release(name: string, { metadata }: Claim): Promise<void> {
    // This one, and not another of its name that the informer has yet to hear of.
    const body = { preconditions: { uid: metadata?.uid } };
    const asked = { ...RESOURCE, namespace: this.#project, name, body };
    await unless(404, this.#api.deleteNamespacedCustomObject(asked));
  }
}

function isReady({ status, metadata }: Claim): boolean {
  if (metadata?.deletionTimestamp !== undefined) return false;
  return status?.conditions.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** Waits for an answer; that one code says that it is so already. */
async function unless(code: number, answer: Promise<unknown>): Promise<void> {
  await answer.catch((error) => {
    if (!(error instanceof ApiException) || error.code !== code) throw error;
  });
}
