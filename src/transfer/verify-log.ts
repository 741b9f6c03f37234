import { LogCheck, type LogFindings } from '../store/log-check.ts';
import type { Store } from '../store/store.ts';
import type { Progress } from './progress.ts';

/** Proves a whole log, up to its end at the beginning. Throws CorruptEvent at what is damaged. */
export async function verifyLog(
  store: Store,
  categories: readonly string[],
  progress: Progress,
): Promise<LogFindings> {
  const head = await store.head();
  const check = new LogCheck();
  for await (const event of store.readProved?.() ?? store.readAll(0n, categories)) {
    check.take(event);
    progress.reached(event.position, head);
  }
  return check.findings;
}
