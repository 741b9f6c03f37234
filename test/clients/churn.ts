import {
  ApiException,
  CustomObjectsApi,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import { Seeded } from '../simulation/seeded.ts';
import { claimsOf } from './followers.ts';

const MERGE = setHeaderOptions('content-type', PatchStrategy.MergePatch);

/** The body of a claim at the network and the location that the tests have. */
export function claimNamed(name: string, spec: object = {}) {
  return {
    apiVersion: 'networking.datumapis.com/v1alpha',
    kind: 'NetworkInterfaceClaim',
    metadata: { name },
    spec: { network: { name: 'default' }, location: { name: 'dfw' }, ...spec },
  };
}

/** Claims of a project come, change and go, one after another, whatever happens to the ledger. */
export class Churn {
  /** The uids of those that were deleted. */
  readonly deleted: string[] = [];
  readonly #api: CustomObjectsApi;
  readonly #resource;
  readonly #seeded: Seeded;
  readonly #living = new Map<string, string>();
  #operations = 0;

  constructor(config: KubeConfig, project: string, seed: number) {
    this.#api = config.makeApiClient(CustomObjectsApi);
    this.#resource = { ...claimsOf(project), namespace: project };
    this.#seeded = new Seeded(seed);
  }

  /** Does so many things. */
  async go(operations: number): Promise<void> {
    for (let left = operations; left > 0; left -= 1) {
      this.#operations += 1;
      const name = `claim-${this.#seeded.below(24)}`;
      const uid = this.#living.get(name);
      if (uid === undefined) await this.#create(name);
      else if (this.#seeded.chance(0.5)) {
        await this.#patch(name, { labels: { turn: String(this.#operations) } });
      } else await this.#delete(name, uid);
    }
  }

  /** A claim with large annotations comes, is changed so many times, and goes. */
  async swell(turns: number): Promise<void> {
    const filler = 'x'.repeat(200 * 1024);
    await this.#create('large');
    for (let turn = 0; turn < turns; turn += 1) {
      await this.#patch('large', { annotations: { filler, turn: String(turn) } });
    }
    await this.#delete('large', this.#living.get('large') as string);
  }

  /** Goes on until it is told to stop; what it is told then settles with its last thing done. */
  untilStopped(): () => Promise<void> {
    let isStopped = false;
    const running = (async () => {
      while (!isStopped) await this.go(1);
    })();
    return () => {
      isStopped = true;
      return running;
    };
  }

  /** A name comes back now and then: with another uid. */
  async #create(name: string): Promise<void> {
    const made = await this.#answered(() =>
      this.#api.createNamespacedCustomObject({ ...this.#resource, body: claimNamed(name) }),
    );
    // It was made by an attempt whose answer was lost.
    const found = made ?? (await this.#api.getNamespacedCustomObject({ ...this.#resource, name }));
    this.#living.set(name, found.metadata.uid);
  }

  async #patch(name: string, metadata: object): Promise<void> {
    const body = { metadata };
    await this.#answered(() =>
      this.#api.patchNamespacedCustomObject({ ...this.#resource, name, body }, MERGE),
    );
  }

  async #delete(name: string, uid: string): Promise<void> {
    await this.#answered(() => this.#api.deleteNamespacedCustomObject({ ...this.#resource, name }));
    this.#living.delete(name);
    this.deleted.push(uid);
  }

  /** Sends something until it is answered; undefined when an earlier attempt had done it. */
  async #answered<T>(send: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        if (error instanceof ApiException) {
          if (attempt > 0 && (error.code === 409 || error.code === 404)) return undefined;
          if (error.code < 500) throw error;
        }
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  }
}
