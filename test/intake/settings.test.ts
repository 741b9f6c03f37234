import { randomBytes, randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { startService } from '../../src/service.ts';

const flags = (text: string) => ['--insecure-http', `--claim-sources=${text}`];

it('binds each source to its projects', () => {
  expect(readConfig(flags('web=alpha,beta;batch=gamma'), {}).claimSources).toEqual([
    { name: 'web', projects: ['alpha', 'beta'] },
    { name: 'batch', projects: ['gamma'] },
  ]);
  const env = { NETALLOC_CLAIM_SOURCES: 'web=alpha' };
  expect(readConfig([], env).claimSources).toEqual([{ name: 'web', projects: ['alpha'] }]);
  expect(readConfig([], {}).claimSources).toBeUndefined();
});

it.each([
  ['web', /must be source=project/],
  ['web=', /must be source=project/],
  ['web=alpha;', /must be source=project/],
  ['Web=alpha', /must be source=project/],
  ['web=al pha', /must be source=project/],
  ['web=*', /must be source=project/],
  ['web=alpha;web=beta', /names a source twice/],
  [Array.from({ length: 17 }, (_, n) => `s${n}=alpha`).join(';'), /more than 16 sources/],
  [`web=${Array.from({ length: 1_001 }, (_, n) => `p${n}`)}`, /more than 1000 projects/],
])('refuses %j', (text, problem) => {
  expect(() => readConfig(flags(text), {})).toThrow(problem);
  expect(() => readConfig(flags(text), {})).toThrow(/^--claim-sources=/);
});

it('refuses to follow sources where nobody else can write', async () => {
  const config = readConfig([...flags('web=alpha'), '--store=memory', '--listen=127.0.0.1:0'], {});
  const log = pino({ level: 'silent' });
  const world = { clock: () => new Date(), newId: randomUUID, random: Math.random, randomBytes };
  const starting = startService(config, { ...world, log, version: '0.0.0' });
  await expect(starting).rejects.toThrow(/--claim-sources needs .* --store esdb:/);
});
