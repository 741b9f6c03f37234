import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import { builtInPlan } from '../../src/ledger/plan.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { openViews } from '../../src/views/open-views.ts';
import { type Bench, type Setting, secondsOf } from './bench.ts';
import { projectName } from './populate.ts';

/** What a log is read into: the writers' state of every project, and the views. */
export const rebuild: Bench = {
  name: 'rebuild',
  async run(setting: Setting) {
    const { quick, say } = setting;
    const interfaces = quick ? 10_000 : 200_000;
    const { directory, projects, events } = await setting.populated(interfaces);
    const clock = () => new Date();
    const store = openSqliteStore({ directory, clock });
    const log = pino({ level: 'silent' });
    say('reads every project');
    const world = { store, log, clock, newId: () => '', random: () => 0 };
    const deps = { ...world, viewed: async () => {}, answered: () => undefined };
    const ledger = await Ledger.open(deps, builtInPlan(), false);
    const replaySeconds = await secondsOf(async () => {
      for (let n = 0; n < projects; n += 1) await ledger.projectState(projectName(n));
    });
    await ledger.close();
    rmSync(join(directory, 'views.sqlite'), { force: true });
    say('builds the views');
    const rebuildSeconds = await secondsOf(async () => {
      const views = await openViews({ store, directory, clock, log });
      await views.ready;
      await views.close();
    });
    await store.close();
    return [
      {
        name: 'replay: from the log to the writers state',
        value: events / replaySeconds,
        unit: 'events/s',
        target: { of: 'value', atLeast: 200_000 },
      },
      {
        name: 'rebuild of all views, their file written',
        value: events / rebuildSeconds,
        unit: 'events/s',
        target: { of: 'value', atLeast: 50_000 },
      },
    ];
  },
};
