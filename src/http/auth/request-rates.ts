import { limits } from '../../limits.ts';
import type { Identity } from '../../security/identity.ts';
import { StatusError } from '../status.ts';

export interface RequestRate {
  readonly perSecondMax: number;
  readonly burstMax: number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * How many requests each subject may send: a bucket that fills at the rate. There is one for every
 * subject of the tokens file, so it is that which bounds them.
 */
export class RequestRates {
  readonly #rate: RequestRate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Partial<RequestRate> = {}) {
    const { subjectRequestsPerSecondMax, subjectRequestsBurstMax } = limits;
    const own = { perSecondMax: subjectRequestsPerSecondMax, burstMax: subjectRequestsBurstMax };
    this.#rate = { ...own, ...rate };
  }

  /** Counts a request, or refuses it. */
  take({ issuer, subject }: Pick<Identity, 'issuer' | 'subject'>, nowMs: number): void {
    const { perSecondMax, burstMax } = this.#rate;
    const key = `${issuer} ${subject}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { left: burstMax, atMs: nowMs };
      this.#buckets.set(key, bucket);
    }
    const filled = (Math.max(0, nowMs - bucket.atMs) * perSecondMax) / 1_000;
    bucket.left = Math.min(burstMax, bucket.left + filled);
    bucket.atMs = nowMs;
    if (bucket.left < 1) {
      const retryAfterSeconds = 1;
      const headers = { 'retry-after': String(retryAfterSeconds) };
      const message = `more than ${perSecondMax} requests a second from one subject: slow down`;
      throw new StatusError('TooManyRequests', message, { retryAfterSeconds }, headers);
    }
    bucket.left -= 1;
  }
}
