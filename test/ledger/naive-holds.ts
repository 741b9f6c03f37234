import type { LedgerEvent } from '../../src/ledger/events.ts';

interface Hold {
  readonly pool: string;
  readonly block: string;
  readonly claim: string;
  state: 'held' | 'committed' | 'fenced' | 'ended';
  /** Before this instant nobody may use the block. */
  until: number;
}

/** A second opinion on holds of authored pools: from the grant to its return, and no step back. */
export class NaiveHolds {
  readonly #holds = new Map<string, Hold>();

  /** Reads an event of any stream; throws when it breaks what holds promise. */
  apply(event: LedgerEvent): void {
    switch (event.type) {
      case 'AddressHeld': {
        const { pool, block, claim, grant } = event.data;
        const hold = { pool, block, claim: claim.uid, state: 'held' as const, until: 0 };
        this.#holds.set(grant.id, hold);
        break;
      }
      case 'AddressAllocated':
      case 'IPAllocationCreated': {
        const { grant, pool, block, claim } = event.data;
        if (grant === undefined) return;
        const hold = this.#move(grant.id, 'held', 'committed');
        check(hold.pool === pool && hold.block === block, `${block} is not what is held`);
        check(hold.claim === claim.uid, `${block} is held for another claim`);
        break;
      }
      case 'AddressReleased':
      case 'IPAllocationDeleted': {
        const { endsGrant, availableAt } = event.data;
        if (endsGrant === undefined) return;
        this.#move(endsGrant.grantId, 'committed', 'ended').until = Date.parse(availableAt);
        break;
      }
      case 'GrantAbandoned': {
        // What an earlier generation of the project was given is fenced since that has closed.
        const { grantId } = event.data;
        const state = this.#holds.get(grantId)?.state;
        if (state !== undefined && state !== 'fenced') this.#move(grantId, 'held', 'fenced');
        break;
      }
      case 'AddressSpaceClosed':
        for (const [id, { state }] of this.#holds) {
          if (state === 'held') this.#move(id, 'held', 'fenced');
        }
        break;
      case 'AddressUnheld': {
        const { grantId, availableAt, block } = event.data;
        const hold = this.#holds.get(grantId);
        check(hold?.state === 'fenced' || hold?.state === 'ended', `${block} is taken back early`);
        check(Date.parse(availableAt) >= (hold?.until ?? 0), `${block} does not rest`);
        this.#holds.delete(grantId);
      }
    }
  }

  /** Holds that are not in use and have not been taken back. */
  get open(): readonly Hold[] {
    return [...this.#holds.values()].filter(({ state }) => state !== 'committed');
  }

  #move(id: string, from: Hold['state'], to: Hold['state']): Hold {
    const hold = this.#holds.get(id);
    if (hold?.state !== from) throw new Error(`hold ${id} is ${hold?.state}, not ${from}`);
    hold.state = to;
    return hold;
  }
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
