import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeyPair } from './certificates.ts';
import { SecurityFileRefused } from './file-refused.ts';
import { signOf } from './file-sign.ts';
import type { ServerCertificate } from './server-certificate.ts';

/** Files of a certificate that somebody else has made. */
export interface CertificateFiles {
  /** The certificate, and those between it and the authority. */
  readonly certificate: string;
  readonly key: string;
  /** What clients are to trust; undefined when they do so anyhow. */
  readonly authority: string | undefined;
}

type Content = Pick<ServerCertificate, 'current' | 'authority'>;

/** A certificate out of files, which are read again when one of them has changed. */
export class GivenCertificate implements ServerCertificate {
  readonly #files: CertificateFiles;
  readonly #clock: () => Date;
  #sign: string;
  #content: Content;

  /** Throws SecurityFileRefused when the files cannot be used. */
  constructor(files: CertificateFiles, clock: () => Date) {
    this.#files = files;
    this.#clock = clock;
    this.#sign = this.#signNow();
    this.#content = contentOf(files, clock());
  }

  get current(): KeyPair {
    return this.#content.current;
  }

  get authority(): Content['authority'] {
    return this.#content.authority;
  }

  async refresh(): Promise<boolean> {
    const sign = this.#signNow();
    if (sign === this.#sign) return false;
    // Before they are read: what changes while they are is read the next time. A certificate whose
    // key is not there yet is refused, until the key makes another change.
    this.#sign = sign;
    this.#content = contentOf(this.#files, this.#clock());
    return true;
  }

  #signNow(): string {
    const { certificate, key, authority } = this.#files;
    const paths = [certificate, key, ...(authority === undefined ? [] : [authority])];
    return paths.map(signOf).join();
  }
}

function contentOf({ certificate, key, authority }: CertificateFiles, now: Date): Content {
  const { text, value: leaf } = read(certificate, (pem) => new X509Certificate(pem));
  const { text: keyText, value: privateKey } = read(key, createPrivateKey);
  if (!leaf.checkPrivateKey(privateKey)) {
    throw new SecurityFileRefused(`${key} is not the key of the certificate in ${certificate}`);
  }
  if (leaf.validToDate <= now) {
    throw new SecurityFileRefused(`${certificate} was good until ${leaf.validTo} only`);
  }
  const current = { certificate: text, key: keyText };
  if (authority === undefined) return { current, authority };
  const ca = read(authority, (pem) => new X509Certificate(pem));
  return { current, authority: { path: authority, certificate: ca.text } };
}

function read<T>(path: string, parse: (pem: string) => T): { text: string; value: T } {
  try {
    const text = readFileSync(path, 'utf8');
    return { text, value: parse(text) };
  } catch (error) {
    throw new SecurityFileRefused(`${path}: ${(error as Error).message}`);
  }
}
