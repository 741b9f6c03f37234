import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ROOT } from '../../tidy/sources.ts';

/** A kubectl of this machine. */
export interface FoundKubectl {
  readonly path: string;
  /** As it tells it itself: `v1.33.1`. */
  readonly version: string;
  readonly minor: number;
}

/** The oldest one that has to work; `.ci/fetch-kubectl` gets it from Debian. */
export const OLDEST_MINOR = 20;
export const FETCHED = join(ROOT, 'node_modules/.cache/kubectl-1.20/usr/bin/kubectl');

/** Every kubectl that there is, one of each version, the oldest first. */
export function foundKubectls(): FoundKubectl[] {
  const folders = new Set((process.env.PATH ?? '').split(delimiter));
  // Cloud SDKs put one on the PATH, and keep those of other versions beside what it links to.
  for (const folder of [...folders]) {
    const one = join(folder, 'kubectl');
    if (existsSync(one)) folders.add(dirname(realpathSync(one)));
  }
  const paths = [...folders].filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^kubectl(\.1\.\d+)?$/.test(name))
      .map((name) => join(folder, name)),
  );
  if (existsSync(FETCHED)) paths.push(FETCHED);
  const byVersion = new Map(paths.map((path) => [versionOf(path), path]));
  return [...byVersion]
    .map(([version, path]) => ({ path, version, minor: minorOf(version) }))
    .toSorted((one, other) => one.minor - other.minor);
}

function versionOf(path: string): string {
  const told = execFileSync(path, ['version', '--client', '-o', 'json'], { timeout: 20_000 });
  return JSON.parse(told.toString()).clientVersion.gitVersion;
}

function minorOf(version: string): number {
  const [, minor] = /^v1\.(\d+)\./.exec(version) ?? [];
  if (minor === undefined) throw new Error(`a kubectl says that it is ${version}`);
  return Number(minor);
}
