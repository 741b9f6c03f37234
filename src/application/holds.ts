import { formatPrefix } from '../addressing/prefix.ts';
import type { AddressGrant, WantedAddress } from '../ledger/decision.ts';
import { durationMs } from '../ledger/durations.ts';
import { rootOf } from '../ledger/platform/directory.ts';
import { decidePool } from '../ledger/pool/decide.ts';
import { type HoldCommand, holdKey } from '../ledger/pool/holds.ts';
import type { PoolState } from '../ledger/pool/state.ts';
import { generationOf, type ProjectState } from '../ledger/project/state.ts';
import type { Granted } from './grants.ts';
import type { Ledger } from './ledger.ts';
import { poolsToAsk } from './pool-choice.ts';
import { type Refusal, weightOf } from './refusal-weight.ts';
import type { LedgerRequest } from './request.ts';

/** What a pool holds for a claim now, or why it does not. */
type Answer = Pick<AddressGrant, 'pool' | 'granted'> | { readonly refusal: Refusal };

/**
 * Has authored pools hold addresses for a claim, one after another: the first that cannot be had
 * ends it, since a claim takes all of them or none. A dry run asks the pools' states only, each as
 * the holds before would leave it.
 */
export async function holdAddresses(
  ledger: Ledger,
  project: ProjectState,
  wanted: readonly WantedAddress[],
  request: LedgerRequest,
): Promise<Granted> {
  const grants: AddressGrant[] = [];
  const asking = new Asking(ledger, project, request);
  for (const one of wanted) {
    const grant = await asking.holdOne(one);
    grants.push(grant);
    if (grant.granted === undefined) break;
  }
  return { grants };
}

class Asking {
  readonly #ledger: Ledger;
  readonly #project: ProjectState;
  readonly #request: LedgerRequest;
  /** For a dry run: roots as the holds before have left them. */
  readonly #dryRoots = new Map<string, PoolState>();

  constructor(ledger: Ledger, project: ProjectState, request: LedgerRequest) {
    this.#ledger = ledger;
    this.#project = project;
    this.#request = request;
  }

  /** Asks the pools that may have it, in their order, until one holds it. */
  async holdOne(wanted: WantedAddress): Promise<AddressGrant> {
    const generation = generationOf(this.#project);
    const { claim, ordinal, className, pool: named } = wanted;
    const grant = { type: 'Address', generation, claim: claim.uid, ordinal } as const;
    let refusal: Refusal | undefined;
    let refusing = named ?? '';
    for (const pool of await this.#poolsFor(wanted)) {
      const answer = await this.#ask(pool, generation, wanted);
      if ('granted' in answer) return { ...grant, ...answer, refusal: undefined };
      if (refusal !== undefined && weightOf(refusal) >= weightOf(answer.refusal)) continue;
      refusal = answer.refusal;
      refusing = pool;
    }
    const nobody = `no pool offers IPClass "${className}"`;
    refusal ??= { reason: 'NoOfferingPool', message: nobody };
    return { ...grant, pool: refusing, granted: undefined, refusal };
  }

  /** By name, or the emptiest first, as the class says. */
  async #poolsFor({ className, pool }: WantedAddress): Promise<readonly string[]> {
    if (className === undefined) return pool === undefined ? [] : [pool];
    const generation = generationOf(this.#project);
    const { platformState } = this.#ledger;
    return poolsToAsk(platformState, className, generation, (name) => this.#stateOf(name));
  }

  async #ask(pool: string, generation: string, wanted: WantedAddress): Promise<Answer> {
    const { claim, ordinal, className, family, length, block, abandonedGrant } = wanted;
    const { name: project } = this.#project;
    const command: HoldCommand = {
      ...{ type: 'HoldAddress', pool, project, generation, claim, ordinal, className },
      ...{ family, length, block, abandoned: abandonedGrant },
    };
    const settled = await this.#decide(pool, command);
    if (settled.outcome === 'rejected') return { refusal: settled.rejection };
    if (settled.outcome !== 'decided') throw new Error(`a pool was asked and ${settled.outcome}`);
    const hold = settled.state.holds.get(holdKey(generation, claim.uid, ordinal));
    if (hold === undefined) throw new Error(`pool ${pool} holds nothing for ${claim.name}`);
    // One that was held before may be of another pool than the one that was asked now.
    const { grantId: id, block: held, pool: holding } = hold;
    const retentionLeaseMsMax = leaseMaxMs(settled.state, holding);
    return { pool: holding, granted: { id, block: formatPrefix(held), retentionLeaseMsMax } };
  }

  async #decide(pool: string, command: HoldCommand) {
    const request = { ...this.#request, commandId: this.#ledger.newId() };
    const platform = this.#ledger.platformState;
    const root = rootOf(platform, pool);
    if (!request.dryRun) return this.#ledger.pool(root, command, request);
    const state = await this.#stateOf(pool);
    const context = { commandId: request.commandId, atMs: this.#ledger.nowMs(state), platform };
    const decision = decidePool(command, state, { ...context, grants: [] });
    if (decision.outcome === 'decided') this.#dryRoots.set(root, decision.state);
    return decision;
  }

  async #stateOf(pool: string): Promise<PoolState> {
    const root = rootOf(this.#ledger.platformState, pool);
    return this.#dryRoots.get(root) ?? (await this.#ledger.poolState(root));
  }
}

/** The longest that what a pool holds may be retained; none where it does not say. */
function leaseMaxMs({ pools }: PoolState, name: string): number | null {
  return durationMs(pools.get(name)?.spec.maxRetentionLease ?? '') ?? null;
}
