import type { StatementSync } from 'node:sqlite';
import type { Counts } from './projection.ts';
import type { RowAccess } from './rows.ts';
import type { PoolCounts } from './views.ts';

const STATEMENTS = {
  ranges: 'SELECT host_bits, count(*) AS blocks FROM pool_ranges WHERE pool = ? GROUP BY host_bits',
  blocks: 'SELECT state, host_bits, blocks FROM pool_blocks WHERE pool = ?',
  // Each size by itself is a part of the index; together they would have to be sorted.
  quarantined: `SELECT host_bits, (SELECT count(*) FROM holdings_past AS past
      WHERE past.pool = ?1 AND past.host_bits = sizes.host_bits AND past.available_at > ?2
        AND past.until_position IS NULL) AS blocks
    FROM (SELECT DISTINCT host_bits FROM pool_blocks WHERE pool = ?1) AS sizes`,
  inContext: 'SELECT interfaces FROM presences WHERE project = ? AND context = ?',
  atLocation: 'SELECT sum(interfaces + allocations) AS standing FROM presences WHERE location = ?',
  // Classes are seldom deleted: an index for it would cost every claim.
  ofClass: `SELECT (SELECT count(*) FROM holdings WHERE class = ?1 AND state <> 'Carved') +
    (SELECT count(DISTINCT pool) FROM pool_ranges
      WHERE pool > ?1 || '.' AND pool < ?1 || '/') AS uses`,
} as const;

/**
 * Counts at the instant of the read. They cost as much as there are sizes of blocks, and what is
 * in quarantine; not what is held.
 */
export class RowCounts implements Counts {
  readonly #statements: Record<keyof typeof STATEMENTS, StatementSync>;
  readonly #settle: () => void;
  readonly #clock: () => Date;

  constructor({ database, settle }: Omit<RowAccess, 'placeOf'>, clock: () => Date) {
    this.#settle = settle;
    this.#statements = Object.fromEntries(
      Object.entries(STATEMENTS).map(([name, sql]) => [name, database.prepare(sql)]),
    ) as Record<keyof typeof STATEMENTS, StatementSync>;
    this.#clock = clock;
  }

  poolCounts(pool: string): PoolCounts | undefined {
    this.#settle();
    const ranges = this.#statements.ranges.all(pool);
    if (ranges.length === 0) return undefined;
    const total = ranges.reduce((sum, row) => sum + sizeOf(row), 0n);
    const size = { Reserved: 0n, Held: 0n, Retained: 0n, Carved: 0n };
    for (const row of this.#statements.blocks.all(pool)) {
      size[row.state as keyof typeof size] += sizeOf(row);
    }
    const quarantined = this.#statements.quarantined
      .all(pool, this.#clock().getTime())
      .reduce((sum, row) => sum + sizeOf(row), 0n);
    const { Reserved, Held, Retained, Carved } = size;
    return {
      total: String(total),
      reserved: String(Reserved),
      held: String(Held),
      retained: String(Retained),
      quarantined: String(quarantined),
      carved: String(Carved),
      free: String(total - Reserved - Held - Retained - quarantined - Carved),
    };
  }

  interfacesIn(project: string, context: string): number {
    this.#settle();
    return Number(this.#statements.inContext.get(project, context)?.interfaces ?? 0);
  }

  /** Pools made on demand begin with the name of their class and a dot. */
  usesOfClass(name: string): number {
    this.#settle();
    return Number(this.#statements.ofClass.get(name)?.uses ?? 0);
  }

  standingAt(location: string): number {
    this.#settle();
    return Number(this.#statements.atLocation.get(location)?.standing ?? 0);
  }
}

/** Addresses of so many blocks of one size. */
function sizeOf(row: Record<string, unknown>): bigint {
  return BigInt(row.blocks as number) << BigInt(row.host_bits as number);
}
