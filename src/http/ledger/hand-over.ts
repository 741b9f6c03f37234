interface HandOver<T> {
  /** Items in work at the same time. */
  readonly inFlightMax: number;
  /** What an item is about: of two about the same the second waits for the first. */
  readonly subjectOf: (item: T) => string | undefined;
  /** Hands an item over before it returns; resolves when the item is done, and never rejects. */
  readonly run: (item: T, index: number) => Promise<void>;
}

/**
 * Hands items over in their order without waiting for answers, but for two bounds: so many are in
 * work at once, and never two about the same thing. Resolves when all are done.
 */
export async function handOver<T>(
  items: readonly T[],
  { inFlightMax, subjectOf, run }: HandOver<T>,
): Promise<void> {
  const busy = new Set<string>();
  let inFlight = 0;
  let wake = () => {};
  const nextDone = () => new Promise<void>((resolve) => (wake = resolve));
  for (const [index, item] of items.entries()) {
    const subject = subjectOf(item);
    while (inFlight >= inFlightMax || (subject !== undefined && busy.has(subject))) {
      await nextDone();
    }
    inFlight += 1;
    if (subject !== undefined) busy.add(subject);
    run(item, index).then(() => {
      inFlight -= 1;
      if (subject !== undefined) busy.delete(subject);
      wake();
    });
  }
  while (inFlight > 0) await nextDone();
}
