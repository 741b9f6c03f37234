import { markImportBegun, markImportFinished } from './import-mark.ts';
import { openKurrentStore } from './kurrent/kurrent-store.ts';
import type { OpenStoreOptions, StoreSetting } from './open-store.ts';
import { startEpochAfter } from './sqlite/epochs.ts';
import * as sqliteMark from './sqlite/import-mark.ts';
import { ensureDirectory } from './sqlite/open-log.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import { type Position, type Store, StoreRefused } from './store.ts';

/** A log that is to become a copy of another one; nobody serves it before it is whole. */
export interface ImportTarget {
  readonly store: Store;
  /** Called before the first event is copied. */
  readonly begin: () => Promise<void>;
  /** Called when the log is whole. */
  readonly finish: () => Promise<void>;
}

/**
 * Opens the log that a setting names, for a copy of one that ended at a position: where this one
 * is empty and can choose, its positions are above all of that one's.
 */
export async function openImportTarget(
  setting: StoreSetting,
  { directory, clock, categories }: OpenStoreOptions,
  sourceHead: Position,
): Promise<ImportTarget> {
  if (setting === 'memory') {
    throw new StoreRefused('memory', 'is lost at the end; import into sqlite or esdb://...');
  }
  if (setting === 'sqlite') {
    ensureDirectory(directory);
    startEpochAfter(directory, clock, sourceHead);
    return {
      store: openSqliteStore({ directory, clock, mayBeHalfImported: true }),
      begin: async () => sqliteMark.markImportBegun(directory),
      finish: async () => sqliteMark.markImportFinished(directory),
    };
  }
  const store = await openKurrentStore({ url: setting, categories });
  return {
    store,
    begin: () => markImportBegun(store),
    finish: () => markImportFinished(store),
  };
}
