import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { Tokens } from '../../src/security/tokens.ts';
import { guarded, populate } from '../http/auth/guarded.ts';
import { loggerTo } from '../http/living-deps.ts';
import { type Document, type FuzzRequest, requestsOf, WATCH_TIME } from './requests.ts';

/** How long it goes on; longer finds more. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 20);
/** In which every answer has to end: far beyond what any takes, watches included. */
const ANSWER_MS_MAX = 20_000;
const WATCHES_MAX = 500;

/** Steps of a refused attempt that may stay in the streams of pools, as they are documented. */
const STEPS = new Set(['AddressHeld', 'AddressUnheld', 'PrefixCarved', 'PrefixReturned']);

const agent = new Agent({ keepAlive: true });

interface Answered {
  readonly operation: string;
  readonly code: number;
  readonly tookMs: number;
}

async function fuzzedWorld() {
  const place = mkdtempSync(join(tmpdir(), 'netalloc-fuzz-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const faults: string[] = [];
  const tokens = new Tokens(join(place, 'tokens.json'), {
    clock: () => new Date(Date.UTC(2026, 0, 1)),
    randomBytes,
    onFault: (fault) => faults.push(String(fault)),
  });
  // By its id what was stored for a request is found: the ledger also works by itself.
  const ids = { all: 0, ofRequest: new Set<string>() };
  const newId = () => {
    ids.all += 1;
    const id = uuidOf('fuzz', ids.all);
    ids.ofRequest.add(id);
    return id;
  };
  const world = await guarded({ tokens, newId, logger: loggerTo(faults, 'error') });
  await populate(world, ['alpha', 'beta']);
  const projects = [world.generation('alpha')];
  world.be('operator', { role: 'operator' });
  world.be('auditor', { role: 'auditor' });
  world.be('compute', { role: 'compute', projects });
  world.be('provider', { role: 'provider', locations: ['dfw'] });
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = world.app.server.address() as AddressInfo;
  return { ...world, faults, ids, port };
}

type FuzzedWorld = Awaited<ReturnType<typeof fuzzedWorld>>;

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

/** Sends a request as it is; rejects when its answer has no end. */
function answerOf({ port }: FuzzedWorld, request: FuzzRequest): Promise<Answer> {
  const { method, url: path, headers, body = Buffer.alloc(0), role } = request;
  return new Promise((resolve, reject) => {
    const sent = send({
      ...{ host: '127.0.0.1', port, method, path, agent },
      headers: { ...headers, authorization: `Bearer ${role}`, 'content-length': body.length },
    });
    const cut = setTimeout(() => sent.destroy(new Error('its answer has no end')), ANSWER_MS_MAX);
    sent.on('error', (fault) => {
      clearTimeout(cut);
      reject(new Error(`${method} ${path} as ${role}: ${fault.message}`));
    });
    sent.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('close', () => {
        clearTimeout(cut);
        const type = String(response.headers['content-type']);
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ code: response.statusCode ?? 0, type, body: text });
      });
    });
    sent.end(body);
  });
}

/** What was stored for the request that is under way. */
async function storedFor({ store, ids }: FuzzedWorld, after: bigint): Promise<readonly string[]> {
  const stored: string[] = [];
  for await (const { type, stream, metadata } of store.readAll(after)) {
    if (STEPS.has(type) || !ids.ofRequest.has(String(metadata.$correlationId))) continue;
    stored.push(`${type} in ${stream}`);
  }
  return stored;
}

/** What is wrong with an answer; undefined when it is as it should be. */
function problemWith(answer: Answer, { method }: FuzzRequest): string | undefined {
  const { code, type, body } = answer;
  if (code < 400) return undefined;
  // Answers without a body: to HEAD, and Node's own to what is expected and cannot be met.
  if (method === 'HEAD' || code === 417) {
    return code < 500 || code === 504 ? undefined : 'is a fault of the server';
  }
  const status = type.startsWith('application/json') ? JSON.parse(body) : undefined;
  if (status?.kind !== 'Status' || status.code !== code) return 'is no Status of its code';
  if (code < 500 || (code === 507 && status.reason === 'Exhausted')) return undefined;
  const causes = (status.details?.causes ?? []) as { reason: string }[];
  // A version that the log has not come to is said so by 504, as upstream says it.
  if (code === 504 && causes[0]?.reason === 'ResourceVersionTooLarge') return undefined;
  return 'is a fault of the server';
}

function report(answered: readonly Answered[]): string {
  const codes = Map.groupBy(answered, ({ code }) => code);
  const counts = [...codes].sort(([one], [other]) => one - other);
  const times = answered.map(({ tookMs }) => tookMs).sort((one, other) => one - other);
  const at = (share: number) => times[Math.floor((times.length - 1) * share)]?.toFixed(1);
  const slowest = answered.toSorted((one, other) => other.tookMs - one.tookMs).slice(0, 3);
  return [
    `${answered.length} requests: ${counts.map(([code, all]) => `${code} ${all.length}`).join(', ')}`,
    `milliseconds: p50 ${at(0.5)}, p99 ${at(0.99)}, slowest ${slowest
      .map(({ operation, tookMs }) => `${tookMs.toFixed(0)} (${operation})`)
      .join(', ')}`,
  ].join('\n');
}

test('whatever is sent is answered in the closed list of ways, and stores nothing when refused', {
  timeout: (SECONDS + 60) * 1_000,
}, async () => {
  const world = await fuzzedWorld();
  const { body: document } = await world.operator.get('/openapi.json');
  const answered: Answered[] = [];
  const ask = async (request: FuzzRequest) => {
    const began = performance.now();
    const answer = await answerOf(world, request);
    const { operation } = request;
    answered.push({ operation, code: answer.code, tookMs: performance.now() - began });
    const problem = problemWith(answer, request);
    expect([problem, world.faults.splice(0)], answer.body.slice(0, 2_000)).toEqual([undefined, []]);
    return answer;
  };
  const askAlone = async (request: FuzzRequest) => {
    // So that no subject asks too often, and what is due comes due.
    world.time.ms += 100;
    world.ids.ofRequest.clear();
    const before = await world.store.head();
    const { code, body } = await ask(request);
    const stored = await storedFor(world, before);
    // One by one, as upstream: what cannot be deleted keeps no other object.
    const isPartial = /^delete .*[^}]$/.test(request.operation);
    if (code >= 400 && !isPartial) expect(stored, body.slice(0, 500)).toEqual([]);
    const isDry = /[?&]dryRun=All(&|$)/.test(request.url) && code < 300;
    if (request.method === 'GET' || isDry) expect(stored).toEqual([]);
  };
  const watches: Promise<unknown>[] = [];
  const property = fc.asyncProperty(requestsOf(document as Document), async (request) => {
    if (request.method !== 'GET' || !request.url.includes(WATCH_TIME)) return askAlone(request);
    // They take their time, and nobody has to wait for that.
    if (watches.length >= WATCHES_MAX) return;
    const fault = (thrown: unknown) => `${JSON.stringify(request)}: ${thrown}`;
    watches.push(ask(request).then(() => undefined, fault));
  });
  await fc.assert(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * 1_000,
    markInterruptAsFailure: false,
  });
  expect((await Promise.all(watches)).filter((fault) => fault !== undefined)).toEqual([]);
  console.log(report(answered));
  const served = new Set(answered.map(({ operation }) => operation));
  expect(served.size).toBeGreaterThan(50);
});
