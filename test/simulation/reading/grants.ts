import { check } from './check.ts';

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
}

/**
 * Grants between streams. A grant is committed at most once, by the project and generation that it
 * was given to, and taken back only when its use has ended or can never begin.
 */
export class NaiveGrants {
  readonly #grants = new Map<string, Grant>();
  readonly #abandoned = new Map<string, Set<string>>();
  readonly #closed = new Set<string>();

  give(id: string, grant: Omit<Grant, 'state' | 'untilMs'>): void {
    check(!this.#grants.has(id), `grant ${id} is given twice`);
    for (const other of this.#grants.values()) {
      const isSame = other.key === grant.key;
      check(!isSame, () => `${grant.key} is given ${other.subject} and ${grant.subject}`);
    }
    this.#grants.set(id, { ...grant, state: 'open', untilMs: 0 });
  }

  commit(id: string, project: string, generation: string | undefined, subject: string): void {
    const grant = this.#grantOf(id);
    check(grant.state === 'open', `grant ${id} of ${subject} is committed and is ${grant.state}`);
    check(!this.#isFenced(id, grant), `grant ${id} of ${subject} is committed after its fence`);
    check(grant.project === project, `${project} commits what ${grant.project} was granted`);
    check(grant.generation === generation, `${subject} was granted to another generation`);
    check(grant.subject === subject, `${subject} is committed, ${grant.subject} was granted`);
    grant.state = 'committed';
  }

  /** Another presence stands on a join. */
  commitAgain(id: string, project: string, generation: string | undefined, subject: string): void {
    if (this.#grantOf(id).state === 'open') this.commit(id, project, generation, subject);
    else check(this.#grantOf(id).state === 'committed', `${subject} names a join that has ended`);
  }

  end(id: string, subject: string, untilMs: number): void {
    const grant = this.#grantOf(id);
    check(grant.state === 'committed', `grant ${id} of ${subject} ends and is ${grant.state}`);
    check(grant.subject === subject, `${subject} ends the grant of ${grant.subject}`);
    grant.state = 'ended';
    grant.untilMs = untilMs;
  }

  abandon(id: string, project: string): void {
    const grant = this.#grants.get(id);
    const isFree = grant === undefined || grant.project !== project || grant.state === 'open';
    check(isFree, `grant ${id} of ${grant?.subject} is abandoned and is ${grant?.state}`);
    const ids = this.#abandoned.get(project);
    if (ids === undefined) this.#abandoned.set(project, new Set([id]));
    else ids.add(id);
  }

  /** A project has closed: nothing that was granted to this generation can be committed. */
  close(generation: string): void {
    this.#closed.add(generation);
    for (const grant of this.#grants.values()) {
      const isLeft = grant.generation === generation && grant.state === 'committed';
      check(!isLeft, () => `the project closes while it uses ${grant.subject}`);
    }
  }

  /** What a stream that has confirmed a grant may rest on. */
  checkCommitted(id: string): void {
    check(this.#grantOf(id).state !== 'open', `grant ${id} is confirmed and was not committed`);
  }

  takeBack(id: string, subject: string, availableAtMs: number): void {
    const grant = this.#grantOf(id);
    check(grant.subject === subject, `${subject} is taken back by the grant of ${grant.subject}`);
    const isOver = grant.state === 'ended' || (grant.state === 'open' && this.#isFenced(id, grant));
    check(isOver, `${subject} is taken back from ${grant.project} while it is ${grant.state}`);
    check(availableAtMs >= grant.untilMs, `${subject} is back before it has rested`);
    this.#grants.delete(id);
  }

  /** Those that nobody has taken back. */
  get inForce(): string[] {
    return [...this.#grants.values()].map(
      ({ kind, project, subject, state }) => `${kind} ${subject} of ${project}: ${state}`,
    );
  }

  #isFenced(id: string, { project, generation }: Grant): boolean {
    return this.#closed.has(generation) || this.#abandoned.get(project)?.has(id) === true;
  }

  #grantOf(id: string): Grant {
    const grant = this.#grants.get(id);
    check(grant !== undefined, `nobody has given grant ${id}`);
    return grant;
  }
}
