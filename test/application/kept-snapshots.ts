import type { Snapshot, Snapshots } from '../../src/snapshots/snapshots.ts';
import { encodeState, StateDecoder } from '../../src/snapshots/state-codec.ts';

/** Snapshots in memory, as text as they are in a file. */
export class KeptSnapshots implements Snapshots {
  readonly kept = new Map<string, { place: Omit<Snapshot, 'state'>; parts: string[] }>();
  readonly discarded: string[] = [];

  async read(stream: string): Promise<Snapshot | undefined> {
    const found = this.kept.get(stream);
    if (found === undefined) return undefined;
    const decoder = new StateDecoder();
    for (const part of found.parts) decoder.add(part);
    return { ...found.place, state: decoder.end() };
  }

  async write(stream: string, { state, ...place }: Snapshot): Promise<void> {
    this.kept.set(stream, { place, parts: [...encodeState(state)] });
  }

  discard(stream: string): void {
    this.discarded.push(stream);
    this.kept.delete(stream);
  }

  async close(): Promise<void> {}
}
