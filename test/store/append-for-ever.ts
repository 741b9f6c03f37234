// A process that appends until it is killed. It prints a line for each append that was answered:
// `<stream> <revision> <position> <its number> <how many events>`.
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Writer } from './writing.ts';

const [, , directory = '', run = ''] = process.argv;
const store = openSqliteStore({ directory, clock: () => new Date() });
writeSync(1, 'open\n');
await Promise.all(Array.from({ length: 8 }, (_, index) => appendForEver(`a-${index}`)));

async function appendForEver(stream: string): Promise<void> {
  const writer = await new Writer(store, stream).resume();
  for (let number = 0; ; number += 1) {
    const count = 1 + (number % 5);
    const append = `${run}/${number}`;
    const drafts = Array.from({ length: count }, (_, of) => ({
      id: `${append}/${of}`,
      data: { append, count, text: 'x'.repeat((number * 37) % 3_000) },
    }));
    const { revision, position } = await writer.append(...drafts);
    writeSync(1, `${stream} ${revision} ${position} ${append} ${count}\n`);
  }
}
