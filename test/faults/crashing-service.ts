import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { serveFrom } from './serve-from.ts';

/**
 * The service over a store that ends this process, as a power cut would, right before or right
 * after its nth append: `CRASH_APPEND=3 CRASH_WHEN=before`.
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

await serveFrom(openCrashing, () => process.stdout.write(`appends ${appends}\n`));
