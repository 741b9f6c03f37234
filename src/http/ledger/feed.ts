import type { FastifyReply, FastifyRequest } from 'fastify';
import { CATEGORY } from '../../ledger/streams.ts';
import { limits } from '../../limits.ts';
import type { EventHandler, Position, Subscription } from '../../store/store.ts';
import { subscribeToStream } from '../../store/stream-subscription.ts';
import { subjectOf, whenOver } from '../auth/grant.ts';
import type { FeedBounds, HttpDeps } from '../deps.ts';
import { StatusError } from '../status.ts';
import { SubjectCounts } from '../subject-counts.ts';
import { type FeedRequest, readFeedRequest } from './feed-request.ts';
import { FeedStream } from './feed-stream.ts';
import { withinProjects } from './own-projects.ts';

const BOUNDS: FeedBounds = {
  followersMax: limits.feedFollowersMax,
  followersPerSubjectMax: limits.feedFollowersPerSubjectMax,
  chunkBytesMax: limits.feedChunkBytesMax,
  heartbeatMs: limits.feedHeartbeatMs,
  stallMsMax: limits.feedStallMsMax,
};

const RETRY_AFTER_SECONDS = 5;

/** The events of the log for those who follow it, and all who do. */
export class Feed {
  readonly #deps: HttpDeps;
  readonly #bounds: FeedBounds;
  readonly #streams = new Set<FeedStream>();
  readonly #counts = new SubjectCounts();
  #isClosing = false;

  constructor(deps: HttpDeps) {
    this.#deps = deps;
    this.#bounds = { ...BOUNDS, ...deps.feed };
  }

  /** Answers a follower: refuses it, or begins what it then is sent as it can take it. */
  async open(http: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { store, views } = this.#deps;
    const { grant } = http;
    const isLimited = grant.permission.within === 'projects';
    const asked = readFeedRequest(http);
    const request = isLimited ? withinProjects(asked, grant.identity, views) : asked;
    const head = await store.head();
    this.#requireServed(request.after, head);
    // Which life of a project an event belongs to is asked of the views.
    if (isLimited) await views.reached(head);
    this.#requireRoom(subjectOf(grant));
    // From here on the answer is the stream's: the framework has no say in it any more.
    reply.hijack();
    if (reply.raw.destroyed) return;
    const uncount = this.#counts.add(subjectOf(grant));
    let stopWaiting = () => {};
    const stream = new FeedStream(reply.raw, {
      ...{ ...this.#bounds, request, head },
      subscribe: (handler) => this.#subscribe(request, head, handler),
      onClose: () => {
        this.#streams.delete(stream);
        uncount();
        stopWaiting();
      },
      onFault: (fault) => http.log.error({ err: fault }, 'the event feed cannot be read on'),
    });
    this.#streams.add(stream);
    stopWaiting = whenOver(grant, views, () => stream.end());
    if (!request.isLive && request.after >= head) stream.end();
  }

  /** Ends all answers in order: followers come back to where they have come to. */
  close(): void {
    this.#isClosing = true;
    for (const stream of this.#streams) stream.end();
  }

  /** All of one stream is read from that stream; what comes after a position, from the log. */
  #subscribe(
    { after, stream, isLive }: FeedRequest,
    head: Position,
    handler: EventHandler,
  ): Subscription {
    const { store } = this.#deps;
    const options = { categories: [CATEGORY] };
    if (stream === undefined || after > 0n) return store.subscribe(after, handler, options);
    const history = { stream, upTo: head, afterwards: isLive ? options : undefined };
    return subscribeToStream(store, history, handler);
  }

  /** A place that this log never had, or has no more, is none that a follower can go on from. */
  #requireServed(after: Position, head: Position): void {
    const isLost = this.#deps.store.lostPositions.some(
      (range) => after > range.after && after <= range.upTo,
    );
    if (!isLost && after <= head) return;
    const message = `position ${after} is not in this log: begin anew, or go on after an earlier one`;
    throw new StatusError('Expired', message);
  }

  #requireRoom(subject: string): void {
    const retryAfterSeconds = RETRY_AFTER_SECONDS;
    const headers = { 'retry-after': String(retryAfterSeconds) };
    if (this.#isClosing) {
      const message = 'the server is shutting down';
      throw new StatusError('ServiceUnavailable', message, { retryAfterSeconds }, headers);
    }
    const { followersMax, followersPerSubjectMax } = this.#bounds;
    const isFull = this.#streams.size >= followersMax;
    if (!isFull && this.#counts.of(subject) < followersPerSubjectMax) return;
    const message = isFull
      ? `there are ${followersMax} followers already: try again later`
      : `you follow ${followersPerSubjectMax} times already: end one first`;
    throw new StatusError('TooManyRequests', message, { retryAfterSeconds }, headers);
  }
}
