import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterAll, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { startService } from '../../src/service.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { auditLog, readLog } from './audit.ts';
import { bodies, paths, send } from './process.ts';

const data = mkdtempSync(join(tmpdir(), 'netalloc-full-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

/** The service over a log whose file may not grow beyond a bound that the test sets. */
async function startBounded() {
  const connections: DatabaseSync[] = [];
  const connect = (...args: ConstructorParameters<typeof DatabaseSync>) => {
    const database = new DatabaseSync(...args);
    connections.push(database);
    return database;
  };
  const service = await startService(
    readConfig(['--insecure-http', '--listen', '127.0.0.1:0', '--data', data], {}),
    {
      clock: () => new Date(),
      newId: randomUUID,
      random: Math.random,
      randomBytes,
      log: pino({ level: 'silent' }),
      version: 'test',
    },
    async (_setting, options) => openSqliteStore({ ...options, connect }),
  );
  const pages = (count: number) => {
    const log = connections.at(-1) as DatabaseSync;
    return log.prepare(`PRAGMA max_page_count = ${count}`).get()?.max_page_count as number;
  };
  return { service, pages };
}

it('answers 503 while the disk is full, still reads, and goes on when there is room', async () => {
  const { service, pages } = await startBounded();
  const { url } = service;
  const claims = paths.of('alpha', 'networkinterfaceclaims');
  await send(url, 'POST', paths.namespaces, bodies.named('alpha'));
  await send(url, 'POST', paths.locations, bodies.named('us-central-1'));
  await send(url, 'POST', paths.of('alpha', 'networks'), bodies.network('default'));
  expect((await send(url, 'POST', claims, bodies.claim('web-0', 'us-central-1'))).code).toBe(201);

  const bound = pages(1) + 4;
  pages(bound);
  const codes: number[] = [];
  const created: string[] = [];
  for (let n = 1; n < 200 && codes.at(-1) !== 503; n += 1) {
    const answer = await send(url, 'POST', claims, bodies.claim(`web-${n}`, 'us-central-1'));
    codes.push(answer.code);
    if (answer.code === 201) created.push(`web-${n}`);
    else expect(answer.body).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable' });
  }
  expect(codes.at(-1)).toBe(503);
  const refused = `web-${codes.length}`;
  expect((await send(url, 'GET', `${claims}/${refused}`)).code).toBe(404);
  expect((await send(url, 'GET', `${claims}/web-0`)).code).toBe(200);

  pages(1_000_000);
  const again = await send(url, 'POST', claims, bodies.claim(refused, 'us-central-1'));
  expect(again.code, JSON.stringify(again.body)).toBe(201);
  const { body } = await send(url, 'GET', claims);
  expect(body.items).toHaveLength(created.length + 2);
  await service.close();
  const events = readLog(data);
  expect(auditLog(events)).toEqual([]);
  expect(events.filter(({ type }) => type === 'InterfaceReady')).toHaveLength(created.length + 2);
});
