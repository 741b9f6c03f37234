import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { openViews } from '../../src/views/open-views.ts';
import { type Bench, type Figure, quantile, type Setting } from './bench.ts';
import { claimName, projectName } from './populate.ts';

const LOOK_UPS = 2_000;

/** Looking at the past, in a small ledger and a large one. */
export const lookUps: Bench = {
  name: 'look-ups',
  async run(setting: Setting) {
    const small = await measured(setting, 10_000);
    if (setting.quick) return small;
    const large = await measured(setting, 1_000_000);
    return small.flatMap((figure, index): Figure[] => {
      const other = large[index] as Figure;
      const { name, value } = figure;
      return [figure, { ...other, baseline: { name: name.replace(/.*, /, ''), value } }];
    });
  },
};

async function measured(setting: Setting, holdings: number): Promise<Figure[]> {
  // A dual-stack interface holds two addresses.
  const interfaces = holdings / 2;
  const { directory } = await setting.populated(interfaces, 1);
  const clock = () => new Date();
  const store = openSqliteStore({ directory, clock });
  const log = pino({ level: 'silent' });
  setting.say(`builds the views of ${interfaces} interfaces`);
  const views = await openViews({ store, directory, clock, log });
  await views.ready;
  setting.say('looks things up');
  const claims = interfaces / 250;
  const nameOf = (n: number) => claimName(n % 5, (n * 7919) % claims);
  // After it come the deletion of all interfaces and their second creation, four events each.
  const then = views.position - BigInt(8 * interfaces);
  const asOf = times((n) => {
    const found = views.getAt('NetworkInterface', projectName(n % 50), nameOf(n), then);
    if (found === undefined) throw new Error(`${nameOf(n)} is not there`);
  });
  await views.close();
  await store.close();
  const database = new DatabaseSync(join(directory, 'views.sqlite'), { readOnly: true });
  const blocks = database
    .prepare('SELECT pool, start FROM holdings WHERE host_bits = 0 ORDER BY random() LIMIT 2000')
    .all();
  // The address is in one block of its pool at a time: who held it then is found by its key.
  const history = database.prepare(
    `SELECT holder_name FROM holdings WHERE pool = ?1 AND start = ?2
      UNION ALL SELECT holder_name FROM holdings_past WHERE pool = ?1 AND start = ?2`,
  );
  const past = times((n) => {
    const block = blocks[n % blocks.length] as { pool: string; start: string };
    if (history.all(block.pool, block.start).length === 0) throw new Error('nobody held it');
  });
  database.close();
  const of = `${holdings.toLocaleString('en')} holdings`;
  return [
    { name: `an interface asOf a position, ${of}`, value: asOf, unit: 'us' },
    { name: `who held an address and when (rows), ${of}`, value: past, unit: 'us' },
  ];
}

/** Median microseconds of a look-up. */
function times(lookUp: (n: number) => void): number {
  const costs: number[] = [];
  for (let n = 0; n < LOOK_UPS; n += 1) {
    const startMs = performance.now();
    lookUp(n);
    costs.push((performance.now() - startMs) * 1_000);
  }
  return quantile(costs, 0.5);
}
