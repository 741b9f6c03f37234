import { hash } from 'node:crypto';
import { LedgerUnavailable } from '../application/request.ts';
import { ownGrant } from '../http/auth/grant.ts';
import type { HttpDeps } from '../http/deps.ts';
import { Freshness } from '../http/freshness.ts';
import type { Answer } from '../http/kube/carry-out.ts';
import { type Exchange, newExchange } from '../http/kube/exchange.ts';
import { claimsFor } from '../http/kube/kinds/claims.ts';
import { canonicalJson } from '../http/ledger/canonical-json.ts';
import { type ClaimKind, writeClaim } from '../http/ledger/claims-batch.ts';
import { forbidden, StatusError } from '../http/status.ts';
import type { EventData, LedgerEvent } from '../ledger/events.ts';
import { limits } from '../limits.ts';
import type { Identity } from '../security/identity.ts';
import type { Message } from '../store/messages.ts';
import type { Store } from '../store/store.ts';
import { type ClaimCommand, type ClaimReply, readCommand } from './claim-messages.ts';

/** A source of commands, and the projects that they may be about. */
export interface ClaimSource {
  readonly name: string;
  readonly projects: readonly string[];
}

/** What commands are decided with: what requests are, and the streams that prove their answers. */
export type CommandDeps = Omit<HttpDeps, 'store'> & {
  readonly store: HttpDeps['store'] & Pick<Store, 'readStream'>;
};

/** A reply without what says which command it answers. */
export type ClaimAnswer = Omit<ClaimReply, 'command' | 'id'>;

const ISSUER = 'claimCommands';
const CORRELATION_ID = /^[\x21-\x7e]{1,255}$/;
/** How often others may be first before the command waits for its next try. */
const ATTEMPTS_MAX = 3;

/** What says nothing of the command: it may be decided when it is tried again. */
const PASSING = ['TooManyRequests', 'ServiceUnavailable', 'Timeout', 'InternalError'];

/**
 * Decides the commands of one source, each as a request with the id of its event as its key would
 * be. Whatever was decided stands in the project's stream under the command's own id before it is
 * answered, a refusal too: so of several ledgers that decide the same command all but the first
 * find what it was.
 */
export class ClaimCommands {
  readonly #deps: CommandDeps;
  readonly #source: ClaimSource;
  readonly #claims: ClaimKind;
  readonly #identity: Identity;
  readonly #freshness: Freshness;

  constructor(deps: CommandDeps, source: ClaimSource) {
    this.#deps = deps;
    this.#source = source;
    this.#claims = claimsFor(deps.defaultLocation) as ClaimKind;
    const who = { issuer: ISSUER, subject: source.name, role: 'compute' } as const;
    this.#identity = { ...who, projects: [], locations: [], whenEnded: () => () => {} };
    this.#freshness = new Freshness(deps);
  }

