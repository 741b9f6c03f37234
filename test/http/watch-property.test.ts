import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Command } from '../ledger/commands.ts';
import { someCommands } from '../views/living-world.ts';
import { type Line, type Watch, watched } from './watching.ts';
import { GROUP } from './world.ts';

const PATHS = [
  `${GROUP}/namespaces/alpha/networkinterfaceclaims`,
  `${GROUP}/networkinterfaceclaims?labelSelector=app%3Dweb`,
  `${GROUP}/networkinterfaces`,
  `${GROUP}/namespaces/alpha/networkinterfaces?fieldSelector=status.phase%3DBound`,
  `${GROUP}/locations`,
  `${GROUP}/namespaces/alpha/networks?fieldSelector=metadata.name%3Dnet`,
] as const;

/** A command, or a watch that begins at one of the positions so far. */
type Step =
  | { readonly command: Command }
  | { readonly path: string; readonly start: number; readonly isNow: boolean };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: someCommands.map((command) => ({ command })) },
  {
    weight: 1,
    arbitrary: fc.record({
      path: fc.constantFrom(...PATHS),
      start: fc.nat(1_000),
      isNow: fc.boolean(),
    }),
  },
);

type Objects = Map<string, Line['object']>;
const keyOf = ({ metadata }: Line['object']) => `${metadata.namespace ?? ''}/${metadata.name}`;

/** What a client knows after these lines; fails where they do not fit what it knew. */
function followed(objects: Objects, lines: readonly Line[]): Objects {
  let last = 0n;
  for (const { type, object } of lines) {
    const key = keyOf(object);
    expect([key, type, objects.has(key)]).toEqual([key, type, type !== 'ADDED']);
    const version = BigInt(object.metadata.resourceVersion);
    expect(version > last).toBe(true);
    last = version;
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
  }
  return objects;
}

test('whoever lists and watches from there knows what is there', async () => {
  const { run, watch, list, views } = await watched({ chunkBytesMax: 1_500 });
  const listAt = async (path: string, at: bigint) => {
    const exact = `resourceVersion=${at}&resourceVersionMatch=Exact`;
    const { items } = await list(`${path}${path.includes('?') ? '&' : '?'}${exact}`);
    return new Map(items.map((one: Line['object']) => [keyOf(one), one])) as Objects;
  };
  const positions = [views.position];
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (all) => {
      const watches: { path: string; watch: Watch; objects: Objects }[] = [];
      for (const step of all) {
        if ('command' in step) {
          await run(step.command);
          positions.push(views.position);
          continue;
        }
        const { path, start, isNow } = step;
        const from = isNow ? views.position : (positions[start % positions.length] as bigint);
        const query = `watch=1&resourceVersion=${from}`;
        const one = await watch(`${path}${path.includes('?') ? '&' : '?'}${query}`);
        watches.push({ path, watch: one, objects: await listAt(path, from) });
      }
      for (const { path, watch, objects } of watches) {
        // Lines are on their way, and so is what a command calls for in other streams: both have
        // arrived when nothing is missing.
        const knowsAll = async () => {
          const now = await listAt(path, views.position);
          expect(followed(new Map(objects), watch.lines)).toEqual(now);
        };
        await vi.waitFor(knowsAll, { timeout: 20_000, interval: 10 });
        watch.stop();
      }
    }),
    { numRuns: 50 },
  );
});
