import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { bodies, paths } from '../faults/process.ts';
import { LOCATIONS, locationOf, PROJECT } from './service-under-load.ts';

const CLAIMS = paths.of(PROJECT, 'networkinterfaceclaims');

/** The tool that makes the load. wrk takes less of the processor away from what is measured. */
export const TOOL = (process.env.PATH ?? '').split(':').some((one) => existsSync(join(one, 'wrk')))
  ? 'wrk'
  : 'autocannon';

export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Goes before the claims' names, so that no two loads make the same. */
  readonly prefix: string;
  /** Where a script can be written. */
  readonly directory: string;
}

/** Creates claims as fast as they are answered; gives how many a second. */
export function claimsPerSecond(load: Load): Promise<number> {
  return TOOL === 'wrk' ? byWrk(load) : byAutocannon(load);
}

async function byWrk({ url, connections, seconds, prefix, directory }: Load): Promise<number> {
  const claim = JSON.stringify(bodies.claim(`${prefix}-@N`, 'location-@L'));
  const script = join(directory, `${prefix}.lua`);
  const body = claim.replace('@N', "'..n..'").replace('@L', `'..(n % ${LOCATIONS})..'`);
  writeFileSync(
    script,
    `local n = 0
wrk.method = "POST"
wrk.path = "${CLAIMS}"
wrk.headers["content-type"] = "application/json"
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, '${body}')
end`,
  );
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (stdout.includes('Non-2xx')) throw new Error(`some claims were refused:\n${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}

async function byAutocannon({ url, connections, seconds, prefix }: Load): Promise<number> {
  let n = 0;
  const setupRequest = (request: autocannon.Request) => {
    n += 1;
    return { ...request, body: JSON.stringify(bodies.claim(`${prefix}-${n}`, locationOf(n))) };
  };
  const headers = { 'content-type': 'application/json' };
  const requests = [{ method: 'POST' as const, path: CLAIMS, headers, setupRequest }];
  const result = await autocannon({ url, connections, duration: seconds, requests });
  if (result.non2xx > 0) throw new Error(`${result.non2xx} claims were refused`);
  return result.requests.average;
}

/** The same with so many claims in a request, two requests at a time. */
export async function batchedPerSecond(
  { url, seconds, prefix }: Load,
  size: number,
): Promise<number> {
  let made = 0;
  let answered = 0;
  const endMs = performance.now() + seconds * 1_000;
  const startMs = performance.now();
  const bodyOf = () => {
    const items = Array.from({ length: size }, () => {
      made += 1;
      const claim = bodies.claim(`${prefix}-${made}`, locationOf(made));
      return { create: { ...claim, metadata: { ...claim.metadata, namespace: PROJECT } } };
    });
    return JSON.stringify({ items });
  };
  const one = async () => {
    while (performance.now() < endMs) {
      const headers = { 'content-type': 'application/json' };
      const body = bodyOf();
      const target = `${url}/ledger/v1/claims:batch`;
      const text = await (await fetch(target, { method: 'POST', headers, body })).text();
      const created = text.split('{"code":201,').length - 1;
      if (created !== size) throw new Error(`only ${created} of ${size} claims were created`);
      answered += size;
    }
  };
  await Promise.all([one(), one()]);
  return answered / ((performance.now() - startMs) / 1_000);
}
