import { createReadStream } from 'node:fs';
import { openImportTarget } from '../store/import-target.ts';
import { importLog as importInto } from '../transfer/import-log.ts';
import { PortableLog } from '../transfer/portable-log.ts';
import type { Command } from './commands.ts';
import { LOG_FLAGS_HELP, readLogOptions } from './log-options.ts';

const USAGE = `Usage: netalloc import-log [--from <file>]

${LOG_FLAGS_HELP}
  --from <file>              what "netalloc export-log" has written; standard input without it, or
                             for -

Copies a log into one that is empty, or that has a beginning of it: run again after it was
interrupted it goes on, and after it was finished it changes nothing. Nobody may serve the log
meanwhile, and nobody can until it is whole.`;

/** Copies a log from a file into any engine. */
export const importLog: Command = {
  summary: 'copy a log from such a file into an engine; goes on where it was',
  async run(args, line) {
    const options = readLogOptions(args, line, USAGE, { file: 'from' });
    if (options === undefined) {
      line.print(USAGE);
      return 0;
    }
    const { file: path, open, progress } = options;
    const file = await PortableLog.open(path === undefined ? line.stdin : createReadStream(path));
    const target = await openImportTarget(options.store, open, file.head);
    try {
      const { present, added, findings } = await importInto(
        file,
        target,
        open.categories,
        progress,
      );
      const already = present === 0 ? '' : ` (${present} were there already)`;
      line.tell(`imported ${added} events${already}; all ${findings.events} are proved`);
      line.tell(`digest ${findings.digest}`);
      return 0;
    } finally {
      await target.store.close();
    }
  },
};
