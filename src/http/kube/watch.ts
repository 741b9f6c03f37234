import type { FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { ObjectChange, Views } from '../../views/views.ts';
import { unauthorized } from '../auth/authenticator.ts';
import { subjectOf, whenOver } from '../auth/grant.ts';
import type { HttpDeps } from '../deps.ts';
import { StatusError } from '../status.ts';
import type { Kind } from './kind.ts';
import { addedLine, bookmarkLine, errorLine, type WatchLines } from './watch-lines.ts';
import { readWatchRequest, type WatchRequest } from './watch-request.ts';
import type { Watchers } from './watchers.ts';

/**
 * Answers with the changes of objects as they happen. Where it begins and the changes from then on
 * are taken in one synchronous step, so that none is missed and none is sent twice.
 */
export function watchObjects(
  { deps, watchers }: { readonly deps: HttpDeps; readonly watchers: Watchers },
  kind: Kind,
  namespace: string | undefined,
  http: FastifyRequest,
  reply: FastifyReply,
): void {
  const { views } = deps;
  const { lines } = watchers;
  const request = readWatchRequest(deps, kind, namespace, http);
  const { grant } = http;
  watchers.requireRoom(subjectOf(grant));
  const changes = views.changes(kind.viewed);
  const before =
    request.after === undefined
      ? presentLines(views, request, views.position)
      : grant.wasPresentAt(request.after)
        ? pastLines(changes.after(request.after), request, lines)
        : undefined;
  reply.hijack();
  let stopFollowing = () => {};
  const stream = watchers.open(reply.raw, subjectOf(grant), {
    lastsMs: request.lastsMs,
    bookmark: request.hasBookmarks ? () => bookmarkLine(request.form, views.position) : undefined,
    onClose: () => stopFollowing(),
    onCut: () => http.log.info({ url: http.url }, 'a watch was not read and was cut off'),
  });
  if (before === undefined) {
    stream.end(errorLine(expired(request.after as Position, changes.start)));
    return;
  }
  const leave = watchers.audiences.join(stream, request, changes, (change) =>
    // What happens after the end of a project's life is another one's.
    grant.isPresent() ? lineOf(change, request, lines) : undefined,
  );
  const stopWaiting = whenOver(grant, views, () => stream.end(errorLine(unauthorized())));
  stopFollowing = () => {
    leave();
    stopWaiting();
  };
  stream.begin(before).catch((fault: unknown) => {
    http.log.error({ err: fault }, 'a watch failed');
    stream.cut();
  });
}

/** What a change is to a watch; undefined when it is nothing. */
function lineOf(
  change: ObjectChange,
  { namespace, name, matches, form }: WatchRequest,
  lines: WatchLines,
): Buffer | undefined {
  if (namespace !== undefined && change.namespace !== namespace) return undefined;
  if (name !== undefined && change.name !== name) return undefined;
  return lines.of(change, matches, form);
}

function pastLines(
  past: readonly ObjectChange[] | undefined,
  request: WatchRequest,
  lines: WatchLines,
): Iterable<Buffer> | undefined {
  return past && linesOf(past, request, lines);
}

function* linesOf(
  changes: readonly ObjectChange[],
  request: WatchRequest,
  lines: WatchLines,
): Generator<Buffer> {
  for (const change of changes) {
    const line = lineOf(change, request, lines);
    if (line !== undefined) yield line;
  }
}

/**
 * The objects that there are now, read page by page while they are sent. Those of a page are in the
 * order of their versions, so that a client of one page can go on from the last one that it has.
 */
function* presentLines(
  views: Views,
  { kind, namespace, name, matches, form, marksInitialEnd }: WatchRequest,
  position: Position,
): Generator<Buffer> {
  const limit = limits.watchPageObjectsMax;
  if (name !== undefined && namespace !== undefined) {
    const one = views.get(kind.viewed, namespace, name);
    if (one !== undefined && matches?.(one.object)) yield addedLine(one, form);
  } else {
    const selected = { namespace: kind.namespaced ? namespace : undefined, limit, matches };
    let after: { namespace: string; name: string } | undefined;
    do {
      const at = position === views.position ? undefined : position;
      const { items, next } = views.list(kind.viewed, { ...selected, after, at });
      const inOrder = items.toSorted((a, b) => (a.position < b.position ? -1 : 1));
      for (const viewed of inOrder) yield addedLine(viewed, form);
      after = next;
    } while (after !== undefined);
  }
  if (marksInitialEnd) yield bookmarkLine(form, position, true);
}

function expired(asked: Position, start: Position): StatusError {
  return new StatusError('Expired', `too old resource version: ${asked} (${start})`);
}
