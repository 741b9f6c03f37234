import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seeds.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Of what is awaited only that it comes is of interest, not how soon.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Much of what they do is to wait for processes and timers.
    maxWorkers: 2,
  },
});
