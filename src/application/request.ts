import type { Actor, EventMetadata, LedgerEvent } from '../ledger/events.ts';
import type { Rejection } from '../ledger/rejections.ts';
import type { Position } from '../store/store.ts';

/** Who asks for a command, and under which identity it may be asked again. */
export interface LedgerRequest {
  /** A UUID. The same one is the same command: of two with one id at most one is carried out. */
  readonly commandId: string;
  readonly correlationId: string;
  /** What led to it, where that was not the caller: an event's id. */
  readonly causationId?: string;
  readonly actor: Actor;
  readonly reason?: string;
  /** For a request with an Idempotency-Key; its command id is derived from subject and key. */
  readonly idempotency?: EventMetadata['idempotency'];
  /** Decide, and write nothing. */
  readonly dryRun: boolean;
}

/** What became of a command. */
export type LedgerAnswer =
  | {
      readonly outcome: 'decided';
      readonly stream: string;
      /** None when things were already so. */
      readonly events: readonly LedgerEvent[];
      /** Revision of the first of the events, or of the next event of the stream when none. */
      readonly firstRevision: number;
      /** Last revision and position of the stream that the answer rests on; durable, and viewed. */
      readonly revision: number;
      readonly position: Position;
    }
  | {
      /** A command of this id was carried out before. */
      readonly outcome: 'repeated';
      readonly stream: string;
      readonly requestHash: string;
      readonly code: number;
      /** Revision of the command's last event. */
      readonly revision: number;
      readonly position: Position;
    }
  | { readonly outcome: 'rejected'; readonly rejection: Rejection };

/** The ledger cannot answer now; nothing is half done, and asking again is safe. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds = 1, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
