import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { VIEWS_SCHEMA } from '../../src/views/views-file.ts';
import { verdictOn } from './forged-log.ts';

/** All that `netalloc verify` finds wrong with the log and the views of a data directory. */
export async function problemsIn(directory: string): Promise<readonly object[]> {
  const store = openSqliteStore({ directory, clock: () => new Date(), readOnly: true });
  try {
    const path = join(directory, 'views.sqlite');
    const { damage, findings, views } = await verdictOn(store, { path, schema: VIEWS_SCHEMA });
    const differences = views.compared ? views.differences.first : [];
    return [...(damage === undefined ? [] : [damage]), ...findings.first, ...differences];
  } finally {
    await store.close();
  }
}
