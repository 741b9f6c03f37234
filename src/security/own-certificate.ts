import { X509Certificate } from 'node:crypto';
import { limits } from '../limits.ts';
import type { KeyPair } from './certificates.ts';
import { OwnAuthority } from './own-authority.ts';
import type { ServerCertificate } from './server-certificate.ts';

interface OwnCertificateOptions {
  /** Where the authority is. */
  readonly directory: string;
  /** Names of the server, beside those of this machine. */
  readonly names: readonly string[];
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
}

/** A certificate of our own authority. It is in memory alone: a new one costs a millisecond. */
export class OwnCertificate implements ServerCertificate {
  readonly #options: OwnCertificateOptions;
  #authority: OwnAuthority;
  #current: KeyPair;
  #renewAtMs: number;

  private constructor(authority: OwnAuthority, current: KeyPair, options: OwnCertificateOptions) {
    this.#authority = authority;
    this.#options = options;
    this.#current = current;
    this.#renewAtMs = this.#halfOf(current);
  }

  static async open(options: OwnCertificateOptions): Promise<OwnCertificate> {
    const authority = await OwnAuthority.open(options);
    return new OwnCertificate(authority, await authority.server(options.names), options);
  }

  get current(): KeyPair {
    return this.#current;
  }

  get authority(): { readonly path: string; readonly certificate: string } {
    const { certificatePath: path, certificate } = this.#authority;
    return { path, certificate };
  }

  /** Renews it when half of its time is over, or the authority is another one. */
  async refresh(): Promise<boolean> {
    const nowMs = this.#options.clock().getTime();
    const isReplaced = this.#authority.isReplaced();
    if (nowMs < this.#renewAtMs && !isReplaced) return false;
    // What fails is tried again in a while, and not at every look.
    this.#renewAtMs = nowMs + limits.certificateRetryMs;
    const authority = isReplaced ? await OwnAuthority.open(this.#options) : this.#authority;
    this.#current = await authority.server(this.#options.names);
    this.#authority = authority;
    this.#renewAtMs = Math.max(this.#renewAtMs, this.#halfOf(this.#current));
    return true;
  }

  #halfOf({ certificate }: KeyPair): number {
    const nowMs = this.#options.clock().getTime();
    return (nowMs + new X509Certificate(certificate).validToDate.getTime()) / 2;
  }
}
