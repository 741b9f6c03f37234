import type { FastifyBaseLogger } from 'fastify';
import type { LedgerAnswer, LedgerRequest } from '../application/request.ts';
import type { PlatformCommand } from '../ledger/platform/decide.ts';
import type { AuthoredPoolCommand } from '../ledger/pool/life.ts';
import type { ProjectCommand } from '../ledger/project/decide.ts';
import type { TokenAdmin } from '../security/token-request.ts';
import type { Store } from '../store/store.ts';
import type { Views } from '../views/views.ts';
import type { Authenticator } from './auth/authenticator.ts';
import type { RequestRate } from './auth/request-rates.ts';

/** The way of a command to its address space. */
export interface LedgerPort {
  project(name: string, command: ProjectCommand, request: LedgerRequest): Promise<LedgerAnswer>;
  platform(command: PlatformCommand, request: LedgerRequest): Promise<LedgerAnswer>;
  authoredPool(command: AuthoredPoolCommand, request: LedgerRequest): Promise<LedgerAnswer>;
  /** Reasons why it is not ready; none when it is. */
  ready(): readonly string[] | Promise<readonly string[]>;
}

interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly minVersion: 'TLSv1.2';
}

/** What the HTTP surface is built on. Clock and ids come from outside, as everywhere. */
export interface HttpDeps {
  readonly ledger: LedgerPort;
  readonly views: Views;
  readonly clock: () => Date;
  readonly newId: () => string;
  readonly random: () => number;
  readonly logger: FastifyBaseLogger;
  /** The location of claims that name none; undefined makes the field required. */
  readonly defaultLocation: string | undefined;
  /** What is measured, in the text format of Prometheus; without it there is no such route. */
  readonly metrics?: () => Promise<string>;
  readonly version: string;
  /** The certificate to serve HTTPS with; plain HTTP without it. */
  readonly tls?: TlsOptions | undefined;
  /** Who sends a request. */
  readonly authenticator: Authenticator;
  /** The tokens by which requests are let in; undefined where there are none. */
  readonly tokens?: TokenAdmin | undefined;
  /** Bounds of connections that are other than those in `limits.ts`. */
  readonly connections?: Partial<ConnectionBounds>;
  /** Bounds of all bodies in work that are other than those in `limits.ts`. */
  readonly bodies?: Partial<BodyBounds>;
  /** Bounds of each subject's requests that are other than those in `limits.ts`. */
  readonly requestRate?: Partial<RequestRate>;
  /** How many requests of each subject may be in work, where it is not as in `limits.ts`. */
  readonly requestsAtOnceMax?: number;
  /** Bounds of watches that are other than those in `limits.ts`. */
  readonly watch?: Partial<WatchBounds>;
  /** The log itself, for those who follow its events. */
  readonly store: Pick<Store, 'head' | 'readStream' | 'subscribe' | 'lostPositions' | 'isShared'>;
  /** Bounds of the event feed that are other than those in `limits.ts`. */
  readonly feed?: Partial<FeedBounds>;
}

export interface ConnectionBounds {
  readonly connectionsMax: number;
  readonly handshakeMsMax: number;
  readonly headBytesMax: number;
  readonly headMsMax: number;
  readonly requestMsMax: number;
  readonly checkMs: number;
  readonly stillMsMax: number;
  readonly keepAliveMs: number;
}

export interface BodyBounds {
  readonly bytesMax: number;
  readonly bytesPerSubjectMax: number;
}

export interface FeedBounds {
  readonly followersMax: number;
  readonly followersPerSubjectMax: number;
  readonly chunkBytesMax: number;
  readonly heartbeatMs: number;
  readonly stallMsMax: number;
}

export interface WatchBounds {
  readonly watchersMax: number;
  readonly watchersPerSubjectMax: number;
  readonly bufferedBytesMax: number;
  readonly chunkBytesMax: number;
  readonly heartbeatMs: number;
  readonly bookmarkMs: number;
  readonly stuckMsMax: number;
  readonly endMsMax: number;
}
