import type { FastifyBaseLogger } from 'fastify';
import type { LedgerAnswer, LedgerRequest } from '../application/request.ts';
import type { PlatformCommand } from '../ledger/platform.ts';
import type { ProjectCommand } from '../ledger/project/decide.ts';
import type { Views } from '../views/views.ts';

/** The way of a command to its address space. */
export interface LedgerPort {
  project(name: string, command: ProjectCommand, request: LedgerRequest): Promise<LedgerAnswer>;
  platform(command: PlatformCommand, request: LedgerRequest): Promise<LedgerAnswer>;
  /** Reasons why it is not ready; none when it is. */
  ready(): readonly string[];
}

/** What the HTTP surface is built on. Clock and ids come from outside, as everywhere. */
export interface HttpDeps {
  readonly ledger: LedgerPort;
  readonly views: Views;
  readonly clock: () => Date;
  readonly newId: () => string;
  readonly logger: FastifyBaseLogger;
  /** The location of claims that name none; undefined makes the field required. */
  readonly defaultLocation: string | undefined;
  readonly version: string;
}
