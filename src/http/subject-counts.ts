/** How many of something each subject has at a time. */
export class SubjectCounts {
  readonly #counts = new Map<string, number>();

  of(subject: string): number {
    return this.#counts.get(subject) ?? 0;
  }

  /** Counts one more. Gives the way to count it no longer. */
  add(subject: string): () => void {
    this.#counts.set(subject, this.of(subject) + 1);
    return () => {
      const left = this.of(subject) - 1;
      if (left > 0) this.#counts.set(subject, left);
      else this.#counts.delete(subject);
    };
  }
}
