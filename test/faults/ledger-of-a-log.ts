import { CATEGORY } from '../../src/ledger/streams.ts';
import { KurrentStore } from '../../src/store/kurrent/kurrent-store.ts';
import { serveFrom } from './serve-from.ts';

/**
 * The service over one of several logs in a KurrentDB: `LOG_PREFIX` is what the names of its
 * streams begin with there.
 */
const prefix = process.env.LOG_PREFIX as string;
await serveFrom(async (url) => new KurrentStore({ url, prefix, categories: [CATEGORY] }));
