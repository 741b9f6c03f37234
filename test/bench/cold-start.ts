import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, type Figure, type Setting, secondsOf } from './bench.ts';
import type { NodeProcess } from './node-process.ts';
import { startService } from './service-under-load.ts';

/** From the command to the first answer: with views, and with views that have to be built. */
export const coldStart: Bench = {
  name: 'cold-start',
  async run(setting: Setting) {
    const interfaces = setting.quick ? 10_000 : 1_000_000;
    const { directory } = await setting.populated(interfaces);
    const figures: Figure[] = [];
    const of = `${interfaces.toLocaleString('en')} interfaces`;
    const start = async (name: string, target?: Figure['target']) => {
      setting.say(name);
      let service: NodeProcess | undefined;
      const value = await secondsOf(async () => {
        service = await startService(directory);
        await fetch(`${service.url}/readyz`);
      });
      figures.push({ name, value, unit: 's', ...(target === undefined ? {} : { target }) });
      const memory = service?.memoryMiB() ?? Number.NaN;
      figures.push({ name: `memory after it, ${of}`, value: memory, unit: 'MiB' });
      await service?.stop();
    };
    rmSync(join(directory, 'views.sqlite'), { force: true });
    await start(`cold start without views, ${of}`);
    await start(`cold start, ${of}`, { of: 'value', atMost: 10 });
    return figures;
  },
};
