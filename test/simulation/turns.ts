import type { LoggedEvent } from './chains.ts';
import { check } from './check.ts';

interface Waiting {
  /** The number of the claim's request among all of its project. */
  readonly turn: number;
  cause: string | undefined;
}

/**
 * Whoever began to wait for a pool earlier is served earlier. That holds where all want blocks of
 * one size, as they do here; in general one that cannot be met does not hold up another.
 */
export class Turns {
  readonly #projects = new Map<string, Map<string, Waiting>>();

  read({ stream, type, data }: LoggedEvent): void {
    const claims = this.#projects.get(stream) ?? new Map<string, Waiting>();
    this.#projects.set(stream, claims);
    switch (type) {
      case 'ClaimRequested':
        claims.set(data.name, { turn: claims.size === 0 ? 1 : nextTurn(claims), cause: undefined });
        break;
      case 'ClaimQueued':
        (claims.get(data.name) as Waiting).cause = data.cause;
        break;
      case 'AddressAllocated':
        checkTurn(claims, data.claim.name, `pool/${data.pool}`);
        break;
      case 'InterfaceReady':
      case 'InterfaceRebound':
        (claims.get(data.claim.name) as Waiting).cause = undefined;
        break;
      case 'DeletionRequested':
        if (data.kind === 'NetworkInterfaceClaim') {
          (claims.get(data.name) as Waiting).cause = undefined;
        }
        break;
      case 'ClaimDeleted':
        claims.delete(data.name);
    }
  }
}

function nextTurn(claims: ReadonlyMap<string, Waiting>): number {
  return Math.max(...[...claims.values()].map(({ turn }) => turn)) + 1;
}

function checkTurn(claims: ReadonlyMap<string, Waiting>, name: string, cause: string): void {
  const turn = claims.get(name)?.turn ?? 0;
  for (const [other, claim] of claims) {
    const isPassed = claim.cause === cause && claim.turn < turn;
    check(!isPassed, `claim ${name} overtakes ${other}, which waits for ${cause}`);
  }
}
