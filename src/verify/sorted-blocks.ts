import { type Block, type Interval, lastOf } from './intervals.ts';

const CHUNK_MAX = 512;

/**
 * Blocks that do not overlap, sorted by their first addresses. A list of short lists, so that one
 * block among millions is put into its place by moving a few hundred.
 */
export class SortedBlocks<T extends Block> {
  readonly #chunks: T[][] = [];
  size = 0;

  add(block: T): void {
    this.size += 1;
    const at = this.#chunkOf(block.first);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([block]);
      return;
    }
    const place = placeIn(chunk, block.first);
    if (chunk.length < CHUNK_MAX) {
      chunk.splice(place, 0, block);
    } else if (place === chunk.length) {
      // Blocks mostly come in order: what is full stays full.
      this.#chunks.splice(at + 1, 0, [block]);
    } else {
      chunk.splice(place, 0, block);
      this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_MAX / 2));
    }
  }

  /** The block that is exactly this one. */
  get({ first, hostBits }: Block): T | undefined {
    const chunk = this.#chunks[this.#chunkOf(first)];
    const block = chunk?.[placeIn(chunk, first)];
    return block?.first === first && block.hostBits === hostBits ? block : undefined;
  }

  delete({ first }: Block): void {
    const at = this.#chunkOf(first);
    const chunk = this.#chunks[at] ?? [];
    const place = placeIn(chunk, first);
    if (chunk[place]?.first !== first) return;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.size -= 1;
  }

  /** Those that have an address in common with an interval, in order. */
  meeting({ first, last }: Interval): T[] {
    const found: T[] = [];
    let at = this.#chunkOf(first);
    let place = placeIn(this.#chunks[at] ?? [], first);
    // The one before may reach into it.
    const before = this.#chunks[at]?.[place - 1];
    if (before !== undefined && lastOf(before) >= first) found.push(before);
    for (; at < this.#chunks.length; at += 1, place = 0) {
      const chunk = this.#chunks[at] as T[];
      for (; place < chunk.length; place += 1) {
        const block = chunk[place] as T;
        if (block.first > last) return found;
        found.push(block);
      }
    }
    return found;
  }

  *[Symbol.iterator](): Generator<T> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The last chunk that begins at or before an address; the first one when there is none. */
  #chunkOf(first: bigint): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.#chunks[middle] as T[])[0] as T).first <= first) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** How many blocks of a sorted list begin before an address. */
function placeIn(blocks: readonly Block[], first: bigint): number {
  let [low, high] = [0, blocks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((blocks[middle] as Block).first < first) low = middle + 1;
    else high = middle;
  }
  return low;
}
