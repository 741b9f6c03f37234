/** How many of something each subject has at a time. */
export class SubjectCounts {
  readonly #counts = new Map<string, number>();

  of(subject: string): number {
    return this.#counts.get(subject) ?? 0;
  }

  /** Counts one more, or so many. Gives the way to count it no longer. */
  add(subject: string, count = 1): () => void {
    this.#counts.set(subject, this.of(subject) + count);
    return () => {
      const left = this.of(subject) - count;
      if (left > 0) this.#counts.set(subject, left);
      else this.#counts.delete(subject);
    };
  }
}
