import { mkdirSync } from 'node:fs';
import type { Server } from 'node:https';
import { dirname, join } from 'node:path';
import { limits } from '../limits.ts';
import { type Expiry, endsSoon, expiriesOf } from './expiry.ts';
import { type CertificateFiles, GivenCertificate } from './given-certificate.ts';
import { kubeconfig } from './kubeconfig.ts';
import { makeOperatorToken, operatorTokenPath, readOperatorToken } from './operator-files.ts';
import { replaceFile } from './private-file.ts';
import type { ServerCertificate } from './server-certificate.ts';
import { Tokens } from './tokens.ts';

interface SecuredOptions {
  /** Where the ledger's own kubeconfig is. */
  readonly directory: string;
  /** The tokens file; the authority and the operator's token are beside it. */
  readonly tokensPath: string;
  /** Names of the server in a certificate of our own, beside those of this machine. */
  readonly names: readonly string[];
  /** A certificate in place of our own. */
  readonly given: CertificateFiles | undefined;
  /** By which tokens end. */
  readonly clock: () => Date;
  /** By which clients check certificates, which no drill shifts. */
  readonly certificateClock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
  readonly onFault: (fault: unknown) => void;
  /** A certificate ends soon: told once a day, until there is another one. */
  readonly onEndsSoon: (expiry: Expiry) => void;
}

/** The files by which an operator on this machine gets in. */
export interface OperatorFiles {
  readonly url: string;
  readonly kubeconfig: string;
  readonly token: string;
  /** Undefined where clients trust the certificate anyhow. */
  readonly authority: string | undefined;
}

/** What keeps a served ledger to those who belong: certificates and tokens. */
export class Secured {
  readonly tokens: Tokens;
  readonly #certificate: ServerCertificate;
  readonly #options: SecuredOptions;
  #poll: NodeJS.Timeout | undefined;
  #endsTellMs = Number.NEGATIVE_INFINITY;

  private constructor(certificate: ServerCertificate, options: SecuredOptions) {
    this.#certificate = certificate;
    this.#options = options;
    this.tokens = new Tokens(options.tokensPath, options);
  }

  /** Makes what a first start lacks. */
  static async open(options: SecuredOptions): Promise<Secured> {
    const { directory, tokensPath } = options;
    for (const one of [directory, dirname(tokensPath)]) {
      mkdirSync(one, { recursive: true, mode: 0o700 });
    }
    const certificate = await certificateOf(options);
    await makeOperatorToken(tokensPath, options);
    return new Secured(certificate, options);
  }

  /** How long the certificates last that clients rely on. */
  get expiries(): readonly Expiry[] {
    return expiriesOf(this.#certificate, this.#options.certificateClock());
  }

  /** What a server is to be made with. */
  get tls() {
    const { certificate, key } = this.#certificate.current;
    return { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
  }

  /**
   * Follows what is secured by while a server listens: its files are looked at again and again.
   * Gives by what an operator gets in; undefined when the first start's token is gone.
   */
  follow(server: Server, url: string): OperatorFiles | undefined {
    const look = () => this.refresh(server, url);
    this.#poll = setInterval(look, limits.securityPollMs);
    this.#poll.unref();
    return this.#writeKubeconfig(url);
  }

  /** Looks whether tokens or certificate are others than before. */
  async refresh(server: Server, url: string): Promise<void> {
    this.tokens.refresh();
    await this.#refreshCertificate(server, url);
    this.#tellEnds();
  }

  async #refreshCertificate(server: Server, url: string): Promise<void> {
    try {
      if (!(await this.#certificate.refresh())) return;
      server.setSecureContext(this.tls);
      this.#writeKubeconfig(url);
    } catch (fault) {
      this.#options.onFault(fault);
    }
  }

  #tellEnds(): void {
    const nowMs = this.#options.certificateClock().getTime();
    if (nowMs < this.#endsTellMs) return;
    this.#endsTellMs = nowMs + limits.certificateEndToldMs;
    for (const expiry of this.expiries.filter(endsSoon)) this.#options.onEndsSoon(expiry);
  }

  close(): void {
    clearInterval(this.#poll);
  }

  /** Writes the operator's kubeconfig for the address and authority that the server has now. */
  #writeKubeconfig(url: string): OperatorFiles | undefined {
    const { directory, tokensPath, randomBytes } = this.#options;
    const token = readOperatorToken(tokensPath);
    if (token === undefined || this.tokens.find(token) === undefined) return undefined;
    const path = join(directory, 'kubeconfig');
    const { authority } = this.#certificate;
    const text = kubeconfig({ url, authority: authority?.certificate, token });
    replaceFile(path, text, randomBytes);
    const files = { url, kubeconfig: path, token: operatorTokenPath(tokensPath) };
    return { ...files, authority: authority?.path };
  }
}

async function certificateOf(options: SecuredOptions): Promise<ServerCertificate> {
  const { given, certificateClock: clock, tokensPath, names, randomBytes } = options;
  if (given !== undefined) return new GivenCertificate(given, clock);
  // Loaded when it is needed: most of the time of a start is that of loading code.
  const { OwnCertificate } = await import('./own-certificate.ts');
  return OwnCertificate.open({ directory: dirname(tokensPath), names, clock, randomBytes });
}
