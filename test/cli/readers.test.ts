import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../tidy/sources.ts';

it('a command ends when all that it wrote has left, however slowly it is read', async () => {
  const args = [join(ROOT, 'src', 'bin.js'), 'schemas'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  // More than a pipe holds: whoever did not wait would have ended by now.
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3_000))]);
  let output = '';
  for await (const part of child.stdout.setEncoding('utf8')) output += part;
  expect(Object.keys(JSON.parse(output)).length).toBeGreaterThan(0);
  expect(await ended).toEqual([0, null]);
});

it('a command whose reader has had enough ends as if it had been read', async () => {
  const args = [join(ROOT, 'src', 'bin.js'), 'schemas'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  child.stdout.once('data', () => child.stdout.destroy());
  let told = '';
  for await (const part of child.stderr.setEncoding('utf8')) told += part;
  expect([told, await ended]).toEqual(['', [0, null]]);
});
