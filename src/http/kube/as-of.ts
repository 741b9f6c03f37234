import type { FastifyRequest, preHandlerHookHandler } from 'fastify';
import { z } from 'zod';
import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { Views } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue } from '../query.ts';
import { badRequest, shown } from '../status.ts';
import { requireReached } from './resource-version.ts';

const POSITION = /^(0|[1-9]\d{0,18})$/;
const instant = z.iso.datetime({ offset: true });

/** Refuses `asOf` where there is no past to show: only what exists can be changed or watched. */
export function refuseAsOfBesideReads(http: FastifyRequest): void {
  if (queryValue(http, 'asOf') === undefined) return;
  if (http.method !== 'GET' && http.method !== 'HEAD') {
    throw badRequest('asOf: only reads can be of the past');
  }
  const watch = queryValue(http, 'watch');
  if (watch === undefined || watch === 'false' || watch === '0') return;
  throw badRequest('asOf: a watch begins at a resourceVersion and cannot be of the past');
}

/**
 * The position that a read of the past shows; undefined when the read is of the present. A position
 * within a command means its end, since a command is recorded, and seen, whole.
 */
export function readAsOf(
  { views, clock }: Pick<HttpDeps, 'views' | 'clock'>,
  http: FastifyRequest,
): Position | undefined {
  const text = queryValue(http, 'asOf');
  if (text === undefined) return undefined;
  const version = queryValue(http, 'resourceVersion');
  if ((version && version !== '0') || queryValue(http, 'resourceVersionMatch')) {
    throw badRequest('asOf: specifying resource version is not allowed when using asOf');
  }
  if (POSITION.test(text)) return reachedPosition(BigInt(text), views);
  const at = text.toUpperCase();
  if (!instant.safeParse(at).success) {
    const form = 'must be a position or an RFC 3339 instant, such as 2026-01-31T09:30:00Z';
    throw badRequest(`asOf: Invalid value: "${shown(text)}": ${form}`);
  }
  // Instants are recorded in milliseconds, so what is beyond those of this one makes no difference.
  const atMs = Date.parse(at);
  if (atMs > clock().getTime()) {
    throw badRequest(`asOf: Invalid value: "${shown(text)}": is in the future`);
  }
  return views.positionAt(atMs);
}

/**
 * The instant that a read shows of what changes by time alone: the one that it names, that of the
 * position that it names, or now.
 */
export function instantShown(
  { views, clock }: Pick<HttpDeps, 'views' | 'clock'>,
  http: FastifyRequest,
  position: Position | undefined,
): number {
  const named = queryValue(http, 'asOf');
  if (named !== undefined && !POSITION.test(named)) return Date.parse(named.toUpperCase());
  if (position === undefined) return clock().getTime();
  return views.recordedAtMs(position) ?? 0;
}

/**
 * Lets a read of an instant begin once it is over and all that was recorded by then can be
 * seen: so the same read has the same answer for ever. What is no instant is left to the read.
 */
export function untilInstantIsOver(deps: HttpDeps): preHandlerHookHandler {
  return (http, _reply, done) => {
    const atMs = Date.parse((queryValue(http, 'asOf') ?? '').toUpperCase());
    if (Number.isNaN(atMs) || atMs > deps.clock().getTime()) done();
    else endOf(atMs, deps).then(() => done(), done);
  };
}

async function endOf(atMs: number, { views, store, clock }: HttpDeps): Promise<void> {
  for (let ms = 0; ms < limits.instantWaitMsMax && atMs === clock().getTime(); ms += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await views.reached(await store.head());
}

function reachedPosition(position: Position, views: Views): Position {
  requireReached(position, views);
  return views.commandEnd(position);
}
