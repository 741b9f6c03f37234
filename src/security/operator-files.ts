import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { newToken } from './new-token.ts';
import { replaceFile } from './private-file.ts';
import { changeTokenFile } from './token-file.ts';

interface OperatorOptions {
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
}

/** Where the text of the token is that a first start makes. */
export function operatorTokenPath(tokensPath: string): string {
  return join(dirname(tokensPath), 'operator.token');
}

/**
 * Where there is no tokens file: makes it, with an operator's token. The text of the token is
 * written first, so that a crash between the two leaves no token that nobody knows.
 */
export async function makeOperatorToken(
  tokensPath: string,
  { clock, randomBytes }: OperatorOptions,
): Promise<void> {
  if (existsSync(tokensPath)) return;
  await changeTokenFile(tokensPath, (tokens) => {
    // Another ledger may have been first.
    if (existsSync(tokensPath)) return tokens;
    const grant = { subject: 'operator', role: 'operator', projects: [], locations: [] } as const;
    const { text, stored } = newToken({ ...grant, expiresAt: undefined }, clock(), randomBytes);
    replaceFile(operatorTokenPath(tokensPath), `${text}\n`, randomBytes);
    return [stored];
  });
}

/** The text of that token; undefined where it has been taken away. */
export function readOperatorToken(tokensPath: string): string | undefined {
  const path = operatorTokenPath(tokensPath);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}
