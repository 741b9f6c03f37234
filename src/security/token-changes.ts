import { limits } from '../limits.ts';
import { SecurityFileRefused } from './file-refused.ts';
import { newToken } from './new-token.ts';
import { changeTokenFile, type StoredToken } from './token-file.ts';
import type { ShownToken, TokenGrant } from './token-request.ts';

interface World {
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
}

/** Adds a token to a file, and takes those away that are over. */
export async function addToken(
  path: string,
  grant: TokenGrant,
  { clock, randomBytes }: World,
): Promise<{ text: string; token: ShownToken }> {
  const now = clock();
  const { text, stored } = newToken(grant, now, randomBytes);
  await changeTokenFile(path, (tokens) => {
    const good = tokens.filter(({ expiresAt }) => expiresAt === null || new Date(expiresAt) > now);
    if (good.length < limits.tokensMax) return [...good, stored];
    throw new SecurityFileRefused(`${path} has ${limits.tokensMax} tokens: revoke some first`);
  });
  return { text, token: shownToken(stored) };
}

/** Takes a token out of a file, and gives what it was; undefined when it is not there. */
export async function removeToken(path: string, id: string): Promise<ShownToken | undefined> {
  let removed: StoredToken | undefined;
  await changeTokenFile(path, (tokens) => {
    removed = tokens.find((one) => one.id === id);
    return tokens.filter((one) => one !== removed);
  });
  return removed === undefined ? undefined : shownToken(removed);
}

/** What may be shown of a token. */
export function shownToken({ sha256: _, ...shown }: StoredToken): ShownToken {
  return shown;
}
