import { timingSafeEqual } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { signOf } from './file-sign.ts';
import type { Identity } from './identity.ts';
import { tokenParts } from './new-token.ts';
import { addToken, removeToken, shownToken } from './token-changes.ts';
import { hashOf, readTokenFile, type StoredToken } from './token-file.ts';
import type { ShownToken, TokenAdmin, TokenGrant } from './token-request.ts';

export interface TokensOptions {
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
  readonly onFault: (fault: unknown) => void;
}

/** Stands for the tokens file in the actor of events. */
const ISSUER = 'netalloc';

/** A token that is known, and what ends with it. */
class Known {
  readonly token: StoredToken;
  readonly identity: Identity;
  readonly #expiresAtMs: number;
  readonly #handlers = new Set<() => void>();

  constructor(token: StoredToken) {
    this.token = token;
    this.#expiresAtMs = token.expiresAt === null ? Infinity : Date.parse(token.expiresAt);
    const { subject, role, projects, locations } = token;
    this.identity = {
      ...{ issuer: ISSUER, subject, role, projects, locations },
      whenEnded: (handler) => {
        // Another function each time, so that a handler may be given twice.
        const own = () => handler();
        this.#handlers.add(own);
        return () => this.#handlers.delete(own);
      },
    };
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#expiresAtMs;
  }

  end(): void {
    for (const handler of [...this.#handlers]) handler();
    this.#handlers.clear();
  }
}

/**
 * The tokens of a file that several ledgers may share. What is written there holds with the next
 * look at it in every one of them, for answers that are open, too.
 */
export class Tokens implements TokenAdmin {
  readonly #path: string;
  readonly #options: TokensOptions;
  #known = new Map<string, Known>();
  #seen = '';

  /** Throws SecurityFileRefused when the file cannot be used. */
  constructor(path: string, options: TokensOptions) {
    this.#path = path;
    this.#options = options;
    this.#read();
  }

  /** Who a token stands for; undefined when it is unknown, revoked or over. */
  find(text: string): Identity | undefined {
    const parts = tokenParts(text);
    if (parts === undefined) return undefined;
    const known = this.#known.get(parts.id);
    // The hash is made and compared for an unknown id, too: time tells nothing of which there are.
    const given = Buffer.from(hashOf(parts.secret), 'hex');
    const stored = Buffer.from(known?.token.sha256 ?? hashOf(''), 'hex');
    if (!timingSafeEqual(given, stored) || known === undefined) return undefined;
    return known.isOver(this.#options.clock().getTime()) ? undefined : known.identity;
  }

  list(): readonly ShownToken[] {
    return [...this.#known.values()].map(({ token }) => shownToken(token));
  }

  async add(grant: TokenGrant): Promise<{ text: string; token: ShownToken }> {
    const added = await addToken(this.#path, grant, this.#options);
    this.refresh();
    return added;
  }

  async remove(id: string): Promise<ShownToken | undefined> {
    const removed = await removeToken(this.#path, id);
    this.refresh();
    return removed;
  }

  /** Reads the file if it is another one than before, and ends what is over. */
  refresh(): void {
    try {
      this.#read();
    } catch (fault) {
      // What cannot be read revokes nothing and grants nothing.
      this.#options.onFault(fault);
    }
    const nowMs = this.#options.clock().getTime();
    for (const known of this.#known.values()) if (known.isOver(nowMs)) known.end();
  }

  #read(): void {
    const seen = signOf(this.#path);
    if (seen === this.#seen) return;
    this.#seen = seen;
    const before = this.#known;
    const tokens = readTokenFile(this.#path);
    this.#known = new Map(
      tokens.map((token) => {
        const known = before.get(token.id);
        return [
          token.id,
          isDeepStrictEqual(known?.token, token) ? (known as Known) : new Known(token),
        ];
      }),
    );
    for (const [id, known] of before) if (this.#known.get(id) !== known) known.end();
  }
}
