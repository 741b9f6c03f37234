import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { startService } from '../../src/service.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';

/**
 * The service over a store that ends this process, as a power cut would, right before or right
 * after its nth append: `CRASH_APPEND=3 CRASH_WHEN=before`. Nothing else of it is different.
 */
const crashAppend = Number(process.env.CRASH_APPEND);
const crashWhen = process.env.CRASH_WHEN;
let appends = 0;

const openCrashing: typeof openStore = async (setting, options) => {
  const store = await openStore(setting, options);
  const append = store.append.bind(store);
  const crashing: Store['append'] = async (...args) => {
    appends += 1;
    const isDoomed = appends === crashAppend;
    if (isDoomed && crashWhen === 'before') process.kill(process.pid, 'SIGKILL');
    const appended = await append(...args);
    if (isDoomed) process.kill(process.pid, 'SIGKILL');
    return appended;
  };
  return Object.assign(store, { append: crashing });
};

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
  openCrashing,
);
process.once('SIGTERM', () => {
  process.stdout.write(`appends ${appends}\n`);
  service.close().then(() => process.exit(0));
});
// Whoever reads this may send the signal at once.
process.stdout.write(`listening on ${service.url}\n`);
