import type { ClaimSource } from './claim-commands.ts';
import { type FollowerDeps, SourceFollower } from './source-follower.ts';

/** The way into the ledger for claims that come as messages: each source is followed by itself. */
export class Intake {
  readonly #followers: readonly SourceFollower[];

  constructor(deps: FollowerDeps, sources: readonly ClaimSource[]) {
    this.#followers = sources.map((source) => new SourceFollower(deps, source));
  }

  start(): void {
    for (const follower of this.#followers) follower.start();
  }

  /** Finishes what is being decided, and begins nothing more. */
  async close(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower.close()));
  }
}
