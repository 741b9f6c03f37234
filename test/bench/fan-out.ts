import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { bodies, paths, send } from '../faults/process.ts';
import { type Bench, quantile } from './bench.ts';
import { LOCATIONS, locationOf, PROJECT, startWithProject } from './service-under-load.ts';

const WATCHES = 1_000;
const CLAIMS_PER_SECOND = 1_000;
const TICK_MS = 20;
const LABEL = 'networking.datumapis.com%2Flocation';

/**
 * Providers that watch the interfaces of their location while claims are made at a steady rate:
 * how long after a claim was sent each watch has its interface.
 */
export const fanOut: Bench = {
  name: 'fan-out',
  async run({ quick, say, newDirectory }) {
    const seconds = quick ? 3 : 15;
    const { service } = await startWithProject(newDirectory());
    const before = service.memoryMiB();
    const sentAtMs = new Map<string, number>();
    const lags: number[] = [];
    try {
      say(`begins ${WATCHES} watches`);
      const { resourceVersion } = (await send(service.url, 'GET', interfaces)).body.metadata;
      const watches = await Promise.all(
        Array.from({ length: WATCHES }, (_, n) =>
          watch(service.url, locationOf(n), resourceVersion, (name) => {
            lags.push(performance.now() - (sentAtMs.get(name) ?? Number.NaN));
          }),
        ),
      );
      const made = await makeClaims(service.url, seconds, sentAtMs, say);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const memory = service.memoryMiB();
      for (const socket of watches) socket.destroy();
      const perClaim = WATCHES / LOCATIONS;
      if (lags.length !== made.claims * perClaim) {
        throw new Error(`${lags.length} events of ${made.claims} claims to ${perClaim} watches`);
      }
      const of = `${WATCHES} watches, ${LOCATIONS} locations`;
      return [
        { name: `claims made, ${of}`, value: made.claims / made.seconds, unit: 'claims/s' },
        { name: 'watch lag, p50', value: quantile(lags, 0.5), unit: 'ms' },
        {
          name: 'watch lag, p99',
          value: quantile(lags, 0.99),
          unit: 'ms',
          target: { of: 'value', atMost: 100 },
        },
        {
          name: 'memory with the watches',
          value: memory,
          unit: 'MiB',
          baseline: { name: 'before', value: before },
        },
      ];
    } finally {
      await service.stop();
    }
  },
};

const interfaces = '/apis/networking.datumapis.com/v1alpha/networkinterfaces';

/** One watch on a plain socket: a client library would take what is to be measured. */
function watch(url: string, location: string, from: string, seen: (name: string) => void) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const query = `watch=true&resourceVersion=${from}&labelSelector=${LABEL}%3D${location}`;
  socket.write(`GET ${interfaces}?${query} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
  socket.setEncoding('latin1');
  let rest = '';
  const { promise, resolve, reject } = Promise.withResolvers<typeof socket>();
  socket.on('error', reject);
  socket.on('data', (chunk) => {
    resolve(socket);
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('{"type":"ADDED"')) continue;
      seen(/"metadata":\{"name":"([^"]+)"/.exec(line)?.[1] ?? '');
    }
  });
  return promise;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function post(url: string, body: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { 'content-type': 'application/json' };
  const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
    answer.resume().on('end', () => {
      if (answer.statusCode === 201) resolve();
      else reject(new Error(`a claim was answered ${answer.statusCode}`));
    });
  });
  sent.on('error', reject).end(JSON.stringify(body));
  return promise;
}

/** Sends claims at a steady rate until the time is over. */
async function makeClaims(
  url: string,
  seconds: number,
  sentAtMs: Map<string, number>,
  say: (text: string) => void,
): Promise<{ claims: number; seconds: number }> {
  const path = paths.of(PROJECT, 'networkinterfaceclaims');
  const startMs = performance.now();
  const answers: Promise<void>[] = [];
  let claims = 0;
  for (;;) {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs > seconds * 1_000) break;
    const due = Math.floor((elapsedMs / 1_000) * CLAIMS_PER_SECOND);
    for (; claims < due; claims += 1) {
      const name = `w-${claims}`;
      sentAtMs.set(name, performance.now());
      answers.push(post(url + path, bodies.claim(name, locationOf(claims))));
    }
    say(`${claims} claims`);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(answers);
  return { claims, seconds: (performance.now() - startMs) / 1_000 };
}
