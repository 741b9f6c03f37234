import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyPair, makeAuthority, makeServerCertificate } from './certificates.ts';
import { SecurityFileRefused } from './file-refused.ts';
import { signOf } from './file-sign.ts';
import { placeFile, replaceFile } from './private-file.ts';

interface OwnAuthorityOptions {
  /** Ledgers that share it share the authority: clients trust one of them as the other. */
  readonly directory: string;
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Buffer;
}

const REMEDY = 'without the file a start makes a new authority, which clients have to be given';
const PEM = /-----BEGIN (CERTIFICATE|PRIVATE KEY)-----.*?-----END \1-----\n/gs;

/**
 * The certificate authority of a directory. Its key and certificate are one file, `ca-key.pem`, so
 * that neither a crash nor two ledgers that start at once leave a certificate without its key;
 * `ca.pem` has the certificate for those who are to trust it.
 */
export class OwnAuthority {
  /** What clients have to trust, as PEM. */
  readonly certificate: string;
  readonly certificatePath: string;
  readonly #pair: KeyPair;
  readonly #keyPath: string;
  #sign: string;
  readonly #options: OwnAuthorityOptions;

  private constructor(pair: KeyPair, sign: string, options: OwnAuthorityOptions) {
    const { keyPath, certificatePath } = pathsIn(options);
    this.certificate = pair.certificate;
    this.certificatePath = certificatePath;
    this.#pair = pair;
    this.#keyPath = keyPath;
    this.#sign = sign;
    this.#options = options;
  }

  /** Opens the authority of a directory; makes one where there is none. */
  static async open(options: OwnAuthorityOptions): Promise<OwnAuthority> {
    const { clock, randomBytes } = options;
    const { keyPath, certificatePath } = pathsIn(options);
    if (!existsSync(keyPath)) {
      const made = await makeAuthority(clock(), randomBytes);
      placeFile(keyPath, made.key + made.certificate, randomBytes);
    }
    const sign = signOf(keyPath);
    const pair = pairIn(keyPath);
    const { validToDate, validTo } = new X509Certificate(pair.certificate);
    if (validToDate <= clock()) {
      throw new SecurityFileRefused(`${keyPath}: it was good until ${validTo} only; ${REMEDY}`);
    }
    const shown = existsSync(certificatePath) ? readFileSync(certificatePath, 'utf8') : '';
    if (shown !== pair.certificate) replaceFile(certificatePath, pair.certificate, randomBytes);
    return new OwnAuthority(pair, sign, options);
  }

  /** Whether somebody has put another one in its place since this was last asked. */
  isReplaced(): boolean {
    const sign = signOf(this.#keyPath);
    const isReplaced = sign !== this.#sign && sign !== 'none';
    if (isReplaced) this.#sign = sign;
    return isReplaced;
  }

  /** A new certificate for a server of these names; those of this machine are always in it. */
  server(names: readonly string[]): Promise<KeyPair> {
    const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...names])];
    const { clock, randomBytes } = this.#options;
    return makeServerCertificate(this.#pair, hosts, clock(), randomBytes);
  }
}

function pathsIn({ directory }: Pick<OwnAuthorityOptions, 'directory'>) {
  return { keyPath: join(directory, 'ca-key.pem'), certificatePath: join(directory, 'ca.pem') };
}

function pairIn(path: string): KeyPair {
  const blocks = [...readFileSync(path, 'utf8').matchAll(PEM)];
  const blockOf = (label: string) => blocks.find(([, found]) => found === label)?.[0];
  const [key, certificate] = [blockOf('PRIVATE KEY'), blockOf('CERTIFICATE')];
  const isPair =
    key !== undefined &&
    certificate !== undefined &&
    new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  if (isPair) return { key, certificate };
  throw new SecurityFileRefused(`${path}: it has to hold a certificate and its key; ${REMEDY}`);
}
