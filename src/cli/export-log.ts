import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogFindings } from '../store/log-check.ts';
import { openStoreToRead } from '../store/open-store.ts';
import { portableLog } from '../transfer/portable-log.ts';
import type { Command, CommandLine } from './commands.ts';
import { LOG_FLAGS_HELP, LogCommandRefused, readLogOptions } from './log-options.ts';

const USAGE = `Usage: netalloc export-log [--to <file>]

${LOG_FLAGS_HELP}
  --to <file>                a new file; standard output without it, or for -

Writes the whole log, up to its end at the beginning, as JSON lines that "netalloc import-log" takes
into any engine. A service may run on it meanwhile. Each event is proved by its hash.`;

/** Writes a log to a file that any engine can take in. */
export const exportLog: Command = {
  summary: 'write the whole log to a file that any engine can take in',
  async run(args, line) {
    const options = readLogOptions(args, line, USAGE, { file: 'to' });
    if (options === undefined) {
      line.print(USAGE);
      return 0;
    }
    const { file, open, progress } = options;
    if (file !== undefined && existsSync(file)) {
      throw new LogCommandRefused(`${file} exists already; give another name`);
    }
    const store = await openStoreToRead(options.store, open);
    try {
      const text = keepResult(portableLog(store, open.categories, progress));
      await (file === undefined ? toOutput(text, line) : toFile(text, file));
      const { events, streams, digest } = text.result as LogFindings;
      line.tell(`exported ${events} events of ${streams} streams, digest ${digest}`);
      return 0;
    } finally {
      await store.close();
    }
  },
};

/** What is not finished has another name, so that it is not taken for what is. */
async function toFile(text: AsyncIterable<string>, file: string): Promise<void> {
  const unfinished = `${file}.unfinished`;
  const out = createWriteStream(unfinished, { mode: 0o600, flush: true });
  await pipeline(Readable.from(text), out);
  renameSync(unfinished, file);
}

async function toOutput(text: AsyncIterable<string>, { stdout }: CommandLine): Promise<void> {
  await pipeline(Readable.from(text), stdout, { end: false });
}

/** The same pieces, and afterwards what the generator ended with. */
function keepResult<T, R>(generator: AsyncGenerator<T, R>): AsyncIterable<T> & { result?: R } {
  const kept: AsyncIterable<T> & { result?: R } = {
    async *[Symbol.asyncIterator]() {
      kept.result = yield* generator;
    },
  };
  return kept;
}
