import { pino } from 'pino';
import type { HttpDeps } from '../../src/http/deps.ts';
import type { LivingWorld } from '../views/living-world.ts';

/** What a server over a ledger in memory is built on, but for who its callers are. */
export function livingDeps(world: LivingWorld): Omit<HttpDeps, 'authenticator'> {
  return {
    ledger: {
      project: (name, command, request) => world.ledger.project(name, command, request),
      platform: (command, request) => world.ledger.platform(command, request),
      authoredPool: (command, request) => world.ledger.authoredPool(command, request),
      ready: () => [],
    },
    views: world.views,
    store: world.store,
    clock: () => new Date(world.time.ms),
    newId: world.newId,
    random: () => 0.5,
    logger: pino({ level: 'silent' }),
    defaultLocation: undefined,
    version: '0.0.0',
  };
}

/** A logger whose lines can be looked at. */
export function loggerTo(logged: string[], level: string) {
  return pino({ level }, { write: (line: string) => logged.push(line) });
}
