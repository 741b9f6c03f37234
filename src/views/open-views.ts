import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CATEGORY } from '../ledger/streams.ts';
import { limits } from '../limits.ts';
import type { RecordedEvent, Store } from '../store/store.ts';
import { FollowingViews, type FollowOptions } from './following-views.ts';
import { type Checkpoint, ViewsFile } from './views-file.ts';

export interface OpenViewsOptions extends FollowOptions {
  /** Where `views.sqlite` is kept; undefined keeps the views in memory. */
  readonly directory: string | undefined;
}

/** Opens the views of a log, kept ones where they fit it, and lets them follow it from there. */
export async function openViews(options: OpenViewsOptions): Promise<FollowingViews> {
  const { store, directory } = options;
  const path = directory === undefined ? undefined : join(directory, 'views.sqlite');
  const head = await store.head();
  const file = (await keptFile(path, options)) ?? ViewsFile.create(path);
  const applied = await lastApplied(file.checkpoint(), store);
  return new FollowingViews(file, head, { ...options, applied });
}

/** The last events up to a checkpoint. */
async function lastApplied({ position }: Checkpoint, store: Store): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  if (position === 0n) return events;
  const first = position - BigInt(limits.kubeEventsPositionsRead);
  for await (const event of store.readAll(first < 0n ? 0n : first, [CATEGORY])) {
    if (event.position > position) break;
    events.push(event);
  }
  return events;
}

/** The file of before, if it can be trusted. */
async function keptFile(
  path: string | undefined,
  { store, log }: OpenViewsOptions,
): Promise<ViewsFile | undefined> {
  if (path === undefined || !existsSync(path)) return undefined;
  let file: ViewsFile;
  try {
    file = ViewsFile.open(path);
  } catch (fault) {
    log.info({ path, reason: String(fault) }, 'the views are built anew');
    return undefined;
  }
  if (await isInLog(file.checkpoint(), store)) return file;
  file.close();
  log.warn({ path }, 'the views are of another log and are built anew');
  return undefined;
}

/**
 * Whether the last event that was applied stands in the log where it was. It does not when the
 * log is another one, when it is shorter, and when the event's position has been lost.
 */
async function isInLog({ position, hash }: Checkpoint, store: Store): Promise<boolean> {
  if (position === 0n) return true;
  for await (const event of store.readAll(position - 1n)) {
    return event.position === position && event.metadata.hash === hash;
  }
  return false;
}
