import { join } from 'node:path';
import { ROOT } from '../tidy/sources.ts';
import type { Bench, Figure } from './bench.ts';
import { batchedPerSecond, claimsPerSecond, TOOL } from './load.ts';
import { NodeProcess } from './node-process.ts';
import { ProcessorTime } from './processor-time.ts';
import { startWithProject } from './service-under-load.ts';

const BATCH = 1_000;

/** Durable dual-stack claims a second, each turn beside a server that only reads and answers. */
export const claimsOverHttp: Bench = {
  name: 'claims-over-http',
  async run({ quick, say, newDirectory }) {
    const seconds = quick ? 2 : 8;
    const directory = newDirectory();
    const { service, answer } = await startWithProject(directory);
    const script = join(ROOT, 'test', 'bench', 'bare-server.ts');
    const bare = await NodeProcess.start(script, [answer]);
    const figures: Figure[] = [];
    try {
      const single = { seconds, directory };
      for (const connections of [1, 16, 64, 256]) {
        const turns = [0, 1].map((turn) => ({ turn, prefix: `c${connections}-${turn}` }));
        const [ours, theirs] = [[] as number[], [] as number[]];
        const [ourTime, theirTime] = [new ProcessorTime(service), new ProcessorTime(bare)];
        // In turns, since what else the machine does changes.
        for (const { prefix } of turns) {
          say(`${connections} connections by ${TOOL}`);
          const load = { ...single, connections, prefix, seconds: seconds / turns.length };
          const rateOf = (url: string) => () => claimsPerSecond({ ...load, url });
          theirs.push(await theirTime.during(rateOf(bare.url)));
          ours.push(await ourTime.during(rateOf(service.url)));
        }
        figures.push({
          name: `claims, one a request, ${connections} connections (${TOOL})`,
          value: mean(ours),
          unit: 'claims/s',
          baseline: { name: 'bare Fastify + zod', value: mean(theirs) },
          ...(connections === 64 ? { target: { of: 'ratio', atLeast: 0.5 } } : {}),
        });
        if (connections !== 64) continue;
        figures.push(...ourTime.figures(`one a request, ${connections} connections`, theirTime));
      }
      say(`${BATCH} claims a request`);
      const load = { ...single, url: service.url, connections: 2, prefix: 'batch' };
      const time = new ProcessorTime(service);
      figures.push({
        name: `claims, ${BATCH} a request, 2 connections`,
        value: await time.during(() => batchedPerSecond(load, BATCH)),
        unit: 'claims/s',
        target: { of: 'value', atLeast: 15_000 },
      });
      figures.push(...time.figures(`${BATCH} a request`));
      figures.push({ name: 'memory after it', value: service.memoryMiB(), unit: 'MiB' });
      return figures;
    } finally {
      await Promise.all([service.stop(), bare.stop()]);
    }
  },
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
