import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { LedgerUnavailable } from '../../src/application/request.ts';
import { limits } from '../../src/limits.ts';
import { logLines } from '../../src/operations/log-lines.ts';
import { StoreUnavailable } from '../../src/store/store.ts';

let nowMs: number;
let lines: Record<string, unknown>[];
let log: pino.Logger;

beforeEach(() => {
  nowMs = 0;
  lines = [];
  log = pino(
    logLines(() => new Date(nowMs)),
    { write: (line) => lines.push(JSON.parse(line)) },
  );
});

it('says a warning once in a while, with how often it was left out, whoever logs it', () => {
  const child = log.child({ reqId: 'x' });
  for (let time = 0; time < 50; time += 1) (time % 2 ? child : log).warn({ time }, 'away');
  log.warn('another');
  nowMs += limits.repeatedWarningMs;
  child.warn({ time: 50 }, 'away');
  expect(lines).toMatchObject([
    { msg: 'away', time: 0 },
    { msg: 'another' },
    { msg: 'away', time: 50, repeated: 49, reqId: 'x' },
  ]);
});

it('says every fault, and everything that is no warning', () => {
  for (let time = 0; time < 3; time += 1) {
    log.error({ err: new Error('bad') }, 'a request failed');
    log.info('a step');
  }
  expect(lines).toHaveLength(6);
});

it('shows where a fault came from, but not where a store that is away was noticed', () => {
  log.error({ err: new TypeError('bad') }, 'a fault');
  const cause = new StoreUnavailable('no answer');
  log.warn({ err: new LedgerUnavailable('not now', 5, { cause }) }, 'not now');
  expect(lines[0]).toMatchObject({ err: { type: 'TypeError', stack: expect.any(String) } });
  const err = { type: 'LedgerUnavailable', message: 'not now', cause: 'no answer' };
  expect(lines[1]?.err).toEqual(err);
});
