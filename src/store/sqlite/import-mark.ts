import { closeSync, existsSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StoreRefused } from '../store.ts';

/** A file beside the log for as long as only a part of it has been imported. */
const MARK_FILE = 'import-unfinished';

/** Refuses a directory whose log is a part of one only. */
export function refuseHalfImported(directory: string): void {
  const path = join(directory, MARK_FILE);
  if (!existsSync(path)) return;
  const problem =
    'holds a part of a log: an import was not finished; run "netalloc import-log" again with the ' +
    'same file, or begin with another data directory';
  throw new StoreRefused(directory, problem);
}

/** Makes the mark, on the disk itself before anything is imported. */
export function markImportBegun(directory: string): void {
  const mark = openSync(join(directory, MARK_FILE), 'a', 0o600);
  fsyncSync(mark);
  closeSync(mark);
  syncDirectory(directory);
}

/** Takes the mark away. */
export function markImportFinished(directory: string): void {
  rmSync(join(directory, MARK_FILE), { force: true });
  syncDirectory(directory);
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
