import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { startService } from '../../src/service.ts';
import type { openStore } from '../../src/store/open-store.ts';

/**
 * Runs the service as a process of its own, with the flags that it was started with, over a store
 * that is opened otherwise. Nothing else of it is different.
 */
export async function serveFrom(open: typeof openStore, onStop = () => {}): Promise<void> {
  const [, , , ...flags] = process.argv;
  const service = await startService(
    readConfig(flags, {}),
    {
      clock: () => new Date(),
      newId: randomUUID,
      random: Math.random,
      randomBytes,
      log: pino({ level: 'warn' }, pino.destination(2)),
      version: 'test',
    },
    open,
  );
  process.once('SIGTERM', () => {
    onStop();
    service.close().then(() => process.exit(0));
  });
  // Whoever reads this may send the signal at once.
  process.stdout.write(`listening on ${service.url}\n`);
}
