import type { StatementSync } from 'node:sqlite';
import { restingAllocation } from '../../projections/ip-allocations.ts';
import { restingPlaceOf } from '../../projections/shape/allocation-names.ts';
import { blockAt } from '../../projections/shape/block-digits.ts';
import type { RowAccess } from './rows.ts';
import { Version } from './version.ts';
import type { ListQuery } from './views.ts';

const STATEMENTS = {
  // One at a time by the index: there may be far more blocks than namespaces.
  nextNamespace: `SELECT min(holder_namespace) AS namespace
    FROM holdings_past INDEXED BY quarantines_by_project
    WHERE available_at IS NOT NULL AND holder_namespace > ?`,
  resting: `SELECT * FROM holdings_past INDEXED BY quarantines_by_project
    WHERE holder_namespace = ?1 AND available_at > ?2 AND (available_at, position) > (?3, ?4)
      AND position <= ?5 AND (until_position IS NULL OR until_position > ?5)
    ORDER BY available_at, position`,
} as const;
const EVER = 2n ** 63n - 1n;

/**
 * Blocks in quarantine. They are shown to those who ask for them and are no objects otherwise: the
 * end of a quarantine is no event, so no watch could tell that one is gone.
 */
export class RestingBlocks {
  readonly #nextNamespace: StatementSync;
  readonly #resting: StatementSync;
  readonly #settle: () => void;

  constructor({ database, settle }: Omit<RowAccess, 'placeOf'>) {
    this.#settle = settle;
    this.#nextNamespace = database.prepare(STATEMENTS.nextNamespace);
    this.#resting = database.prepare(STATEMENTS.resting);
    this.#resting.setReadBigInts(true);
  }

  /** By the namespace of the last holder, then in the order in which they become available. */
  *list(
    { namespace, after, at = EVER }: Pick<ListQuery, 'namespace' | 'after' | 'at'>,
    restingAtMs: number,
  ): Generator<Version> {
    this.#settle();
    const namespaces = namespace === undefined ? this.#namespaces(after?.namespace) : [namespace];
    for (const one of namespaces) {
      const place = one === after?.namespace ? restingPlaceOf(after.name) : undefined;
      const { availableAtMs = 0, position = 0n } = place ?? {};
      for (const row of this.#resting.iterate(one, restingAtMs, availableAtMs, position, at)) {
        yield versionOf(row);
      }
    }
  }

  *#namespaces(from: string | undefined): Generator<string> {
    if (from !== undefined) yield from;
    for (let last = from ?? ''; ; ) {
      const next = this.#nextNamespace.get(last)?.namespace;
      if (typeof next !== 'string') return;
      yield next;
      last = next;
    }
  }
}

function versionOf(row: Record<string, unknown>): Version {
  const position = row.position as bigint;
  const recordedAtMs = Number(row.recorded_at);
  const object = restingAllocation({
    pool: row.pool as string,
    block: blockAt(row.start as string, Number(row.length)),
    className: row.class as string,
    namespace: row.holder_namespace as string,
    holder: {
      kind: row.holder_kind as string,
      name: row.holder_name as string,
      uid: row.holder_uid as string,
    },
    releasedAtMs: recordedAtMs,
    availableAtMs: Number(row.available_at),
    position,
  });
  const { name, namespace = '' } = object.metadata;
  // It is of no revision that a writer could expect: nothing can be done to it.
  const place = { namespace, name, revision: -1, lastRevision: -1, position, recordedAtMs };
  return new Version(place, object);
}
