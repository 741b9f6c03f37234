import { X509Certificate } from 'node:crypto';
import { limits } from '../limits.ts';
import type { ServerCertificate } from './server-certificate.ts';

/** A certificate that clients rely on, and when it ends. */
export interface Expiry {
  readonly certificate: 'authority' | 'server';
  readonly endsAt: Date;
  readonly daysLeft: number;
}

const WARNED_MS: Readonly<Record<Expiry['certificate'], number>> = {
  authority: limits.authorityEndWarnedMs,
  server: limits.serverCertificateEndWarnedMs,
};

/** How long the certificates last: that of the server, and what clients check it against. */
export function expiriesOf(certificate: ServerCertificate, now: Date): Expiry[] {
  const { current, authority } = certificate;
  return [
    ...(authority === undefined ? [] : [expiryOf('authority', authority.certificate, now)]),
    expiryOf('server', current.certificate, now),
  ];
}

/** Whether it ends so soon that somebody has to do something. */
export function endsSoon({ certificate, daysLeft }: Expiry): boolean {
  return daysLeft * DAY_MS <= WARNED_MS[certificate];
}

const DAY_MS = 86_400_000;

function expiryOf(certificate: Expiry['certificate'], pem: string, now: Date): Expiry {
  const endsAt = new X509Certificate(pem).validToDate;
  return { certificate, endsAt, daysLeft: (endsAt.getTime() - now.getTime()) / DAY_MS };
}
