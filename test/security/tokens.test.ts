import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newToken } from '../../src/security/new-token.ts';
import { changeTokenFile, readTokenFile } from '../../src/security/token-file.ts';
import type { TokenGrant } from '../../src/security/token-request.ts';
import { Tokens } from '../../src/security/tokens.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');
const UID = '00000000-0000-4000-8000-000000000001';

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'netalloc-tokens-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

function made(given: Partial<TokenGrant> = {}) {
  const projects = [{ name: 'alpha', uid: UID }];
  const grant = { subject: 'bob', role: 'compute', projects, locations: [] } as const;
  return newToken({ ...grant, expiresAt: undefined, ...given }, new Date(NOW), randomBytes);
}

async function opened(given: Partial<TokenGrant> = {}) {
  const path = join(directory(), 'tokens.json');
  const token = made(given);
  await changeTokenFile(path, () => [token.stored]);
  const time = { ms: NOW };
  const faults: unknown[] = [];
  const tokens = new Tokens(path, {
    ...{ clock: () => new Date(time.ms), randomBytes, onFault: (fault) => faults.push(fault) },
  });
  return { path, token, time, tokens, faults };
}

describe('a token', () => {
  test('stands for who it was made for', async () => {
    const { token, tokens } = await opened();
    expect(tokens.find(token.text)).toMatchObject({
      ...{ issuer: 'netalloc', subject: 'bob', role: 'compute' },
      ...{ projects: [{ name: 'alpha', uid: UID }], locations: [] },
    });
  });

  test('is not in the file', async () => {
    const { path, token } = await opened();
    const secret = token.text.split('_').slice(2).join('_');
    expect(secret).toHaveLength(43);
    expect(readFileSync(path, 'utf8')).not.toContain(secret);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is refused when anything of it is another', async () => {
    const { token, tokens } = await opened();
    const other = made().text;
    const [prefix, id, ...rest] = token.text.split('_');
    const secret = rest.join('_');
    const wrong = [
      ...['', 'x', other, `${prefix}_${id}_`, `${token.text}x`, token.text.slice(0, -1)],
      ...[`${prefix}_${id}_${'A'.repeat(43)}`, `${prefix}_${'0'.repeat(16)}_${secret}`],
      token.text.toUpperCase(),
    ];
    expect(wrong.map((text) => tokens.find(text))).toEqual(wrong.map(() => undefined));
  });

  test('ends at its instant, and what it has open with it', async () => {
    const { token, time, tokens } = await opened({ expiresAt: new Date(NOW + 1_000) });
    const ended = vi.fn();
    tokens.find(token.text)?.whenEnded(ended);
    time.ms += 999;
    tokens.refresh();
    expect([tokens.find(token.text)?.subject, ended.mock.calls.length]).toEqual(['bob', 0]);
    time.ms += 1;
    tokens.refresh();
    expect([tokens.find(token.text), ended.mock.calls.length]).toEqual([undefined, 1]);
    tokens.refresh();
    expect(ended).toHaveBeenCalledOnce();
  });
});

describe('the file', () => {
  test('is looked at again: what is revoked ends at once, and nothing else', async () => {
    const { path, token, tokens } = await opened();
    const other = made({ subject: 'eve' });
    await changeTokenFile(path, (all) => [...all, other.stored]);
    expect(tokens.find(other.text)).toBe(undefined);
    tokens.refresh();
    expect(tokens.find(other.text)?.subject).toBe('eve');
    const [ended, kept, left] = [vi.fn(), vi.fn(), vi.fn()];
    tokens.find(token.text)?.whenEnded(ended);
    tokens.find(token.text)?.whenEnded(left)();
    tokens.find(other.text)?.whenEnded(kept);
    await changeTokenFile(path, (all) => all.filter(({ id }) => id !== token.stored.id));
    tokens.refresh();
    expect(tokens.find(token.text)).toBe(undefined);
    expect([ended, kept, left].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
  });

  test('ends everything when it is removed', async () => {
    const { path, token, tokens } = await opened();
    rmSync(path);
    tokens.refresh();
    expect(tokens.find(token.text)).toBe(undefined);
  });

  test('that cannot be read changes nothing and is told', async () => {
    const { path, token, tokens, faults } = await opened();
    writeFileSync(path, '{"version": 1, "tokens": [{"id": 1}]}');
    tokens.refresh();
    tokens.refresh();
    expect(faults).toHaveLength(1);
    expect(String(faults[0])).toMatch(/tokens file .*tokens\[0\]/s);
    expect(tokens.find(token.text)?.subject).toBe('bob');
  });

  test('is whole or as it was', async () => {
    const { path, token } = await opened();
    const killed = changeTokenFile(path, () => {
      throw new Error('killed');
    });
    await expect(killed).rejects.toThrow('killed');
    await expect(changeTokenFile(path, () => [{ ...token.stored, id: 'x' }])).rejects.toThrow();
    expect(readTokenFile(path)).toEqual([token.stored]);
    expect(readdirSync(join(path, '..'))).toEqual(['tokens.json']);
  });

  test('has one writer at a time, for whom others wait a while', async () => {
    const { path, token } = await opened();
    const other = made();
    writeFileSync(`${path}.new`, '');
    const add = (waitMsMax?: number) =>
      changeTokenFile(path, (all) => [...all, other.stored], waitMsMax);
    await expect(add(0)).rejects.toThrow(/another command is writing/);
    const waiting = add();
    rmSync(`${path}.new`);
    await waiting;
    expect(readTokenFile(path)).toEqual([token.stored, other.stored]);
  });

  test.each(['', '{', '[]', '{"version":2,"tokens":[]}'])('is refused at the start: %j', (text) => {
    const path = join(directory(), 'tokens.json');
    writeFileSync(path, text);
    const options = { clock: () => new Date(NOW), randomBytes, onFault: () => {} };
    expect(() => new Tokens(path, options)).toThrow(/tokens file/);
  });
});
