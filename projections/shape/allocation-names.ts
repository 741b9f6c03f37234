import { hash } from 'node:crypto';

/**
 * Names of IPAllocations. That of an IPClaim has the claim's name. All others contain a colon,
 * which no claim's name can: what it is for, whose it is, and which one of these.
 */
const OWNER_CHARS_MAX = 150;
const HASH_CHARS = 16;

/** The name of the record of an interface's address: one of each class. */
export function interfaceAllocationName(nic: string, className: string): string {
  return `interface:${shortened(nic)}:${className}`;
}

/** The interface that a record is of, or how the names of those begin that may be it. */
export function interfaceOfName(name: string): { readonly begins: string } | undefined {
  const owner = /^interface:([^:]+):[^:]+$/.exec(name)?.[1];
  return owner === undefined ? undefined : { begins: owner.split('~')[0] as string };
}

/** How the names of the records of a pool's withheld blocks begin. */
export function reservationNames(pool: string): string {
  return `reservation:${shortened(pool)}:`;
}

/** The name of the record of a block that is withheld in a pool. */
export function reservationName(pool: string, cidr: string): string {
  return reservationNames(pool) + cidr.replace('/', '-');
}

/** The name of the record of a block of a pool that has become the range of another one. */
export function carveName(pool: string, cidr: string): string {
  return `carve:${shortened(pool)}:${cidr.replace('/', '-')}`;
}

/** Where a list of resting blocks goes on: they come in the order in which they are available. */
export interface RestingPlace {
  readonly availableAtMs: number;
  readonly position: bigint;
}

/** The name of a block that rests: these sort as they become available. */
export function restingName({ availableAtMs, position }: RestingPlace, cidr: string): string {
  const place = [String(availableAtMs).padStart(15, '0'), String(position).padStart(19, '0')];
  return `quarantine:${place.join(':')}:${cidr.replace('/', '-')}`;
}

/** The place that a name of a resting block says. */
export function restingPlaceOf(name: string): RestingPlace | undefined {
  const match = /^quarantine:(\d{15}):(\d{19}):/.exec(name);
  if (match === null) return undefined;
  return { availableAtMs: Number(match[1]), position: BigInt(match[2] as string) };
}

/** An owner's name of any length; a tilde, which none contains, marks one that was cut. */
function shortened(owner: string): string {
  if (owner.length <= OWNER_CHARS_MAX) return owner;
  const digest = hash('sha256', owner, 'hex').slice(0, HASH_CHARS);
  return `${owner.slice(0, OWNER_CHARS_MAX - HASH_CHARS - 1)}~${digest}`;
}
