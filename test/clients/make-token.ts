import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../tidy/sources.ts';
import type { Client } from './secured-ledger.ts';

/** Makes a token as an operator does: by the command, beside the running service. */
export async function makeToken(
  data: string,
  { role, subject, projects = [], locations = [] }: Client,
): Promise<string> {
  const script = join(ROOT, 'src', 'bin.js');
  const scopes = [
    ...projects.flatMap((name) => ['--project', name]),
    ...locations.flatMap((name) => ['--location', name]),
  ];
  const args = [script, 'token', 'create', '--data', data, '--role', role, '--subject', subject];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...scopes]);
  return stdout.trim();
}
