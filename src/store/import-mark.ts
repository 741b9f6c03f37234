import { sealEvent } from './hash-chain.ts';
import type { RecordedEvent, Store } from './store.ts';

// A log in a cluster that is imported into is there from its first event on. So that nobody takes
// a part of it for all, a stream beside the log's own says that it is not whole yet.

const STREAM = 'netallocImport';
const BEGUN = 'LogImportBegun';
const FINISHED = 'LogImportFinished';

/** Whether an import into the log was begun and has not been finished. */
export async function isHalfImported(store: Pick<Store, 'readStream'>): Promise<boolean> {
  return (await lastMark(store))?.type === BEGUN;
}

/** Says that the log is not whole from now on. */
export function markImportBegun(store: Store): Promise<void> {
  return mark(store, BEGUN);
}

/** Says that it is whole again. */
export function markImportFinished(store: Store): Promise<void> {
  return mark(store, FINISHED);
}

async function mark(store: Store, type: string): Promise<void> {
  const last = await lastMark(store);
  if (last?.type === type || (last === undefined && type === FINISHED)) return;
  const expected = last?.revision ?? -1;
  const revision = expected + 1;
  const place = { stream: STREAM, revision, previousHash: last?.metadata.hash ?? '' };
  const event = sealEvent({ ...place, id: `${STREAM}-${revision}`, type, data: {}, metadata: {} });
  await store.append(STREAM, expected, [event]);
}

async function lastMark(store: Pick<Store, 'readStream'>): Promise<RecordedEvent | undefined> {
  let last: RecordedEvent | undefined;
  for await (const page of store.readStream(STREAM, 0)) last = page.at(-1);
  return last;
}
