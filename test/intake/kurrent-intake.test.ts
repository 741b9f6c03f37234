import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binaryEvent, EventStoreDBClient, jsonEvent, START } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClaimReply } from '../../src/intake/claim-messages.ts';
import { KurrentLedgers, send } from '../faults/kurrent-ledgers.ts';
import { CLAIMS, claim } from '../http/world.ts';
import { kurrentUrl } from '../store/kurrent-server.ts';
import { ROOT } from '../tidy/sources.ts';

const url = await kurrentUrl();
const claimSources = [{ name: 'web', projects: ['alpha'] }];

const named = (name: string) => claim(name, {}, { namespace: 'alpha' });
const ask = (name: string) => jsonEvent({ type: 'ClaimRequested', data: named(name) });
const release = (name: string) =>
  jsonEvent({ type: 'ClaimReleased', data: { namespace: 'alpha', name } });

describe.skipIf(url === undefined)('claim commands in a KurrentDB', () => {
  const ledgers = new KurrentLedgers(url as string);
  let client: EventStoreDBClient;

  beforeAll(async () => {
    client = EventStoreDBClient.connectionString(url as string);
    for (let n = 0; n < 2; n += 1) await ledgers.start({ claimSources });
    await ledgers.makeProject();
  });

  afterAll(async () => {
    await ledgers.close();
    await client.dispose();
  });

  const write = (events: Parameters<EventStoreDBClient['appendToStream']>[1]) =>
    client.appendToStream(`${ledgers.prefix}claimCommands-web`, events);

  /** The replies, read as their source reads them: until there are so many. */
  async function replies(count: number): Promise<ClaimReply[]> {
    const read: ClaimReply[] = [];
    const stream = client.subscribeToStream(`${ledgers.prefix}claimReplies-web`, {
      fromRevision: START,
    });
    for await (const { event } of stream) {
      if (event !== undefined) read.push(event.data as ClaimReply);
      if (read.length === count) break;
    }
    await stream.unsubscribe();
    return read;
  }

  it('are answered in order, by whichever of two ledgers is there', async () => {
    await write([ask('web-0'), ask('web-0'), release('web-0')]);
    await write(binaryEvent({ type: 'ClaimRequested', data: Buffer.from([1, 2, 3]) }));
    const first = await replies(4);
    expect(first.map(({ code }) => code)).toEqual([201, 409, 200, 400]);
    const count = 400;
    for (let n = 0; n < count; n += 100) {
      await write(Array.from({ length: 100 }, (_, k) => ask(`many-${n + k}`)));
    }
    await replies(104);
    // One of the two ends; the other one goes on with what it has left.
    await ledgers.services.shift()?.close();
    const all = await replies(4 + count);
    expect(all.map(({ command }) => command)).toEqual(all.map((_, n) => n));
    expect(all.slice(4).filter(({ code }) => code !== 201)).toEqual([]);
    const [left] = ledgers.services;
    const { body } = await send(left as { url: string }, 'GET', CLAIMS);
    expect(body.items).toHaveLength(count);
  });

  it('lead to interfaces that a provider reads as the README says', async () => {
    await write([ask('for-a-provider')]);
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const code = /```js\n(import [^`]+InterfaceReady[^`]+)```/.exec(readme)?.[1] as string;
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(10);
    const args = ['--input-type=module', '--eval', code];
    const env = { ...process.env, KURRENTDB_URL: url };
    const provider = spawn(process.execPath, args, { cwd: ROOT, env });
    let printed = '';
    provider.stdout.on('data', (text) => {
      printed += text;
    });
    const line = () => printed.split('\n').find((one) => one.includes('for-a-provider'));
    await expect.poll(line, { timeout: 60_000 }).toMatch(/ dfw fd20:[0-9a-f:]+\/96$/);
    provider.kill();
    await once(provider, 'exit');
  }, 90_000);
});
