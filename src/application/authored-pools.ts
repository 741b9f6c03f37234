import { isDeepStrictEqual } from 'node:util';
import { uuidOf } from '../ledger/identifiers.ts';
import { type IPPoolSpec, rangesOf } from '../ledger/ip-pool.ts';
import { grantsOfRanges } from '../ledger/platform/directory.ts';
import type { RegisteredPool } from '../ledger/platform/state.ts';
import type { AuthoredPoolCommand } from '../ledger/pool/life.ts';
import type { PoolRecord, PoolState } from '../ledger/pool/state.ts';
import type { Ledger } from './ledger.ts';
import type { Settled } from './mailbox.ts';
import type { LedgerRequest } from './request.ts';

/** A decision, and the root in whose stream it was made. */
export interface PoolAnswer {
  readonly root: string;
  readonly settled: Settled<PoolState>;
}

type Of<T extends AuthoredPoolCommand['type']> = Extract<AuthoredPoolCommand, { type: T }>;

/**
 * The life of authored pools, between the platform's directory and the stream of each root. What a
 * pool begins to be is registered first and committed in its stream then; what it ceases to be is
 * ended in its stream first. `settle` brings both together again after a crash between the two.
 */
export class AuthoredPools {
  readonly #ledger: Ledger;
  /** The last of the commands under way about each pool: they are carried out one by one. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Carries out a command about one pool; undefined when there is no such pool. */
  submit(command: AuthoredPoolCommand, request: LedgerRequest): Promise<PoolAnswer | undefined> {
    return this.#oneByOne(command.name, async () => {
      if (command.type === 'CreatePool') return this.#create(command, request);
      const registered = await this.#registered(command.name);
      if (registered === undefined) return undefined;
      return command.type === 'UpdatePool'
        ? this.#update(registered, command, request)
        : this.#change(registered, command, request);
    });
  }

  /** Brings what is registered of a pool and what its root's stream says of it together. */
  settle(name: string): Promise<void> {
    return this.#oneByOne(name, () => this.#settle(name));
  }

  async #create(command: Of<'CreatePool'>, request: LedgerRequest): Promise<PoolAnswer> {
    const { name, spec, metadata } = command;
    const owner = await this.#ownerOf(spec);
    const pool = { name, uid: uuidOf(request.commandId, 'IPPool'), spec, metadata, owner };
    const wanted = { type: 'RegisterPool', ...pool } as const;
    const trial = await this.#ledger.tryPlatform(wanted, this.#step(request));
    if (trial.outcome !== 'decided') {
      // What is in its way may have come after it was carried out under the same key.
      return { root: name, settled: (await this.#ledger.answered(request)) ?? refusalOf(trial) };
    }
    const root = trial.state.pools.get(name)?.root ?? name;
    const uid = await this.#unendedUid(root, pool.uid);
    const register = { ...wanted, uid };
    const open = { ...pool, uid, type: 'OpenPool' } as const;
    const tried = await this.#ledger.pool(root, open, { ...request, dryRun: true });
    if (tried.outcome !== 'decided' || request.dryRun) return { root, settled: tried };
    const registered = await this.#ledger.platform(register, this.#step(request));
    if (registered.outcome === 'rejected') return { root, settled: registered };
    const settled = await this.#ledger.pool(root, open, request);
    if (settled.outcome === 'rejected') await this.#settleQuietly(name);
    return { root, settled };
  }

  /** What is registered of a pool; of one that is unknown here another ledger may know. */
  async #registered(name: string): Promise<RegisteredPool | undefined> {
    const { pools } = this.#ledger.platformState;
    return pools.get(name) ?? (await this.#ledger.refreshPlatform()).pools.get(name);
  }

  /** Under a key that stands for a creation which was given up another one is tried. */
  async #unendedUid(root: string, first: string): Promise<string> {
    const { endedGrants } = await this.#ledger.refreshPool(root);
    let uid = first;
    while (endedGrants.has(uid)) uid = uuidOf(uid, 'IPPool');
    return uid;
  }

  /** The present life of the project that is to own a pool. */
  async #ownerOf({ projectRef }: IPPoolSpec): Promise<string | undefined> {
    if (projectRef === undefined) return undefined;
    const namespace = await this.#ledger.namespaceOf(projectRef.name);
    return namespace?.deleting ? undefined : namespace?.uid;
  }

  async #update(
    registered: RegisteredPool,
    command: Of<'UpdatePool'>,
    request: LedgerRequest,
  ): Promise<PoolAnswer> {
    const { name, spec } = command;
    const { root, uid } = registered;
    // On trial nothing is registered yet: any id stands for one that will be.
    const grants = Object.fromEntries(rangesOf(spec).map((range) => [range, 'trial']));
    const trial = { ...request, dryRun: true };
    const tried = await this.#ledger.pool(root, { ...command, grants }, trial);
    if (tried.outcome !== 'decided') return { root, settled: tried };
    const widen = { type: 'WidenRegistration', name, uid, spec } as const;
    const widening = await this.#ledger.tryPlatform(widen, this.#step(request));
    if (widening.outcome !== 'decided') return { root, settled: refusalOf(widening) };
    if (request.dryRun) return { root, settled: tried };
    const widened = await this.#ledger.platform(widen, this.#step(request));
    if (widened.outcome === 'rejected') return { root, settled: widened };
    const given = grantsOfRanges(this.#ledger.platformState, name);
    const settled = await this.#ledger.pool(root, { ...command, grants: given }, request);
    await this.#settleQuietly(name);
    return { root, settled };
  }

  async #change(
    { name, root }: RegisteredPool,
    command: Of<'ChangeMetadata' | 'DeletePool'>,
    request: LedgerRequest,
  ): Promise<PoolAnswer> {
    const settled = await this.#ledger.pool(root, command, request);
    if (settled.outcome === 'decided' && !request.dryRun) await this.#settleQuietly(name);
    return { root, settled };
  }

  async #settle(name: string): Promise<void> {
    const registered = this.#ledger.platformState.pools.get(name);
    if (registered === undefined) return;
    const { uid, root, spec, metadata, owner } = registered;
    const { pools, endedGrants } = await this.#ledger.refreshPool(root);
    const present = pools.get(name);
    if (present?.uid === uid) return this.#narrow(registered, present);
    if (!endedGrants.has(uid)) {
      const open = { type: 'OpenPool', name, uid, spec, metadata, owner } as const;
      const opened = await this.#ledger.pool(root, open, this.#ledger.own());
      if (opened.outcome === 'decided') return;
      await this.#abandon(root, uid);
    }
    const unregister = { type: 'UnregisterPool', name, uid } as const;
    await this.#ledger.platform(unregister, this.#ledger.own());
  }

  /**
   * What was registered for a change that did not happen is fenced, then given up. Another process
   * may be in the middle of a change: what it has committed before the fence is seen after it, and
   * what it registers later is another registration.
   */
  async #narrow(registered: RegisteredPool, { spec }: PoolRecord): Promise<void> {
    if (isDeepStrictEqual(registered.spec, spec)) return;
    const { name, uid, root, revision } = registered;
    const grants = Object.entries(grantsOfRanges(this.#ledger.platformState, name));
    for (const [range, id] of grants) {
      if (!rangesOf(spec).includes(range)) await this.#abandon(root, id);
    }
    const present = (await this.#ledger.refreshPool(root)).pools.get(name);
    if (present?.uid !== uid || isDeepStrictEqual(registered.spec, present.spec)) return;
    const narrow = { name, uid, spec: present.spec, expectRevision: revision };
    const settle = { type: 'SettleRegistration', ...narrow } as const;
    const changed = await this.#ledger.platform(settle, this.#ledger.own());
    // Whoever has changed or ended the registration meanwhile brings it to its end, too.
    const isOvertaken = ['NotFound', 'Conflict'];
    if (changed.outcome !== 'rejected' || isOvertaken.includes(changed.rejection.reason)) return;
    throw new Error(changed.rejection.message);
  }

  async #abandon(root: string, grantId: string): Promise<void> {
    await this.#ledger.pool(root, { type: 'AbandonGrant', grantId }, this.#ledger.own());
  }

  /** The answer does not depend on it: recovery does the same, and again until it is done. */
  async #settleQuietly(name: string): Promise<void> {
    await this.#settle(name).catch(() => {});
  }

  /** A step is a command of its own: the client's key stands for the commit. */
  #step({ commandId, correlationId, actor }: LedgerRequest): LedgerRequest {
    return { ...this.#ledger.own(commandId), correlationId, actor };
  }

  async #oneByOne<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}

function refusalOf(
  settled: Exclude<Settled<unknown>, { readonly outcome: 'decided' }>,
): Settled<PoolState> {
  if (settled.outcome === 'needs') throw new Error('the platform needs nothing of others');
  return settled;
}
