import { formatPrefix, parsePrefix } from '../../src/addressing/prefix.ts';
import { findBlock, type PoolSpace, poolRange, takeFrom } from '../../src/ledger/pool-space.ts';
import { type Bench, type Figure, quantile } from './bench.ts';

const LENGTH = 128;
/** Many and short: what else runs on the machine then disturbs some of them, and not the median. */
const ROUNDS = 200;
/** Allocations tried on one state; each is dropped again, so that the state stays. */
const TRIES = 1_000;

/** What finding and taking the next block costs, whatever is held: in a pool of one project. */
export const allocation: Bench = {
  name: 'allocation',
  async run({ quick, say }) {
    const most = quick ? 100_000 : 1_000_000;
    const held = [0, 1_000, 100_000, 1_000_000].filter((n) => n <= most);
    const pools = held.map((n) => {
      say(`fills a pool with ${n} holdings`);
      return { name: `${n.toLocaleString('en')} holdings`, pool: filled('fd20::/64', n) };
    });
    // A /108 has 1,048,576 addresses.
    const size = quick ? 2 ** 14 : 2 ** 20;
    const range = quick ? 'fd20::/114' : 'fd20::/108';
    say('fills pools to the brim');
    pools.push({ name: '50 % full', pool: filled(range, size / 2) });
    pools.push({ name: '99 % full', pool: filled(range, Math.floor(size * 0.99)) });
    pools.push({ name: '50 % full, every other address', pool: filled(range, size, 2) });
    say('measures');
    const costs = measured(pools.map(({ pool }) => pool));
    const base = costs[held.indexOf(1_000)] as number;
    return pools.map(({ name }, index): Figure => {
      const isLargest = index === held.length - 1;
      return {
        name: `allocation, ${name}`,
        value: costs[index] as number,
        unit: 'us',
        baseline: { name: '1,000 holdings', value: base },
        ...(isLargest ? { target: { of: 'ratio', atMost: 1.2 } } : {}),
      };
    });
  },
};

function filled(range: string, count: number, step = 1): PoolSpace {
  let pool: PoolSpace = {
    ...{ name: 'bench', className: 'bench', family: 'IPv6', scope: {}, parent: undefined },
    ...{ ranges: [poolRange(range, 0, undefined)], held: 0, children: 0 },
  };
  const { start } = parsePrefix(range);
  for (let n = 0; n < count; n += step) {
    const block = { family: 'IPv6', start: start + BigInt(n), length: LENGTH } as const;
    pool = takeFrom(pool, block, 0);
  }
  return pool;
}

/** Median microseconds of one allocation in each of the pools, which are measured in turns. */
function measured(pools: readonly PoolSpace[]): number[] {
  const rounds = pools.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, pool] of pools.entries()) rounds[index]?.push(costOf(pool));
  }
  return rounds.map((costs) => quantile(costs, 0.5));
}

function costOf(pool: PoolSpace): number {
  let texts = 0;
  const startMs = performance.now();
  for (let n = 0; n < TRIES; n += 1) {
    const block = findBlock(pool, LENGTH, 0);
    if (block === undefined) throw new Error('there is no room');
    takeFrom(pool, block, 0);
    texts += formatPrefix(block).length;
  }
  if (texts === 0) throw new Error('nothing was allocated');
  return ((performance.now() - startMs) * 1_000) / TRIES;
}
