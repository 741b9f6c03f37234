import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCommand } from '../../src/cli/commands.ts';
import { claimFor } from '../intake/ledger-process.ts';

const folder = new URL('../golden/', import.meta.url);
const golden = readdirSync(folder).map((file) => {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
});

async function printed(...args: string[]) {
  let text = '';
  const print = (one: string) => {
    text += one;
  };
  expect(await runCommand(['schemas', ...args], { print } as never)).toBe(0);
  return JSON.parse(text);
}

const accepts = (schema: object, value: unknown) => {
  return z.fromJSONSchema(schema as never).safeParse(value).success;
};

describe('netalloc schemas', () => {
  it('prints one of every event, which takes what the log holds and nothing else', async () => {
    const { events, metadata } = await printed();
    const types = new Set(golden.map(({ type }) => type));
    expect(Object.keys(events).toSorted()).toEqual([...types].toSorted());
    for (const { type, data, metadata: given } of golden) {
      expect([type, accepts(events[type], data)]).toEqual([type, true]);
      expect([type, accepts(events[type], { ...data, unheardOf: 1 })]).toEqual([type, false]);
      expect([type, accepts(metadata.EventMetadata, given)]).toEqual([type, true]);
    }
  });

  it('prints those of commands and replies', async () => {
    const { commands, replies } = await printed();
    expect(accepts(commands.ClaimRequested, claimFor('web-0'))).toBe(true);
    expect(accepts(commands.ClaimRequested, { metadata: { name: 'web-0' } })).toBe(false);
    expect(accepts(commands.ClaimReleased, { namespace: 'alpha', name: 'web-0' })).toBe(true);
    expect(accepts(commands.ClaimReleased, { name: 'web-0' })).toBe(false);
    expect(accepts(replies.CommandAnswered, { command: 0, id: 'a', code: 200 })).toBe(true);
    expect(accepts(replies.CommandAnswered, { id: 'a', code: 200 })).toBe(false);
  });

  it('prints those of one type', async () => {
    expect(Object.keys(await printed('InterfaceReady'))).toEqual(['events']);
    expect(Object.keys(await printed('ClaimRequested'))).toEqual(['events', 'commands']);
  });

  it('refuses a type that there is not, and tells which there are', async () => {
    const refused = runCommand(['schemas', 'ClaimWithdrawn'], {} as never);
    await expect(refused).rejects.toThrow(/no type "ClaimWithdrawn"; there are .*ClaimReleased/);
  });
});
