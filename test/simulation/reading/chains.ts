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
  readonly events: LoggedEvent[];
  lastAt: string;
  /** The command whose events are not all there yet. */
  open: { readonly commandId: string; readonly next: number } | undefined;
  readonly commands: Map<string, LoggedEvent[]>;
}

/**
 * Streams as chains of events: each follows the one before it by revision, hash and instant, and
 * the events of a command stand side by side, all of them, once.
 */
export class Chains {
  readonly #chains = new Map<string, Chain>();
  /** The latest instant of all decisions. */
  latestAt = '';
  length = 0;

  add(event: LoggedEvent): void {
    const { stream, revision, data, metadata, body, hash } = event;
    const chain = this.#chainOf(stream);
    const last = chain.events.at(-1);
    check(revision === (last?.revision ?? -1) + 1, `${stream} jumps to ${revision}`);
    check(metadata.previousHash === (last?.hash ?? ''), `${stream} ${revision} is not chained`);
    const proof = createHash('sha256').update(body).digest('hex');
    check(hash === proof, `${stream} ${revision} is not what was sealed`);
    check(data.at >= chain.lastAt, `${stream} ${revision}: time runs backwards`);
    this.#addToCommand(chain, event);
    chain.lastAt = data.at;
    if (data.at > this.latestAt) this.latestAt = data.at;
    chain.events.push(event);
    this.length += 1;
  }

  /** Invariant 9: of what one append brought nothing is half there. */
  checkWhole(stream: string): void {
    const { open } = this.#chainOf(stream);
    check(open === undefined, `command ${open?.commandId} is half in ${stream}`);
  }

  /** The events of a command in a stream; none when it has left no trace there. */
  eventsOf(stream: string, commandId: string): readonly LoggedEvent[] {
    return this.#chains.get(stream)?.commands.get(commandId) ?? [];
  }

  #chainOf(stream: string): Chain {
    const present = this.#chains.get(stream);
    if (present !== undefined) return present;
    const chain: Chain = { events: [], lastAt: '', open: undefined, commands: new Map() };
    this.#chains.set(stream, chain);
    return chain;
  }

  #addToCommand(chain: Chain, event: LoggedEvent): void {
    const { commandId, index, count } = event.metadata;
    const { open } = chain;
    const isNext = open === undefined ? index === 0 : open.next === index;
    const isSame = open === undefined || open.commandId === commandId;
    check(isNext && isSame, `command ${commandId} is cut by another in ${event.stream}`);
    const before = chain.commands.get(commandId);
    check(index !== 0 || before === undefined, `command ${commandId} is carried out twice`);
    if (before === undefined) chain.commands.set(commandId, [event]);
    else before.push(event);
    chain.open = index + 1 === count ? undefined : { commandId, next: index + 1 };
  }
}
