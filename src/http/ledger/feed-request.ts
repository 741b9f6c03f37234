import type { FastifyRequest } from 'fastify';
import {
  InvalidAddress,
  overlaps,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../../addressing/prefix.ts';
import { dnsLabel } from '../../ledger/names.ts';
import { projectStream, spaceOf } from '../../ledger/streams.ts';
import type { Position, RecordedEvent } from '../../store/store.ts';
import { queryValue, queryValues } from '../query.ts';
import { badRequest, StatusError, shown } from '../status.ts';
import { namedType } from './cloud-event.ts';
import { blocksOf } from './event-blocks.ts';

export const LINES_TYPE = 'application/x-ndjson';
export const SSE_TYPE = 'text/event-stream';

/** What a follower of the feed asks for. */
export interface FeedRequest {
  readonly mediaType: typeof LINES_TYPE | typeof SSE_TYPE;
  /** The feed begins after this position. */
  readonly after: Position;
  /** Whether it goes on when it has come to the head. */
  readonly isLive: boolean;
  /** The only stream that it has events of, where that is known. */
  readonly stream: string | undefined;
  readonly matches: (event: RecordedEvent) => boolean;
}

/** Reads what a follower asks for; refuses what cannot be meant. */
export function readFeedRequest(http: FastifyRequest): FeedRequest {
  if (queryValue(http, 'asOf') !== undefined) {
    throw badRequest('asOf: the feed is of the past: say where it begins with after');
  }
  return {
    mediaType: mediaTypeOf(http.headers.accept),
    after: readAfter(http),
    isLive: readFollow(queryValue(http, 'follow')),
    ...readFilter(http),
  };
}

/** An EventSource that reconnects asks for the same address as before, and tells by the header. */
function readAfter(http: FastifyRequest): Position {
  const header = http.headers['last-event-id'];
  const name = header ? 'Last-Event-ID' : 'after';
  const text = header ? String(header) : (queryValue(http, 'after') ?? '0');
  if (/^(0|[1-9]\d{0,18})$/.test(text)) return BigInt(text);
  throw badRequest(`${name}: Invalid value: "${shown(text)}": must be a position`);
}

function readFollow(text: string | undefined): boolean {
  if (text === undefined || text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw badRequest(`follow: Invalid value: "${shown(text)}": must be true or false`);
}

function readFilter(http: FastifyRequest): Pick<FeedRequest, 'stream' | 'matches'> {
  const types = readTypes(queryValues(http, 'type'));
  const project = readProject(queryValue(http, 'project'));
  const address = readAddress(queryValue(http, 'address'));
  const named = readStream(queryValue(http, 'stream'));
  const ofProject = project === undefined ? undefined : projectStream(project);
  const matches = (event: RecordedEvent) =>
    (types === undefined || types.has(event.type)) &&
    (named === undefined || event.stream === named) &&
    (ofProject === undefined || event.stream === ofProject) &&
    (address === undefined || blocksOf(event).some((block) => overlaps(prefixOf(block), address)));
  return { stream: named ?? ofProject, matches };
}

function readTypes(texts: readonly string[]): ReadonlySet<string> | undefined {
  if (texts.length === 0) return undefined;
  const names = texts.flatMap((text) => text.split(','));
  return new Set(
    names.map((name) => {
      const type = namedType(name);
      if (type === undefined) {
        throw badRequest(`type: Invalid value: "${shown(name)}": is no type of event`);
      }
      return type;
    }),
  );
}

function readStream(text: string | undefined): string | undefined {
  if (text === undefined || spaceOf(text) !== undefined) return text;
  throw badRequest(`stream: Invalid value: "${shown(text)}": is no name of a stream`);
}

function readProject(text: string | undefined): string | undefined {
  if (text === undefined || dnsLabel.safeParse(text).success) return text;
  throw badRequest(`project: Invalid value: "${shown(text)}": is no name of a project`);
}

function readAddress(text: string | undefined): Prefix | undefined {
  if (text === undefined) return undefined;
  try {
    return prefixOf(text);
  } catch (error) {
    if (error instanceof InvalidAddress) throw badRequest(`address: ${error.message}`);
    throw error;
  }
}

/** A prefix, or a bare address as the prefix of that one. */
function prefixOf(text: string): Prefix {
  return text.includes('/') ? parsePrefix(text) : parseAddress(text);
}

/** The media type of the two that an Accept header prefers; JSON lines when it does not care. */
function mediaTypeOf(accept: string | undefined): FeedRequest['mediaType'] {
  const ranges = (accept || '*/*').split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { name, quality: q === undefined ? 1 : Number(q.slice(2)) };
  });
  const qualityOf = (type: string) => {
    const names = [type, `${type.split('/')[0]}/*`, '*/*'];
    const exactest = names.find((name) => ranges.some((range) => range.name === name));
    return ranges.find(({ name }) => name === exactest)?.quality ?? 0;
  };
  const [lines, sse] = [qualityOf(LINES_TYPE), qualityOf(SSE_TYPE)];
  if (!(lines > 0) && !(sse > 0)) {
    const message = `only the following media types are accepted: ${LINES_TYPE}, ${SSE_TYPE}`;
    throw new StatusError('NotAcceptable', message);
  }
  const isNamed = ranges.some(({ name }) => name === SSE_TYPE);
  return sse > lines || (sse === lines && isNamed) ? SSE_TYPE : LINES_TYPE;
}
