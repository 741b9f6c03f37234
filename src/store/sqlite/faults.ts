import { StoreFull, StoreUnavailable } from '../store.ts';

/** SQLite's primary result codes that are told apart. */
export const SQLITE_BUSY = 5;
export const SQLITE_READONLY = 8;
export const SQLITE_IOERR = 10;
export const SQLITE_CORRUPT = 11;
export const SQLITE_FULL = 13;
export const SQLITE_CANTOPEN = 14;
export const SQLITE_NOTADB = 26;

/** SQLite's primary result code of what was thrown; undefined when that is not SQLite's. */
export function sqliteCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return undefined;
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : undefined;
}

/** What was thrown under the port, as a fault of the port. */
export function storeFault(thrown: unknown): StoreFull | StoreUnavailable {
  if (thrown instanceof StoreFull || thrown instanceof StoreUnavailable) return thrown;
  if (sqliteCode(thrown) === SQLITE_FULL) {
    return new StoreFull('there is no room left for the log', { cause: thrown });
  }
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return new StoreUnavailable(`the log could not be used: ${problem}`, { cause: thrown });
}
