import { sealEvent } from '../../src/store/hash-chain.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';
import { LogProof } from '../../src/transfer/verify-log.ts';
import { type Verdict, type ViewsGiven, verifyLog } from '../../src/verify/verification.ts';
import { CATEGORIES, quiet } from '../transfer/files.ts';

/** An event as a forger writes it: whatever it was, each hash is right in the end. */
export interface Forged {
  stream: string;
  id: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a forger changes what they like.
  data: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  metadata: any;
}

/** The events of a log, to be changed. */
export function forgeable(events: readonly RecordedEvent[]): Forged[] {
  return structuredClone(
    events.map(({ stream, id, type, data, metadata }) => ({ stream, id, type, data, metadata })),
  );
}

/** A store with these events, with revisions and hashes as if they had always been these. */
export async function storeOf(events: readonly Forged[]): Promise<Store> {
  const store = new MemoryStore({ clock: () => new Date('2026-01-01T01:00:00Z') });
  const ends = new Map<string, { revision: number; hash: string }>();
  for (const event of events) {
    const { stream } = event;
    const { revision, hash: previousHash } = ends.get(stream) ?? { revision: -1, hash: '' };
    const sealed = sealEvent({ ...event, revision: revision + 1, previousHash });
    await store.append(stream, revision, [sealed]);
    ends.set(stream, { revision: revision + 1, hash: sealed.hash });
  }
  return store;
}

const NO_VIEWS: ViewsGiven = { absent: 'there are none' };

/** What a verification finds in a store. */
export function verdictOn(store: Store, views = NO_VIEWS): Promise<Verdict> {
  return verifyLog(new LogProof(store, CATEGORIES, quiet()), views);
}
