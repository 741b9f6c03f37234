import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';

type Random = (count: number) => Buffer;

/**
 * Puts a file that only its owner may read in its place, in one step: a reader finds what was there
 * before or all of it, also after a crash.
 */
export function replaceFile(path: string, text: string, randomBytes: Random): void {
  const beside = written(path, text, randomBytes);
  renameSync(beside, path);
}

/** Does the same where there is no such file yet. Of several processes one wins. */
export function placeFile(path: string, text: string, randomBytes: Random): void {
  const beside = written(path, text, randomBytes);
  try {
    linkSync(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(beside);
  }
}

/** Writes a file beside another one, under a name that nobody else uses. */
function written(path: string, text: string, randomBytes: Random): string {
  const beside = `${path}.${randomBytes(8).toString('hex')}.new`;
  const file = openSync(beside, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return beside;
}
