import { openKurrentStore } from './kurrent/kurrent-store.ts';
import { MemoryStore } from './memory/memory-store.ts';
import { ensureDirectory } from './sqlite/open-log.ts';
import { ProcessLock } from './sqlite/process-lock.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

/** Which engine keeps the log: an embedded one, or a KurrentDB by its connection string. */
export type StoreSetting = 'sqlite' | 'memory' | `esdb${string}`;

export interface OpenStoreOptions {
  /** What this process keeps beside the log or, with `sqlite`, the log itself. */
  readonly directory: string;
  readonly clock: () => Date;
  /** The categories of the log's streams, of which others may use the cluster as well. */
  readonly categories: readonly string[];
}

/** Opens the store that a setting names. Throws StoreRefused for what an operator can put right. */
export async function openStore(setting: StoreSetting, options: OpenStoreOptions): Promise<Store> {
  const { directory, clock, categories } = options;
  if (setting === 'memory') return new MemoryStore({ clock });
  if (setting === 'sqlite') return openSqliteStore({ directory, clock });
  // The caches in a data directory are of one process, wherever the log is.
  ensureDirectory(directory);
  const lock = ProcessLock.take(directory);
  return openKurrentStore({ url: setting, categories, onClosed: () => lock.release() });
}
