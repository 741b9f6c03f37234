import { openStoreToRead } from '../store/open-store.ts';
import { CorruptEvent, type Store, StoreRefused } from '../store/store.ts';
import { verifyLog } from '../transfer/verify-log.ts';
import type { Command } from './commands.ts';
import { LOG_FLAGS_HELP, readLogOptions } from './log-options.ts';

const USAGE = `Usage: netalloc verify

${LOG_FLAGS_HELP}

Reads the whole log, up to its end at the beginning, and proves each event: its hash, the hash of
the one before it in its stream, that no revision is missing, and that positions and recorded times
go forwards; in sqlite also that of its place among the others. A service may run on it meanwhile.
Logs with one digest have the same events, recorded at the same times in the same order.

Exit code: 0 all is as it was written, 2 something is not, 1 the log could not be read.`;

const DAMAGED = 2;

/** Proves that a log is as it was written. */
export const verify: Command = {
  summary: 'prove that the log is as it was written',
  async run(args, line) {
    const options = readLogOptions(args, line, USAGE);
    if (options === undefined) {
      line.print(USAGE);
      return 0;
    }
    let store: Store | undefined;
    try {
      store = await openStoreToRead(options.store, options.open);
      const findings = await verifyLog(store, options.open.categories, options.progress);
      const { events, streams, firstAt, lastAt, digest } = findings;
      line.print(`events   ${events} in ${streams} streams`);
      if (events > 0) line.print(`recorded ${firstAt} to ${lastAt}`);
      line.print(`digest   ${digest}`);
      line.print('intact: every hash, revision, position and recorded time');
      return 0;
    } catch (fault) {
      const damage = damageOf(fault);
      if (damage === undefined) throw fault;
      line.print(`damaged: ${damage.stream} revision ${damage.revision}`);
      line.print(`at position ${damage.position}: ${damage.problem}`);
      line.print('what is after it was not looked at');
      return DAMAGED;
    } finally {
      await store?.close();
    }
  },
};

/** The newest events are proved when a log is opened already. */
function damageOf(fault: unknown): CorruptEvent | undefined {
  const cause = fault instanceof StoreRefused ? fault.cause : fault;
  return cause instanceof CorruptEvent ? cause : undefined;
}
