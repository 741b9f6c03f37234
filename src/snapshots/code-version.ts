import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders whose code says what a state is, and what an event makes of it. */
const FOLDERS = ['addressing', 'ledger', 'snapshots'];

/**
 * Changes with every change of the rules that states are made by. A state that other rules have
 * made is not to be gone on from, however much it looks like one of ours.
 */
export function codeVersion(): string {
  const version = createHash('sha256');
  for (const folder of FOLDERS) {
    const path = join(import.meta.dirname, '..', folder);
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => /\.[jt]s$/.test(name)).sort()) {
      version
        .update(`${folder}/${file}\0`)
        .update(readFileSync(join(path, file)))
        .update('\0');
    }
  }
  return version.digest('hex');
}
