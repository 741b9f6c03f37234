import { describe, vi } from 'vitest';
import { describeStore } from './contract.ts';
import { beginKurrent } from './kurrent-engine.ts';
import { kurrentUrl } from './kurrent-server.ts';

// Sixteen thousand appends to as many streams are a call each.
vi.setConfig({ testTimeout: 120_000 });

const url = await kurrentUrl();

describe.skipIf(url === undefined)('against a server', () => {
  describeStore('KurrentDB', () => beginKurrent(url as string));
});
