import type { Position, RecordedEvent } from './store.ts';

/** What the fold of a stream needs of an event: what has happened, and its place in the chain. */
export interface Fact {
  readonly revision: number;
  readonly position: Position;
  readonly type: string;
  readonly data: object;
  readonly previousHash: string;
  readonly hash: string;
}

/** The fact of an event. */
export function factOf({ revision, position, type, data, metadata }: RecordedEvent): Fact {
  const { previousHash, hash } = metadata;
  return { revision, position, type, data, previousHash, hash };
}
