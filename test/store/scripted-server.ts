import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import members from '@eventstore/db-client/generated/gossip_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import services from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { EventToAppend } from '../../src/store/store.ts';

type Append = ServerReadableStream<streams.AppendReq, streams.AppendResp>;
type Answer = sendUnaryData<streams.AppendResp>;
type Gossip = sendUnaryData<members.ClusterInfo>;
type Read = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** An append as it came in: what makes it the identical one. */
export interface Received {
  readonly revision: string;
  readonly ids: readonly string[];
}

/** How far apart the events of its log are. */
export const STEP = 100n;

/**
 * The client's own service definitions with answers that a test gives. It keeps no streams: what
 * it has in its log stands there because a test put it there.
 */
export class ScriptedServer {
  readonly #server = new Server();
  readonly log: { readonly stream: string; readonly event: EventToAppend }[] = [];
  readonly received: Received[] = [];
  /** Places that subscriptions were opened after, in order. */
  readonly opened: bigint[] = [];
  /** What becomes of the next appends; without one they succeed. */
  readonly appends: ((answer: Answer, port: number) => void)[] = [];
  /** What becomes of the next subscriptions; without one they give the log and stay open. */
  readonly subscriptions: ((call: Read, server: ScriptedServer) => void)[] = [];
  /** What becomes of the next reads; without one they are answered from the log. */
  readonly reads: ((call: Read) => void)[] = [];
  /** The port of the node that leads, by its word; undefined while it knows of none. */
  leader: number | undefined;
  #port = 0;

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    scripted.#server.addService(services.StreamsService, {
      append: (call: Append, answer: Answer) => scripted.#append(call, answer),
      read: (call: Read) => scripted.#read(call),
    });
    scripted.#server.addService(gossip.GossipService, {
      read: (_call: ServerUnaryCall<shared.Empty, members.ClusterInfo>, answer: Gossip) =>
        scripted.#tellLeader(answer),
    });
    scripted.#port = await new Promise<number>((resolve, reject) => {
      const done = (fault: Error | null, port: number) => (fault ? reject(fault) : resolve(port));
      scripted.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
    });
    scripted.leader = scripted.#port;
    return scripted;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `esdb://127.0.0.1:${this.#port}?tls=false`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** The event at a place of the log, as a subscription sends it. */
  sent(index: number): streams.ReadResp {
    const { stream, event } = this.log[index] as (typeof this.log)[number];
    const position = String(STEP * BigInt(index + 1));
    const record = new streams.ReadResp.ReadEvent.RecordedEvent();
    record.setId(new shared.UUID().setString(event.id));
    record.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(base64(stream)));
    record.setStreamRevision('0').setCommitPosition(position).setPreparePosition(position);
    record.getMetadataMap().set('type', event.type).set('content-type', 'application/json');
    record.getMetadataMap().set('created', '17000000000000000');
    record.setData(base64(JSON.stringify(event.data)));
    record.setCustomMetadata(base64(JSON.stringify(event.metadata)));
    const answer = new streams.ReadResp.ReadEvent().setEvent(record).setCommitPosition(position);
    return new streams.ReadResp().setEvent(answer);
  }

  #tellLeader(answer: Gossip): void {
    if (this.leader === undefined) {
      answer(failure(status.UNAVAILABLE, 'not ready'));
      return;
    }
    const place = new members.EndPoint().setAddress('127.0.0.1').setPort(this.leader);
    const leader = new members.MemberInfo().setHttpEndPoint(place).setIsAlive(true);
    leader.setInstanceId(new shared.UUID().setString('00000000-0000-4000-8000-000000000000'));
    leader.setState(members.MemberInfo.VNodeState.LEADER);
    answer(null, new members.ClusterInfo().setMembersList([leader]));
  }

  #append(call: Append, answer: Answer): void {
    const ids: string[] = [];
    let revision = '';
    call.on('data', (request: streams.AppendReq) => {
      const options = request.getOptions();
      if (options !== undefined) revision = options.hasNoStream() ? 'none' : options.getRevision();
      else ids.push(request.getProposedMessage()?.getId()?.getString() ?? '');
    });
    call.on('end', () => {
      this.received.push({ revision, ids });
      const script = this.appends.shift() ?? succeed;
      script(answer, this.#port);
    });
  }

  #read(call: Read): void {
    const options = call.request.getOptions();
    const place = BigInt(options?.getAll()?.getPosition()?.getCommitPosition() ?? '0');
    if (options?.hasSubscription()) {
      this.opened.push(place);
      const script = this.subscriptions.shift() ?? giveAll;
      script(call, this);
      return;
    }
    const scripted = this.reads.shift();
    if (scripted !== undefined) {
      scripted(call);
      return;
    }
    const count = Number(options?.getCount());
    const isBackwards = options?.getReadDirection() === 1;
    const indexes = [...this.log.keys()].filter((at) => STEP * BigInt(at + 1) >= place);
    const wanted = isBackwards ? [...this.log.keys()].toReversed() : indexes;
    for (const index of wanted.slice(0, count)) call.write(this.sent(index));
    call.end();
  }
}

/** Answers as a server that has stored an append. */
export function succeed(answer: Answer): void {
  const position = new streams.AppendResp.Position();
  position.setCommitPosition('100').setPreparePosition('100');
  const success = new streams.AppendResp.Success().setCurrentRevision('0').setPosition(position);
  answer(null, new streams.AppendResp().setSuccess(success));
}

/** A failure as gRPC tells it, with what KurrentDB puts beside it. */
export function failure(
  code: status,
  details: string,
  beside: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(beside)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Gives what is in the log after the place that was asked for, then stays open. */
export function giveAll(call: Read, server: ScriptedServer): void {
  const options = call.request.getOptions();
  const place = BigInt(options?.getAll()?.getPosition()?.getCommitPosition() ?? '0');
  call.write(new streams.ReadResp().setConfirmation(confirmed()));
  for (const index of server.log.keys()) {
    if (STEP * BigInt(index + 1) > place) call.write(server.sent(index));
  }
  call.write(new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp()));
}

function confirmed(): streams.ReadResp.SubscriptionConfirmation {
  return new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('1');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
