import { join } from 'node:path';
import { bodies, paths, send } from '../faults/process.ts';
import { ROOT } from '../tidy/sources.ts';
import { NodeProcess } from './node-process.ts';

export const PROJECT = 'bench';
/** A /20 has room for 4,092 addresses: so many subnets let a run go on for a while. */
export const LOCATIONS = 50;
export const locationOf = (n: number) => `location-${n % LOCATIONS}`;

export function startService(data: string, further: readonly string[] = []): Promise<NodeProcess> {
  const flags = ['--insecure-http', '--listen', '127.0.0.1:0', '--log-level', 'error', ...further];
  return NodeProcess.start(join(ROOT, 'src', 'bin.js'), ['serve', '--data', data, ...flags]);
}

/** A service with a project that is present at every location. Gives a claim's answer, too. */
export async function startWithProject(
  data: string,
): Promise<{ service: NodeProcess; answer: string }> {
  const service = await startService(data);
  const post = async (path: string, body: unknown) => {
    const { code, body: answer } = await send(service.url, 'POST', path, body);
    if (code !== 201) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  await post(paths.namespaces, bodies.named(PROJECT));
  await post(paths.of(PROJECT, 'networks'), bodies.network('default'));
  let answer: unknown;
  for (let n = 0; n < LOCATIONS; n += 1) {
    await post(paths.locations, { ...bodies.named(locationOf(n)), spec: {} });
    const claim = bodies.claim(`first-${n}`, locationOf(n));
    answer = await post(paths.of(PROJECT, 'networkinterfaceclaims'), claim);
  }
  return { service, answer: JSON.stringify(answer) };
}
