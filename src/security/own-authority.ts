import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyPair, makeAuthority, makeServerCertificate } from './certificates.ts';

interface OwnAuthorityOptions {
  readonly directory: string;
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
}

/**
 * The certificate authority of a data directory. The key is written first: a certificate without
 * its key, left by a crash between the two, could never sign a server.
 */
export class OwnAuthority {
  /** What clients have to trust, as PEM. */
  readonly certificate: string;
  readonly #pair: KeyPair;
  readonly #options: OwnAuthorityOptions;

  private constructor(pair: KeyPair, options: OwnAuthorityOptions) {
    this.certificate = pair.certificate;
    this.#pair = pair;
    this.#options = options;
  }

  /** Opens the authority of a data directory; makes one where there is none. */
  static async open(options: OwnAuthorityOptions): Promise<OwnAuthority> {
    const { directory, clock, randomBytes } = options;
    const [certificatePath, keyPath] = [join(directory, 'ca.pem'), join(directory, 'ca-key.pem')];
    if (!existsSync(certificatePath)) {
      const made = await makeAuthority(clock(), randomBytes);
      writeFileSync(keyPath, made.key, { mode: 0o600 });
      writeFileSync(certificatePath, made.certificate, { mode: 0o600 });
    }
    const pair = {
      certificate: readFileSync(certificatePath, 'utf8'),
      key: readFileSync(keyPath, 'utf8'),
    };
    return new OwnAuthority(pair, options);
  }

  /** A new certificate for a server of this name; those of this machine are always in it. */
  server(host: string): Promise<KeyPair> {
    const hosts = [...new Set(['localhost', '127.0.0.1', '::1', host])];
    const { clock, randomBytes } = this.#options;
    return makeServerCertificate(this.#pair, hosts, clock(), randomBytes);
  }
}
