import { createHash } from 'node:crypto';
import { check } from './check.ts';

/** An event as it was put into the log. */
export interface LoggedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the log holds is what is being examined.
  readonly data: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  readonly metadata: any;
  readonly hash: string;
  /** The text that the hash covers. */
  readonly body: string;
}

/** An event from the text that was appended. */
export function loggedEvent({ body, hash }: { body: string; hash: string }): LoggedEvent {
  const [stream, revision, id, type, data, metadata] = JSON.parse(body);
  return { stream, revision, id, type, data, metadata, hash, body };
}

interface Chain {
  last: LoggedEvent | undefined;
  readonly commands: Map<string, LoggedEvent[]>;
}

/**
 * Streams as chains of events: each follows the one before it by revision and hash, and each
 * command is carried out once.
 */
export class Chains {
  readonly #chains = new Map<string, Chain>();
  length = 0;

  add(event: LoggedEvent): void {
    const { stream, revision, metadata, body, hash } = event;
    const chain = this.#chains.get(stream) ?? { last: undefined, commands: new Map() };
    this.#chains.set(stream, chain);
    const { last } = chain;
    check(revision === (last?.revision ?? -1) + 1, `${stream} jumps to ${revision}`);
    check(metadata.previousHash === (last?.hash ?? ''), `${stream} ${revision} is not chained`);
    const proof = createHash('sha256').update(body).digest('hex');
    check(hash === proof, `${stream} ${revision} is not what was sealed`);
    const { commandId, index } = metadata;
    const before = chain.commands.get(commandId);
    check(index !== 0 || before === undefined, `command ${commandId} is carried out twice`);
    if (before === undefined) chain.commands.set(commandId, [event]);
    else before.push(event);
    chain.last = event;
    this.length += 1;
  }

  /** The events of a command in a stream; none when it has left no trace there. */
  eventsOf(stream: string, commandId: string): readonly LoggedEvent[] {
    return this.#chains.get(stream)?.commands.get(commandId) ?? [];
  }
}
