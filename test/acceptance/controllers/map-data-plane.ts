import type { DataPlane, NetworkInterface } from './reference-provider.ts';

/**
 * A data plane that is a map: what stands in it is set up. A test may hold its end of NICs back.
 */
export class MapDataPlane implements DataPlane {
  readonly nics = new Map<string, NetworkInterface['spec']>();
  /** Resolves when NICs may be torn down. */
  mayTearDown: Promise<void> = Promise.resolve();

  async setUp(uid: string, nic: NetworkInterface['spec']): Promise<void> {
    this.nics.set(uid, nic);
  }

  async tearDown(uid: string): Promise<void> {
    await this.mayTearDown;
    this.nics.delete(uid);
  }

  /** The addresses of all NICs that are set up. */
  get addresses(): string[] {
    return [...this.nics.values()].flatMap(({ addresses }) =>
      addresses.map(({ address }) => address),
    );
  }
}
