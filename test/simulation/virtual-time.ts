import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';
import type { Seeded } from './seeded.ts';

/** Whose work a piece of work is: a ledger process, the store, or the world around them. */
export type Owner = string;

type Work = () => void;

class Timer {
  readonly owner: Owner;
  readonly atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly work: Work;
  isCleared = false;

  constructor(owner: Owner, atMs: number, order: number, everyMs: number | undefined, work: Work) {
    this.owner = owner;
    this.atMs = atMs;
    this.order = order;
    this.everyMs = everyMs;
    this.work = work;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  isBefore(other: Timer): boolean {
    return this.atMs === other.atMs ? this.order < other.order : this.atMs < other.atMs;
  }
}

/**
 * Time and turns of the event loop as a seed orders them. While it is installed every timer and
 * every `setImmediate` of the program comes here, and runs when its turn has come: those of one
 * process in the order in which it asked for them, those of different processes in any order. So
 * the same seed always gives the same run, no waiting takes real time, and a process that crashes
 * is one whose turns never come.
 *
 * Nothing of the program does real input or output in a simulation, so between two turns only
 * promises settle, all of them before the next turn.
 */
export class VirtualTime {
  nowMs: number;
  /** Turns taken. */
  turns = 0;
  #current: Owner = 'world';
  readonly #random: Seeded;
  readonly #ready = new Map<Owner, Work[]>();
  /** A binary heap, the earliest first. */
  readonly #timers: Timer[] = [];
  readonly #dead = new Set<Owner>();
  #order = 0;

  constructor(startMs: number, random: Seeded) {
    this.nowMs = startMs;
    this.#random = random;
  }

  /** Puts itself in the place of the platform's timers. Gives the way to undo that. */
  install(): () => void {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval } = globalThis;
    const real = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval };
    const realTurn = timersPromises.setImmediate;
    const clear = (timer: unknown) => {
      if (timer instanceof Timer) timer.isCleared = true;
      else if (timer !== undefined) real.clearTimeout(timer as NodeJS.Timeout);
    };
    Object.assign(globalThis, {
      setTimeout: (work: Work, delayMs = 0) => this.#add(this.#current, delayMs, work),
      setInterval: (work: Work, everyMs: number) => {
        return this.#add(this.#current, everyMs, work, everyMs);
      },
      setImmediate: (work: Work) => this.post(this.#current, work),
      clearTimeout: clear,
      clearInterval: clear,
    });
    const turn = <T>(value?: T) => {
      return new Promise<T>((resolve) => this.post(this.#current, () => resolve(value as T)));
    };
    timersPromises.setImmediate = turn as typeof realTurn;
    syncBuiltinESMExports();
    return () => {
      Object.assign(globalThis, real);
      timersPromises.setImmediate = realTurn;
      syncBuiltinESMExports();
    };
  }

  /** Has work done in a later turn of its owner. */
  post(owner: Owner, work: Work): void {
    if (this.#dead.has(owner)) return;
    const queue = this.#ready.get(owner);
    if (queue === undefined) this.#ready.set(owner, [work]);
    else queue.push(work);
  }

  /** Has work done in a turn of its owner after a while. */
  later(owner: Owner, delayMs: number, work: Work): void {
    if (delayMs <= 0) this.post(owner, work);
    else this.#add(owner, delayMs, work);
  }

  /** Resolves in a turn of its owner after a while. */
  pause(owner: Owner, delayMs: number): Promise<void> {
    return new Promise((resolve) => this.later(owner, delayMs, resolve));
  }

  /** Does something at once, as work of this owner. */
  as<T>(owner: Owner, work: () => T): T {
    const before = this.#current;
    this.#current = owner;
    try {
      return work();
    } finally {
      this.#current = before;
    }
  }

  /** No turn of this owner comes any more. */
  kill(owner: Owner): void {
    this.#dead.add(owner);
    this.#ready.delete(owner);
  }

  /**
   * Takes the next turn, at an instant no later than the given one, and lets what it has settled
   * go on. False when there is none: then it is that instant.
   */
  async turn(untilMs: number): Promise<boolean> {
    if (this.#ready.size === 0 && !this.#wakeTimers(untilMs)) {
      this.nowMs = Math.max(this.nowMs, untilMs);
      return false;
    }
    const owner = this.#random.pick([...this.#ready.keys()]);
    const queue = this.#ready.get(owner) as Work[];
    const work = queue.shift() as Work;
    if (queue.length === 0) this.#ready.delete(owner);
    this.turns += 1;
    this.#current = owner;
    work();
    await settled();
    this.#current = 'world';
    return true;
  }

  /** Makes the timers that are due next ready. */
  #wakeTimers(untilMs: number): boolean {
    while (this.#ready.size === 0) {
      const first = this.#timers[0];
      if (first === undefined || first.atMs > untilMs) return false;
      this.#removeFirst();
      if (first.isCleared || this.#dead.has(first.owner)) continue;
      this.nowMs = Math.max(this.nowMs, first.atMs);
      this.post(first.owner, () => {
        if (first.isCleared) return;
        first.work();
        if (first.everyMs !== undefined) this.#again(first, first.everyMs);
      });
    }
    return true;
  }

  #add(owner: Owner, delayMs: number, work: Work, everyMs?: number): Timer {
    this.#order += 1;
    const atMs = this.nowMs + Math.max(1, delayMs);
    const timer = new Timer(owner, atMs, this.#order, everyMs, work);
    this.#push(timer);
    return timer;
  }

  /** An interval goes on under the handle that it is cleared by. */
  #again(timer: Timer, everyMs: number): void {
    this.#add(timer.owner, everyMs, () => {
      if (timer.isCleared) return;
      timer.work();
      this.#again(timer, everyMs);
    });
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!timer.isBefore(heap[above] as Timer)) break;
      heap[at] = heap[above] as Timer;
      at = above;
    }
    heap[at] = timer;
  }

  #removeFirst(): void {
    const heap = this.#timers;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const right = below + 1;
      if (right < heap.length && (heap[right] as Timer).isBefore(heap[below] as Timer)) {
        below = right;
      }
      if (below >= heap.length || !(heap[below] as Timer).isBefore(last)) break;
      heap[at] = heap[below] as Timer;
      at = below;
    }
    heap[at] = last;
  }
}

const nextRealTurn = setImmediate;

/** Resolves when every promise that can settle has done so. */
function settled(): Promise<void> {
  return new Promise((resolve) => nextRealTurn(resolve));
}
