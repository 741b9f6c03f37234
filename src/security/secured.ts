import { existsSync } from 'node:fs';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { limits } from '../limits.ts';
import type { KeyPair } from './certificates.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { newToken } from './new-token.ts';
import type { OwnAuthority } from './own-authority.ts';
import { changeTokenFile } from './token-file.ts';
import { Tokens } from './tokens.ts';

interface SecuredOptions {
  readonly directory: string;
  readonly tokensPath: string;
  /** The host that the server listens on. */
  readonly host: string;
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
  readonly onFault: (fault: unknown) => void;
}

/** What keeps a served ledger to those who belong: certificates and tokens. */
export class Secured {
  readonly tokens: Tokens;
  /** The certificate that the server begins with. */
  readonly certificate: KeyPair;
  readonly kubeconfigPath: string;
  readonly #authority: OwnAuthority;
  readonly #options: SecuredOptions;
  #renewal: NodeJS.Timeout | undefined;

  private constructor(authority: OwnAuthority, certificate: KeyPair, options: SecuredOptions) {
    const { directory, tokensPath, clock, onFault } = options;
    this.#authority = authority;
    this.#options = options;
    this.certificate = certificate;
    this.kubeconfigPath = join(directory, 'kubeconfig');
    this.tokens = new Tokens(tokensPath, { clock, onFault });
  }

  static async open(options: SecuredOptions): Promise<Secured> {
    // Loaded when it is needed: most of the time of a start is that of loading code.
    const { OwnAuthority } = await import('./own-authority.ts');
    const authority = await OwnAuthority.open(options);
    return new Secured(authority, await authority.server(options.host), options);
  }

  /** Renews the certificate of a server that listens, long before it ends. */
  keepRenewed(server: Server): void {
    const { clock, host, onFault } = this.#options;
    let renewAtMs = clock().getTime() + limits.serverCertificateMs / 2;
    const renew = async () => {
      if (clock().getTime() < renewAtMs) return;
      const { certificate, key } = await this.#authority.server(host);
      server.setSecureContext({ cert: certificate, key });
      renewAtMs = clock().getTime() + limits.serverCertificateMs / 2;
    };
    this.#renewal = setInterval(() => renew().catch(onFault), limits.certificateCheckMs);
    this.#renewal.unref();
  }

  /**
   * Where there is no tokens file: makes an operator's token and a kubeconfig with it. The
   * kubeconfig is first, so that a crash between the two leaves no token that nobody knows.
   */
  greet(url: string): void {
    const { tokensPath, clock, randomBytes } = this.#options;
    if (existsSync(tokensPath)) return;
    const grant = { subject: 'operator', role: 'operator', projects: [], locations: [] } as const;
    const { text, stored } = newToken({ ...grant, expiresAt: undefined }, clock(), randomBytes);
    const authority = this.#authority.certificate;
    writeKubeconfig(this.kubeconfigPath, { url, authority, token: text });
    changeTokenFile(tokensPath, (tokens) => [...tokens, stored]);
    this.tokens.refresh();
  }

  close(): void {
    clearInterval(this.#renewal);
    this.tokens.close();
  }
}
