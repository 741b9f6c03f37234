import { MemoryStore } from './memory/memory-store.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

/** Opens the store that a setting names. Throws StoreRefused for what an operator can put right. */
export async function openStore(
  setting: 'sqlite' | 'memory',
  options: { readonly directory: string; readonly clock: () => Date },
): Promise<Store> {
  const { directory, clock } = options;
  return setting === 'memory' ? new MemoryStore({ clock }) : openSqliteStore({ directory, clock });
}