  /** The answer to a command. Rejects with what keeps it from being decided now. */
  async answer(message: Message): Promise<ClaimAnswer> {
    return this.#decide(message, (command, exchange) => {
      return writeClaim(exchange, this.#claims, command.item).then(answerOf, refusalOf);
    });
  }

  /** The same for one that a fault of the program keeps from being decided: it is refused. */
  async giveUp(message: Message): Promise<ClaimAnswer> {
    const refusal = { reason: 'InternalError', message: 'the log of the ledger tells more' };
    return this.#decide(message, async () => ({ code: 500, ...refusal }));
  }

  async #decide(
    message: Message,
    tried: (command: ClaimCommand, exchange: Exchange) => Promise<ClaimAnswer>,
  ): Promise<ClaimAnswer> {
    let command: ClaimCommand;
    try {
      command = this.#read(message);
    } catch (error) {
      // It says nothing of what is stored, and is the same wherever it is read.
      return refusalOf(error);
    }
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      await this.#freshness.latest();
      const answer = await this.#attempt(command, message, tried);
      if (answer !== undefined) return answer;
    }
    throw new LedgerUnavailable('others decide the same commands');
  }

  #read(message: Message): ClaimCommand {
    const command = readCommand(message);
    if (this.#source.projects.includes(command.project)) return command;
    const why = `the source "${this.#source.name}" may not write to namespace "${command.project}"`;
    throw forbidden(this.#claims, '', why);
  }

  /** Undefined when another ledger was first: its answer can be seen now. */
  async #attempt(
    command: ClaimCommand,
    message: Message,
    tried: (command: ClaimCommand, exchange: Exchange) => Promise<ClaimAnswer>,
  ): Promise<ClaimAnswer | undefined> {
    let exchange: Exchange;
    try {
      exchange = this.#exchange(command, message);
    } catch (error) {
      // The id was another command's, which stands in the log for ever.
      return refusalOf(error);
    }
    const { views } = this.#deps;
    const { answered, request } = exchange;
    if (answered !== undefined && answered.code >= 400) return this.#refusalAt(answered);
    const answer = await tried(command, exchange);
    const known = views.answered(request.commandId);
    if (known === undefined) return this.#settle(command.project, exchange, answer);
    return known.code === answer.code ? answer : undefined;
  }

  #exchange({ verb }: ClaimCommand, { id, type, data, metadata }: Message): Exchange {
    const { $correlationId } = Object(metadata);
    const isGiven = typeof $correlationId === 'string' && CORRELATION_ID.test($correlationId);
    const exchange = newExchange(this.#deps, {
      ...{ verb, grant: ownGrant(this.#identity), idempotencyKey: id },
      ...{ fieldValidation: 'Strict', dryRun: false },
      writer: { manager: this.#source.name, isNamed: false },
      correlationId: isGiven ? $correlationId : id,
      requestHash: () => hash('sha256', canonicalJson({ type, data }), 'hex'),
    });
    return { ...exchange, request: { ...exchange.request, causationId: id } };
  }

  /**
   * Records an answer that nothing else proves. From then on no ledger that is behind can give
   * another one; and if one was before, its answer it is.
   */
  async #settle(
    project: string,
    { request }: Exchange,
    answer: ClaimAnswer,
  ): Promise<ClaimAnswer | undefined> {
    const { code, reason, message } = answer;
    const refusal = reason === undefined ? {} : { refusal: { reason, message: message ?? '' } };
    const idempotency = request.idempotency && { ...request.idempotency, code };
    const settled = await this.#deps.ledger.project(
      project,
      { type: 'SettleCommand', code, ...refusal },
      { ...request, ...(idempotency && { idempotency }) },
    );
    if (settled.outcome !== 'decided') return undefined;
    const event = settled.events.find(isSettlement);
    return event && (event.data.code >= 400 ? refusalIn(event.data) : answer);
  }

  /** The refusal that was recorded at a revision of a project's stream. */
  async #refusalAt(at: { readonly stream: string; readonly revision: number }) {
    for await (const [event] of this.#deps.store.readStream(at.stream, at.revision)) {
      return refusalIn(event?.data as EventData<'CommandSettled'>);
    }
    throw new LedgerUnavailable('the answer that was recorded cannot be read');
  }
}

function isSettlement(
  event: LedgerEvent,
): event is Extract<LedgerEvent, { readonly type: 'CommandSettled' }> {
  return event.type === 'CommandSettled';
}

function refusalIn({ code, reason, message }: EventData<'CommandSettled'>): ClaimAnswer {
  return { code, reason, message };
}

function answerOf(answer: Answer): ClaimAnswer {
  return 'text' in answer
    ? { code: answer.code, object: JSON.parse(answer.text) }
    : { code: answer.code };
}

/** A refusal as its answer; whatever is none is thrown. */
function refusalOf(error: unknown): ClaimAnswer {
  if (!(error instanceof StatusError) || PASSING.includes(error.reason)) throw error;
  const { code, reason, message } = error;
  return { code, reason, message: message.slice(0, limits.replyMessageCharsMax) };
}
