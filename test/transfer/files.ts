import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ImportTarget } from '../../src/store/import-target.ts';
import type { Store } from '../../src/store/store.ts';
import { type Imported, importLog } from '../../src/transfer/import-log.ts';
import { PortableLog, portableLog } from '../../src/transfer/portable-log.ts';
import { Progress } from '../../src/transfer/progress.ts';

export const CATEGORIES = ['addressSpace'];

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'netalloc-transfer-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const quiet = () =>
  new Progress(
    () => new Date(0),
    () => {},
  );

/** A store's log as the text of a file. */
export async function exported(store: Store): Promise<string> {
  let text = '';
  for await (const piece of portableLog(store, CATEGORIES, quiet())) text += piece;
  return text;
}

/** Bytes as they come from a file or a pipe. */
export async function* chunks(text: string, bytesMax = 50_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += bytesMax) {
    yield bytes.subarray(from, from + bytesMax);
  }
}

/** Imports the text of a file into a store that needs no marks. */
export async function imported(text: string, store: Store): Promise<Imported> {
  return importedInto(text, { store, begin: async () => {}, finish: async () => {} });
}

export async function importedInto(text: string, target: ImportTarget): Promise<Imported> {
  return importLog(await PortableLog.open(chunks(text)), target, CATEGORIES, quiet());
}
