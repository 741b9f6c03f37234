import { hash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { limits } from '../limits.ts';
import { SecurityFileRefused } from './file-refused.ts';
import { ROLES } from './identity.ts';
import { subjectName } from './token-request.ts';

const name = z.string().min(1).max(253);

/** One token as the file has it: everything but the secret. */
const storedToken = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  subject: subjectName,
  role: z.enum(ROLES),
  projects: z.array(z.strictObject({ name, uid: z.uuid() })).max(limits.tokenScopesMax),
  locations: z.array(name).max(limits.tokenScopesMax),
  createdAt: z.iso.datetime(),
  /** Null for one that does not end by itself. */
  expiresAt: z.iso.datetime().nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type StoredToken = z.infer<typeof storedToken>;

const tokenFile = z.strictObject({
  version: z.literal(1),
  tokens: z.array(storedToken).max(limits.tokensMax),
});

/** The tokens of a file; none when there is no file. */
export function readTokenFile(path: string): readonly StoredToken[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words would show a part of the text.
    throw new SecurityFileRefused(`tokens file ${path}: is no JSON`);
  }
  return checked(path, value).tokens;
}

function checked(path: string, value: unknown): z.infer<typeof tokenFile> {
  const parsed = tokenFile.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SecurityFileRefused(`tokens file ${path}: ${z.prettifyError(parsed.error)}`);
}

/**
 * Changes a tokens file. The new file is written beside it and takes its place in one step, so that
 * no reader sees a half; that it may not be there before keeps writers apart, who wait a while for
 * one another.
 */
export async function changeTokenFile(
  path: string,
  change: (tokens: readonly StoredToken[]) => readonly StoredToken[],
  waitMsMax: number = limits.tokensFileWaitMsMax,
): Promise<void> {
  const next = `${path}.new`;
  const file = await openAlone(next, waitMsMax);
  try {
    try {
      const tokens = change(readTokenFile(path));
      const content = checked(path, { version: 1, tokens });
      writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

/** Opens a file that nobody else has, once nobody has it. */
async function openAlone(path: string, waitMsMax: number): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += limits.tokensFileRetryMs) {
    try {
      return openSync(path, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (waitedMs >= waitMsMax) break;
    await setTimeout(limits.tokensFileRetryMs);
  }
  throw new SecurityFileRefused(
    `${path} exists: another command is writing the tokens, or was killed while it did; ` +
      'when none is running, remove that file',
  );
}

/** What is stored of a secret. It has 256 random bits, so that a plain hash gives nothing away. */
export function hashOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}
