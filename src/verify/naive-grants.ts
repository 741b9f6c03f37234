import { check } from './violation.ts';

/** What one stream has granted to a project: a range, a held address, or a join at a location. */
interface Grant {
  readonly kind: 'range' | 'hold' | 'join';
  readonly project: string;
  readonly generation: string;
  /** The pool and block, or the location. */
  readonly subject: string;
  /** What it was asked for: asked for again it is found, not given again. */
  readonly key: string;
  state: 'open' | 'committed' | 'ended';
  /** Before this instant nobody may use it again. */
  untilMs: number;
  /** The stream that has granted it knows that it was committed. */
  isConfirmed: boolean;
  /** It was fenced before it was committed: readers are shown that it has ended. */
  isGivenUp: boolean;
}

/** A grant that is begun and not ended, as readers are shown it. */
export interface OpenWork {
  readonly id: string;
  readonly project: string;
  readonly subject: string;
  readonly type: string;
}

type Given = 'kind' | 'project' | 'generation' | 'subject' | 'key';

const TYPES = { range: 'Range', hold: 'Address', join: 'Location' } as const;

/**
 * Grants between streams. A grant is committed at most once, by the project and generation that it
 * was given to, and taken back only when its use has ended or can never begin.
 */
export class NaiveGrants {
  readonly #grants = new Map<string, Grant>();
  /** Ids by what they were asked for, and by whom. */
  readonly #byKey = new Map<string, string>();
  readonly #byGeneration = new Map<string, Set<string>>();
  readonly #abandoned = new Map<string, Set<string>>();
  readonly #closed = new Set<string>();

  give(id: string, grant: Pick<Grant, Given>): void {
    const { key, generation, subject } = grant;
    check('grant', !this.#grants.has(id), `grant ${id} is a new one`, 'it was given before');
    const other = this.#grants.get(this.#byKey.get(key) ?? '');
    const found = () => `${other?.subject} is granted for it already`;
    check('grant', other === undefined, `${subject} is the first for ${key}`, found);
    const begun = { state: 'open', untilMs: 0, isConfirmed: false, isGivenUp: false } as const;
    this.#grants.set(id, { ...grant, ...begun });
    this.#byKey.set(key, id);
    const ofGeneration = this.#byGeneration.get(generation);
    if (ofGeneration === undefined) this.#byGeneration.set(generation, new Set([id]));
    else ofGeneration.add(id);
  }

  commit(id: string, project: string, generation: string | undefined, subject: string): void {
    const grant = this.#grantOf(id);
    const what = `grant ${id} of ${subject}`;
    check('grant', grant.state === 'open', `${what} can be committed`, `it is ${grant.state}`);
    check('grant', !this.#isFenced(id, grant), `${what} can be committed`, 'it is fenced');
    const isOwn = grant.project === project;
    check('isolation', isOwn, `${what} is ${project}'s`, `it was given to ${grant.project}`);
    const isOfLife = grant.generation === generation;
    check('grant', isOfLife, `${what} is of generation ${generation}`, grant.generation);
    check('grant', grant.subject === subject, `${what} is committed`, `${grant.subject} was given`);
    grant.state = 'committed';
  }

  /** Another presence stands on a join. */
  commitAgain(id: string, project: string, generation: string | undefined, subject: string): void {
    const { state } = this.#grantOf(id);
    if (state === 'open') this.commit(id, project, generation, subject);
    else check('grant', state === 'committed', `${subject} is in force`, `it is ${state}`);
  }

  end(id: string, subject: string, untilMs: number): void {
    const grant = this.#grantOf(id);
    const { state } = grant;
    check('grant', state === 'committed', `grant ${id} of ${subject} is in use`, `it is ${state}`);
    check('grant', grant.subject === subject, `${subject} ends`, `it is of ${grant.subject}`);
    grant.state = 'ended';
    grant.untilMs = untilMs;
  }

  /** A project remembers what it has used until nobody has to wait for that any more. */
  abandon(id: string, project: string, atMs: number): void {
    const grant = this.#grants.get(id);
    const isForgotten = grant?.state === 'ended' && grant.untilMs <= atMs;
    const isFree =
      grant === undefined || grant.project !== project || grant.state === 'open' || isForgotten;
    check('grant', isFree, `grant ${id} is not used when it is abandoned`, () => {
      return `${grant?.subject} is ${grant?.state}`;
    });
    if (grant?.state === 'open') grant.isGivenUp = true;
    const ids = this.#abandoned.get(project);
    if (ids === undefined) this.#abandoned.set(project, new Set([id]));
    else ids.add(id);
  }

  /** A project has closed: nothing that was granted to this generation can be committed. */
  close(generation: string): void {
    this.#closed.add(generation);
    for (const id of this.#byGeneration.get(generation) ?? []) {
      const grant = this.#grantOf(id);
      const expected = 'a project that closes uses nothing';
      check('grant', grant.state !== 'committed', expected, () => `it uses ${grant.subject}`);
      grant.isGivenUp = grant.state === 'open';
    }
  }

  /** The stream that has granted something knows that it was committed. */
  confirm(id: string): void {
    const grant = this.#grantOf(id);
    const expected = `grant ${id} was committed before that is confirmed`;
    check('grant', grant.state !== 'open', expected, 'nobody has committed it');
    grant.isConfirmed = true;
  }

  takeBack(id: string, subject: string, availableAtMs: number): void {
    const grant = this.#grantOf(id);
    check('grant', grant.subject === subject, `${subject} comes back`, `it is ${grant.subject}`);
    const isOver = grant.state === 'ended' || (grant.state === 'open' && this.#isFenced(id, grant));
    const expected = () => `${grant.project} has given up ${subject} before it is taken back`;
    check('grant', isOver, expected, `its grant is ${grant.state}`);
    const until = () => `${subject} rests until ${new Date(grant.untilMs).toISOString()}`;
    const early = () => `it is available at ${new Date(availableAtMs).toISOString()}`;
    check('release', availableAtMs >= grant.untilMs, until, early);
    this.#grants.delete(id);
    this.#byKey.delete(grant.key);
    const ofGeneration = this.#byGeneration.get(grant.generation);
    ofGeneration?.delete(id);
    if (ofGeneration?.size === 0) this.#byGeneration.delete(grant.generation);
  }

  /** Those that nobody has taken back. */
  get inForce(): string[] {
    return [...this.#grants.values()].map(
      ({ kind, project, subject, state }) => `${kind} ${subject} of ${project}: ${state}`,
    );
  }

  /** Work between streams that is under way: given or ended, or committed and not confirmed. */
  *openWork(): Generator<OpenWork> {
    for (const [id, grant] of this.#grants) {
      const { kind, project, subject, state, isConfirmed, isGivenUp } = grant;
      if (state === 'committed' && (kind !== 'hold' || isConfirmed)) continue;
      const isOver = state === 'ended' || isGivenUp;
      const stage = state === 'committed' ? 'Committed' : isOver ? 'Ended' : 'Granted';
      yield { id, project, subject, type: TYPES[kind] + stage };
    }
  }

  #isFenced(id: string, { project, generation }: Grant): boolean {
    return this.#closed.has(generation) || this.#abandoned.get(project)?.has(id) === true;
  }

  #grantOf(id: string): Grant {
    const grant = this.#grants.get(id);
    check('grant', grant !== undefined, `grant ${id} is in force`, 'there is no such grant');
    return grant;
  }
}
