import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { LogCheck } from '../store/log-check.ts';
import { openStoreToRead } from '../store/open-store.ts';
import { CorruptEvent, type Store, StoreRefused } from '../store/store.ts';
import { PortableLog } from '../transfer/portable-log.ts';
import { LogProof } from '../transfer/verify-log.ts';
import { type ProvedLog, type Verdict, verifyLog } from '../verify/verification.ts';
import { VIEWS_SCHEMA } from '../views/views-file.ts';
import type { Command } from './commands.ts';
import { LOG_FLAGS_HELP, type LogCommandOptions, readLogOptions } from './log-options.ts';
import { jsonOf, linesOf } from './verify-report.ts';

const USAGE = `Usage: netalloc verify [--json] [--from <file>]

${LOG_FLAGS_HELP}
  --from <file>              a log that "netalloc export-log" has written, in place of a
                             store's; - for standard input
  --json                     print one JSON object

Reads the whole log, up to its end at the beginning, beside a service that may run on it:
- proves each event: its hash, the hash of the one before it in its stream, that no revision is
  missing, and that positions and recorded times go forwards; in sqlite also that of its place;
- reads all of it once more with a naive model and tells each event that breaks a rule;
- compares what the views in the data directory show with that model, as of the last event that
  they have applied.
Logs with one digest have the same events, recorded at the same times in the same order.
How far it has come is told on standard error.

Exit code: 0 nothing was found, 2 the log is not as it was written or breaks a rule, 3 the log is
sound but the views differ from it, 1 it could not be read.`;

const DAMAGED = 2;
const VIEWS_DIFFER = 3;

/** Proves that a log is as it was written, keeps the rules, and is what the views show. */
export const verify: Command = {
  summary: 'prove the log, its decisions and what the views show',
  async run(args, line) {
    const options = readLogOptions(args, line, USAGE, { file: 'from', switches: ['json'] });
    if (options === undefined) {
      line.print(USAGE);
      return 0;
    }
    const verdict = await verdictOf(options, line.stdin);
    if (options.switches.has('json')) line.print(JSON.stringify(jsonOf(verdict)));
    else for (const text of linesOf(verdict)) line.print(text);
    return codeOf(verdict);
  },
};

function codeOf({ damage, findings, views }: Verdict): number {
  if (damage !== undefined || findings.first.length > 0) return DAMAGED;
  return views.compared && views.differences.first.length > 0 ? VIEWS_DIFFER : 0;
}

async function verdictOf(
  options: LogCommandOptions,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Verdict> {
  const { file, isFileGiven, open, progress } = options;
  if (isFileGiven) {
    const chunks = file === undefined ? stdin : createReadStream(file);
    return verifyLog(await exportedLog(chunks, options), { absent: 'a file has none' });
  }
  let store: Store | undefined;
  try {
    store = await openStoreToRead(options.store, open);
    const views = { path: join(open.directory, 'views.sqlite'), schema: VIEWS_SCHEMA };
    return await verifyLog(new LogProof(store, open.categories, progress), views);
  } catch (fault) {
    // The newest events are proved when a log is opened already.
    const damage = fault instanceof StoreRefused ? fault.cause : undefined;
    if (!(damage instanceof CorruptEvent)) throw fault;
    const nothing = { findings: new LogCheck().findings, read: () => Promise.reject(damage) };
    return verifyLog(nothing, { absent: 'the log is damaged' });
  } finally {
    await store?.close();
  }
}

async function exportedLog(
  chunks: AsyncIterable<Uint8Array>,
  { open, progress }: LogCommandOptions,
): Promise<ProvedLog> {
  const file = await PortableLog.open(chunks);
  return {
    get findings() {
      return file.findings;
    },
    async read(take) {
      for await (const event of file.events(open.categories)) {
        take(event);
        progress.reached(event.position, file.head);
      }
    },
  };
}
