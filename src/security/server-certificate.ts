import type { KeyPair } from './certificates.ts';

/** The certificate that a server shows, and what clients check it against. */
export interface ServerCertificate {
  readonly current: KeyPair;
  /** Undefined where clients trust it anyhow. */
  readonly authority: { readonly path: string; readonly certificate: string } | undefined;
  /** Whether there is another one now. One that cannot be used is refused: the former one stays. */
  refresh(): Promise<boolean>;
}
