import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface Source {
  /** Path from the top of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** All TypeScript files below these folders. */
export function sourcesIn(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return { path: relative(ROOT, file), text: readFileSync(file, 'utf8') };
      }),
  );
}

const IMPORT = /^(?:import|export)\s[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gms;

/** Files of the project that a file imports, as paths from the top. */
export function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(IMPORT)].map(([, from, dynamic]) =>
    relative(ROOT, join(ROOT, dirname(path), (from ?? dynamic) as string)),
  );
}
