/** A block of addresses as two integers, from its first to its last. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** A block by its first address and its size, 2^hostBits addresses. */
export interface Block {
  readonly first: bigint;
  readonly hostBits: number;
}

/** A block from a CIDR text, or from a bare address. */
export function blockOf(text: string): Block {
  const [address = '', length] = text.split('/');
  const isV6 = address.includes(':');
  const first = isV6 ? integerOfV6(address) : integerOf(address.split('.').map(Number), 8n);
  const bits = isV6 ? 128 : 32;
  return { first, hostBits: bits - Number(length ?? bits) };
}

/** First and last address of a CIDR text, or of a bare address. */
export function intervalOf(text: string): Interval {
  return extentOf(blockOf(text));
}

/** First and last address of a block. */
export function extentOf(block: Block): Interval {
  return { first: block.first, last: lastOf(block) };
}

export function lastOf({ first, hostBits }: Block): bigint {
  return hostBits === 0 ? first : first + (1n << BigInt(hostBits)) - 1n;
}

export function meet(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function isWithin(outer: Interval, inner: Interval): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** Whether one CIDR text or bare address lies in another. */
export function liesIn(outer: string, inner: string): boolean {
  return isWithin(intervalOf(outer), intervalOf(inner));
}

export function isV6(text: string): boolean {
  return text.includes(':');
}

/** A block of a family as people read it. */
export function textOf({ first, hostBits }: Block, family: 4 | 6): string {
  const [bits, step] = family === 4 ? [32, 8] : [128, 16];
  const parts: string[] = [];
  for (let shift = bits - step; shift >= 0; shift -= step) {
    const part = (first >> BigInt(shift)) & ((1n << BigInt(step)) - 1n);
    parts.push(part.toString(family === 4 ? 10 : 16));
  }
  const address = family === 4 ? parts.join('.') : shortened(parts.join(':'));
  return `${address}/${bits - hostBits}`;
}

/** The longest run of zeros, the first of several, is left out. */
function shortened(groups: string): string {
  const runs = groups.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups;
  const [before = '', after = ''] = splitOnce(groups, longest);
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`;
}

function splitOnce(text: string, part: string): [string, string] {
  const at = new RegExp(`\\b${part}\\b`).exec(text)?.index ?? 0;
  return [text.slice(0, at), text.slice(at + part.length)];
}

function integerOf(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((sum, part) => (sum << bits) + BigInt(part), 0n);
}

function integerOfV6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = Array(tail === undefined ? 0 : 8 - left.length - right.length).fill('0');
  const groups = [...left, ...middle, ...right];
  return integerOf(
    groups.map((group) => Number.parseInt(group, 16)),
    16n,
  );
}
