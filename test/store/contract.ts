import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { describeAppending } from './contract-appending.ts';
import { describeReading } from './contract-reading.ts';
import { describeSubscribing } from './contract-subscribing.ts';

/** One engine under test, begun anew and empty for each test. */
export interface Engine {
  readonly store: Store;
  /** What the store's clock shows. */
  now: Date;
  /** Closes the store and opens it again; absent where nothing outlives the process. */
  readonly reopen?: () => Promise<Store>;
  readonly dispose: () => Promise<void>;
}

/** Gives the engine of the test that runs. */
export type CurrentEngine = () => Engine;

/** What every engine does, over a factory of one of them. */
export function describeStore(name: string, begin: () => Promise<Engine>): void {
  describe(`the ${name} store`, () => {
    let engine: Engine;
    beforeEach(async () => {
      engine = await begin();
    });
    afterEach(() => engine.dispose());
    const current = () => engine;
    describeAppending(current);
    describeReading(current);
    describeSubscribing(current);
  });
}
