import type { Logger } from 'pino';
import { isHalfImported } from './import-mark.ts';
import { withoutPassword } from './kurrent/connection.ts';
import { openKurrentStore } from './kurrent/kurrent-store.ts';
import { MemoryStore } from './memory/memory-store.ts';
import { ensureDirectory } from './sqlite/open-log.ts';
import { ProcessLock } from './sqlite/process-lock.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import { type Store, StoreRefused } from './store.ts';

/** Which engine keeps the log: an embedded one, or a KurrentDB by its connection string. */
export type StoreSetting = 'sqlite' | 'memory' | `esdb${string}`;

export interface OpenStoreOptions {
  /** What this process keeps beside the log or, with `sqlite`, the log itself. */
  readonly directory: string;
  readonly clock: () => Date;
  /** The categories of the log's streams, of which others may use the cluster as well. */
  readonly categories: readonly string[];
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number;
  /** Is told that a store in a cluster is waited for. */
  readonly log?: Pick<Logger, 'warn' | 'info'>;
}

/** Opens the store that a setting names. Throws StoreRefused for what an operator can put right. */
export async function openStore(setting: StoreSetting, options: OpenStoreOptions): Promise<Store> {
  const { directory, clock, categories, random, log } = options;
  if (setting === 'memory') return new MemoryStore({ clock });
  if (setting === 'sqlite') return openSqliteStore({ directory, clock });
  // The caches in a data directory are of one process, wherever the log is.
  ensureDirectory(directory);
  const lock = ProcessLock.take(directory);
  const onClosed = () => lock.release();
  const named = { url: setting, categories, random, log, onClosed };
  return wholeLog(setting, await openKurrentStore(named));
}

/** Opens a store that exists to look at it, beside whoever serves it. */
export async function openStoreToRead(
  setting: StoreSetting,
  { directory, clock, categories }: OpenStoreOptions,
): Promise<Store> {
  if (setting === 'memory') throw new StoreRefused('memory', 'is of one process alone');
  if (setting === 'sqlite') return openSqliteStore({ directory, clock, readOnly: true });
  return wholeLog(setting, await openKurrentStore({ url: setting, categories }));
}

/** The store, unless what is in it is a part of a log only. */
async function wholeLog(url: string, store: Store): Promise<Store> {
  let isHalf: boolean;
  try {
    isHalf = await isHalfImported(store);
  } catch (fault) {
    await store.close();
    throw fault;
  }
  if (!isHalf) return store;
  await store.close();
  const problem =
    'holds a part of a log: an import was not finished; run "netalloc import-log" again with the ' +
    'same file';
  throw new StoreRefused(withoutPassword(url), problem);
}
