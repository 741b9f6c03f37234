import { EventStoreDBClient, UnavailableError } from '@eventstore/db-client';
import services from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { limits } from '../../limits.ts';

/** A client that connects with its first call. Throws for what is no connection string. */
export function clientOf(url: string): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(withGossipTimeout(url));
  // It does not wait for this itself, and this fails while no node answers who leads: the process
  // would end. The next call looks again.
  // biome-ignore lint/complexity/useLiteralKeys: it is protected, and cannot be inherited from.
  const lookElsewhere = client['handleError'];
  // biome-ignore lint/complexity/useLiteralKeys: the same.
  client['handleError'] = (...fault) => lookElsewhere(...fault).catch(() => {});
  return client;
}

/**
 * Makes a client ask anew who leads, the node that it has now last. It does so by itself when that
 * node is gone or no longer leads, but stays with one that is silent.
 */
export async function leaveNode(client: EventStoreDBClient): Promise<void> {
  const fail = () => Promise.reject(new UnavailableError(undefined, 'the node is silent'));
  // biome-ignore lint/complexity/useLiteralKeys: it is protected, and there is no other way.
  await client['execute'](services.StreamsClient, 'leave', fail).catch(() => {});
}

/** Nodes are asked one after another who leads: a silent one must not hold that up for long. */
function withGossipTimeout(url: string): string {
  if (/[?&]gossip[-_]?timeout=/i.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}gossipTimeout=${limits.kurrentGossipSecondsMax}`;
}
