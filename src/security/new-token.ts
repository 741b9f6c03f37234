import { hashOf, type StoredToken } from './token-file.ts';
import type { TokenGrant } from './token-request.ts';

/** A token with what the file has of it. The text is not to be had again. */
export interface NewToken {
  readonly text: string;
  readonly stored: StoredToken;
}

const PREFIX = 'netalloc';
const ID_BYTES = 8;
const SECRET_BYTES = 32;
const FORM = /^netalloc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** Makes a token: `netalloc_<id>_<secret>`; the prefix lets scanners of leaked secrets find it. */
export function newToken(
  { subject, role, projects, locations, expiresAt }: TokenGrant,
  now: Date,
  randomBytes: (count: number) => Buffer,
): NewToken {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const stored = {
    ...{ id, subject, role, projects: [...projects], locations: [...locations] },
    createdAt: now.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    sha256: hashOf(secret),
  };
  return { text: `${PREFIX}_${id}_${secret}`, stored };
}

/** The parts of a token; undefined for what has not the form of one. */
export function tokenParts(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}
