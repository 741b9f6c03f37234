/** The rules that a log is held against, by name; README.md says what each is about. */
export type Rule =
  | 'overlap'
  | 'range'
  | 'counts'
  | 'release'
  | 'binding'
  | 'retention'
  | 'views'
  | 'isolation'
  | 'command'
  | 'grant'
  | 'object'
  | 'event';

type Text = string | (() => string);

/** Something that the ledger must never do, and has done. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: Rule;
  readonly expected: string;
  readonly found: string;

  constructor(rule: Rule, expected: string, found: string) {
    super(`${rule}: expected ${expected}, found ${found}`);
    this.rule = rule;
    this.expected = expected;
    this.found = found;
  }
}

/** Throws a Violation unless something holds. Texts that cost something are made when needed. */
export function check(rule: Rule, holds: boolean, expected: Text, found: Text): asserts holds {
  if (!holds) throw new Violation(rule, textOf(expected), textOf(found));
}

function textOf(text: Text): string {
  return typeof text === 'string' ? text : text();
}
