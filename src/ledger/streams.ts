/**
 * Names of the streams. One address space is one stream; the category is the text before the first
 * dash. These names are a storage format: they never change.
 */
export const CATEGORY = 'addressSpace';
export const PLATFORM_STREAM = `${CATEGORY}-platform`;

const PROJECT = `${CATEGORY}-project.`;
const POOL = `${CATEGORY}-pool.`;

/** The stream of a project, which a Namespace of the API stands for. */
export function projectStream(project: string): string {
  return PROJECT + project;
}

/** The stream of an authored root pool; its authored children are decided there too. */
export function poolStream(pool: string): string {
  return POOL + pool;
}

export type SpaceName =
  | { readonly kind: 'platform' }
  | { readonly kind: 'project'; readonly name: string }
  | { readonly kind: 'pool'; readonly name: string };

/** Which address space a stream belongs to; undefined for a stream that is none of ours. */
export function spaceOf(stream: string): SpaceName | undefined {
  if (stream === PLATFORM_STREAM) return { kind: 'platform' };
  if (stream.startsWith(PROJECT)) return { kind: 'project', name: stream.slice(PROJECT.length) };
  if (stream.startsWith(POOL)) return { kind: 'pool', name: stream.slice(POOL.length) };
  return undefined;
}

/** The project of a stream, or undefined when it is another kind of space. */
export function projectOf(stream: string): string | undefined {
  return stream.startsWith(PROJECT) ? stream.slice(PROJECT.length) : undefined;
}

/**
 * The name of a pool made on demand: its class and the scope it serves. It contains a dot, which
 * names of authored pools cannot.
 */
export function scopedPoolName(className: string, scope: readonly string[]): string {
  return [className, ...scope].join('.');
}

/** The project of a pool made on demand; undefined for the name of an authored pool. */
export function projectOfScopedPool(name: string): string | undefined {
  return name.split('.')[1];
}

/** The name of a presence. */
export function presenceName(network: string, location: string): string {
  return `${network}.${location}`;
}
