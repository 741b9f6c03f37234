import { statSync } from 'node:fs';

/**
 * Differs when a file has been replaced or written. Looking at it again and again does what
 * notifications of file systems do not: it works over networks.
 */
export function signOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? 'none' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}
