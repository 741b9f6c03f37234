/** Something that the ledger must never do, and has done. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Throws a Violation unless something holds. The problem is only put into words when asked for. */
export function check(holds: boolean, problem: string | (() => string)): asserts holds {
  if (!holds) throw new Violation(typeof problem === 'string' ? problem : problem());
}
