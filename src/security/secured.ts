import { mkdirSync } from 'node:fs';
import type { Server } from 'node:https';
import { dirname, join } from 'node:path';
import { limits } from '../limits.ts';
import type { KeyPair } from './certificates.ts';
import { kubeconfig } from './kubeconfig.ts';
import { makeOperatorToken, operatorTokenPath, readOperatorToken } from './operator-files.ts';
import type { OwnAuthority } from './own-authority.ts';
import { replaceFile } from './private-file.ts';
import { Tokens } from './tokens.ts';

interface SecuredOptions {
  /** Where the ledger's own kubeconfig is. */
  readonly directory: string;
  /** The tokens file; the authority and the operator's token are beside it. */
  readonly tokensPath: string;
  /** Names of the server, beside those of this machine. */
  readonly names: readonly string[];
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
  readonly onFault: (fault: unknown) => void;
}

/** The files by which an operator on this machine gets in. */
export interface OperatorFiles {
  readonly url: string;
  readonly kubeconfig: string;
  readonly token: string;
  readonly authority: string;
}

/** What keeps a served ledger to those who belong: certificates and tokens. */
export class Secured {
  readonly tokens: Tokens;
  /** The certificate that the server begins with. */
  readonly certificate: KeyPair;
  readonly #authority: OwnAuthority;
  readonly #options: SecuredOptions;
  #renewal: NodeJS.Timeout | undefined;

  private constructor(authority: OwnAuthority, certificate: KeyPair, options: SecuredOptions) {
    this.#authority = authority;
    this.#options = options;
    this.certificate = certificate;
    this.tokens = new Tokens(options.tokensPath, options);
  }

  /** Makes what a first start lacks. */
  static async open(options: SecuredOptions): Promise<Secured> {
    const { directory, tokensPath, names } = options;
    const shared = dirname(tokensPath);
    for (const one of [directory, shared]) mkdirSync(one, { recursive: true, mode: 0o700 });
    // Loaded when it is needed: most of the time of a start is that of loading code.
    const { OwnAuthority } = await import('./own-authority.ts');
    const authority = await OwnAuthority.open({ ...options, directory: shared });
    const certificate = await authority.server(names);
    await makeOperatorToken(tokensPath, options);
    return new Secured(authority, certificate, options);
  }

  /** Renews the certificate of a server that listens, long before it ends. */
  keepRenewed(server: Server): void {
    const { clock, names, onFault } = this.#options;
    let renewAtMs = clock().getTime() + limits.serverCertificateMs / 2;
    const renew = async () => {
      if (clock().getTime() < renewAtMs) return;
      const { certificate, key } = await this.#authority.server(names);
      server.setSecureContext({ cert: certificate, key });
      renewAtMs = clock().getTime() + limits.serverCertificateMs / 2;
    };
    this.#renewal = setInterval(() => renew().catch(onFault), limits.certificateCheckMs);
    this.#renewal.unref();
  }

  /**
   * Writes the kubeconfig of the operator whose token a first start has left, for the address that
   * the server has now. Undefined when that token is gone.
   */
  writeOperatorFiles(url: string): OperatorFiles | undefined {
    const { directory, tokensPath, randomBytes } = this.#options;
    const token = readOperatorToken(tokensPath);
    if (token === undefined || this.tokens.find(token) === undefined) return undefined;
    const path = join(directory, 'kubeconfig');
    const authority = this.#authority.certificate;
    replaceFile(path, kubeconfig({ url, authority, token }), randomBytes);
    const { certificatePath } = this.#authority;
    const tokenPath = operatorTokenPath(tokensPath);
    return { url, kubeconfig: path, token: tokenPath, authority: certificatePath };
  }

  close(): void {
    clearInterval(this.#renewal);
    this.tokens.close();
  }
}
