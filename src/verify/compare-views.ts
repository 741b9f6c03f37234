import type { DatabaseSync } from 'node:sqlite';
import type { NaiveReading } from './naive-reading.ts';
import { objectTables } from './views-objects.ts';
import { rowTables } from './views-rows.ts';
import { compareTable, type Difference } from './views-table.ts';

/**
 * Compares the present that the views show with that of a naive reading which has come as far as
 * they have, table by table; gives how many rows it has looked at. What was before the present is
 * not compared, nor is the text of conditions.
 */
export function* compareViews(
  database: DatabaseSync,
  { ledger, latestAt }: NaiveReading,
): Generator<Difference, number> {
  let rows = 0;
  const latestMs = latestAt === '' ? 0 : Date.parse(latestAt);
  for (const table of [...objectTables(ledger), ...rowTables(ledger, latestMs)]) {
    rows += yield* compareTable(database, table);
  }
  return rows;
}
