import { isCollection } from 'immutable';

/** What every persistent collection can do: become one that is changed in place, and end that. */
interface Transient {
  asMutable(): unknown;
  asImmutable(): unknown;
}

/**
 * Folds many events into a state by the same rules as one at a time, and faster: the state's maps
 * are changed in place meanwhile. So a state in between is nobody's to see, and a rule must not
 * read from the state before what it has already changed in the state after.
 */
export class Replay<S extends object, E> {
  readonly #evolve: (state: S, event: E) => S;
  #state: S;

  /** Begins with a state, which stays as it is. */
  constructor(state: S, evolve: (state: S, event: E) => S) {
    this.#state = state;
    this.#evolve = evolve;
  }

  /** Applies events in order. */
  add(events: Iterable<E>): void {
    let state = withCollections(this.#state, (collection) => collection.asMutable());
    for (const event of events) state = this.#evolve(state, event);
    this.#state = state;
  }

  /** The state after all events, a value like any other; nothing may be added any more. */
  end(): S {
    return withCollections(this.#state, (collection) => collection.asImmutable());
  }
}

function withCollections<S extends object>(state: S, change: (one: Transient) => unknown): S {
  const changed = { ...state } as Record<string, unknown>;
  for (const [name, value] of Object.entries(changed)) {
    if (isCollection(value)) changed[name] = change(value as unknown as Transient);
  }
  return changed as S;
}
