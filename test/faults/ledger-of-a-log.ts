import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { CATEGORY } from '../../src/ledger/streams.ts';
import { startService } from '../../src/service.ts';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';

/**
 * The service over one of several logs in a KurrentDB: `LOG_PREFIX` is what the names of its
 * streams begin with there. Nothing else of it is different.
 */
const prefix = process.env.LOG_PREFIX as string;
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
  async (url) => new KurrentStore({ url, prefix, categories: [CATEGORY] }),
);
process.once('SIGTERM', () => service.close().then(() => process.exit(0)));
process.stdout.write(`listening on ${service.url}\n`);
