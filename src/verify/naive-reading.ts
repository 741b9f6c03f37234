import { NaiveLedger, type ReadEvent, readWith } from './naive-ledger.ts';
import { PLATFORM } from './read-platform.ts';
import { POOLS } from './read-pools.ts';
import { PROJECT } from './read-project.ts';
import { check, Violation } from './violation.ts';

const PLATFORM_STREAM = 'addressSpace-platform';
const KINDS = [
  { beginning: 'addressSpace-project.', readers: PROJECT },
  { beginning: 'addressSpace-pool.', readers: POOLS },
] as const;

/** What is read of an event's metadata. */
interface Command {
  readonly commandId: string;
  readonly index: number;
  readonly count: number;
  readonly actor: { readonly role: string };
}

/** Whether somebody outside of the ledger has asked for a command that deletes something. */
export type AskedFor = (command: Command) => boolean;

/** One stream as it has been read so far. */
interface Stream {
  lastAt: string;
  /** The command whose events are not all there yet. */
  open: { readonly commandId: string; readonly next: number } | undefined;
}

/** What the ledger does by itself: leases end, and deletions go on. */
const SYSTEM = 'system';

/**
 * A second opinion on the whole ledger, which reads the log and nothing else: plain lists and maps,
 * with no idea of how blocks are found, decisions made or streams written. Of the program it knows
 * the form of events only. What breaks a rule is told, and the reading goes on.
 */
export class NaiveReading {
  readonly ledger = new NaiveLedger();
  readonly #streams = new Map<string, Stream>();
  readonly #isAskedFor: AskedFor;
  /** The latest instant of all decisions. */
  latestAt = '';

  constructor(isAskedFor: AskedFor = ({ actor }) => actor.role !== SYSTEM) {
    this.#isAskedFor = isAskedFor;
  }

  /** Reads the next event of the log, and gives what is wrong with it. */
  read(event: ReadEvent): readonly Violation[] {
    const command = event.metadata as Command;
    const violations: Violation[] = [];
    for (const step of [this.#follow, this.#take, this.#checkCommand]) {
      try {
        step.call(this, event, command);
      } catch (fault) {
        violations.push(violationOf(fault, event));
      }
    }
    return violations;
  }

  /** At the end of a log, and of each append: of no command some events are missing. */
  checkWhole(): void {
    for (const [name, { open }] of this.#streams) {
      const expected = () => `all of command ${open?.commandId} in ${name}`;
      check('command', open === undefined, expected, () => `event ${open?.next} of it is missing`);
    }
  }

  /** Lets the event happen. */
  #take({ stream, type, data }: ReadEvent, command: Command): void {
    const kind = kindOf(stream);
    const isKnown = kind !== undefined || stream === PLATFORM_STREAM;
    check('event', isKnown, 'a stream of the ledger', stream);
    const name = kind === undefined ? '' : stream.slice(kind.beginning.length);
    const isAskedFor = this.#isAskedFor(command);
    const read = { stream, name, data, isAskedFor } as Parameters<typeof readWith>[3];
    readWith(kind?.readers ?? PLATFORM, this.ledger, type, read);
  }

  /** What holds again when all of a command has happened. */
  #checkCommand({ stream }: ReadEvent, { index, count }: Command): void {
    if (index < count - 1) return;
    const name = stream.slice(kindOf(stream)?.beginning.length ?? stream.length);
    this.ledger.projects.get(name)?.checkWhole();
  }

  /** Commands stand whole, one after the other, and time does not run backwards. */
  #follow({ stream, data }: ReadEvent, { commandId, index, count }: Command): void {
    const known = this.#streams.get(stream) ?? { lastAt: '', open: undefined };
    this.#streams.set(stream, known);
    const { open, lastAt } = known;
    known.open = index + 1 === count ? undefined : { commandId, next: index + 1 };
    const { at } = data as { readonly at: string };
    if (at > lastAt) known.lastAt = at;
    if (at > this.latestAt) this.latestAt = at;
    const isNext = open === undefined || (open.next === index && open.commandId === commandId);
    const expected = () => `event ${open?.next} of command ${open?.commandId}`;
    check('command', isNext, expected, `event ${index} of command ${commandId}`);
    const isFirst = open !== undefined || index === 0;
    check('command', isFirst, `command ${commandId} from its first event on`, `event ${index}`);
    check('event', at >= lastAt, `an instant not before ${lastAt}`, at);
  }
}

function kindOf(stream: string) {
  return KINDS.find(({ beginning }) => stream.startsWith(beginning));
}

/** What cannot even be read is no event of the form that its type has. */
function violationOf(fault: unknown, { type }: ReadEvent): Violation {
  if (fault instanceof Violation) return fault;
  return new Violation('event', `the form of ${type}`, String(fault));
}
