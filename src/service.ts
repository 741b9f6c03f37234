import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server as HttpsServer } from 'node:https';
import { type AddressInfo, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { Ledger } from './application/ledger.ts';
import { Recovery } from './application/recovery.ts';
import { type Config, isLoopback } from './config.ts';
import { bearerTokens, loopbackOnly } from './http/auth/authenticator.ts';
import { buildServer, type HttpDeps } from './http/server.ts';
import { Intake } from './intake/intake.ts';
import { type AddressingPlan, builtInPlan, readPlan } from './ledger/plan.ts';
import { CATEGORY } from './ledger/streams.ts';
import { limits } from './limits.ts';
import { Operations } from './operations/operations.ts';
import { type OperatorFiles, Secured } from './security/secured.ts';
import { SnapshotFile } from './snapshots/snapshot-file.ts';
import { openStore } from './store/open-store.ts';
import type { Position, Store } from './store/store.ts';
import { openViews } from './views/open-views.ts';

/** What the rest of the program may know of the world outside; only `main.ts` makes one. */
export interface World {
  readonly clock: () => Date;
  readonly newId: () => string;
  readonly random: () => number;
  readonly randomBytes: (count: number) => Buffer;
  readonly log: Logger;
  readonly version: string;
}

export interface Service {
  readonly url: string;
  /** By which an operator gets in; undefined without authentication, and when none are left. */
  readonly operator: OperatorFiles | undefined;
  /** Settles when the service can no longer do its work: with the fault that ended it. */
  readonly failed: Promise<Error>;
  /** Finishes what was accepted, then closes everything in order. */
  close(): Promise<void>;
}

/** A start that is refused for a reason that an operator can put right. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused';
}

/** Opens the log, brings the views up to it, finishes what a crash left, then listens. */
export async function startService(
  config: Config,
  world: World,
  open: typeof openStore = openStore,
): Promise<Service> {
  const closing: (() => Promise<unknown>)[] = [];
  // The last that was opened is closed first; what cannot be closed does not keep the others open.
  const close = async () => {
    for (const one of closing.splice(0).reverse()) {
      await one().catch((err) => world.log.error({ err }, 'something could not be closed'));
    }
  };
  try {
    return { ...(await openParts(config, world, open, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens part after part, and notes how each is closed. */
async function openParts(
  config: Config,
  world: World,
  open: typeof openStore,
  closing: (() => Promise<unknown>)[],
): Promise<Omit<Service, 'close'>> {
  const { clock, newId, random, randomBytes, log, version } = world;
  const { plan, isGiven } = await planOf(config);
  const directory = resolve(config.data);
  if (config.store !== 'memory') mkdirSync(directory, { recursive: true, mode: 0o700 });
  const operations = new Operations(await openLog(config, directory, world, open), log, clock);
  const { store } = operations;
  closing.push(() => store.close());
  await refuseClockBehind(store, clock);
  const viewsDirectory = config.store === 'memory' ? undefined : directory;
  const views = await openViews({ store, directory: viewsDirectory, clock, log });
  closing.push(() => views.close());
  let fault: Error | undefined;
  const failed = views.fault.then((error) => {
    fault = error;
    log.fatal({ err: error }, 'the views cannot follow the log any more');
    return error;
  });
  const orFault = <T>(work: Promise<T>) => {
    return Promise.race([work, failed.then((error) => Promise.reject(error))]);
  };
  const viewed = (position: Position) => views.reached(position);
  const answered = (commandId: string) => views.answered(commandId);
  const snapshots = config.store === 'memory' ? undefined : new SnapshotFile(directory, log);
  closing.push(async () => snapshots?.close());
  const deps = { store, snapshots, log, clock, newId, random, viewed, answered };
  const ledger = await orFault(Ledger.open(deps, plan, isGiven));
  closing.push(() => ledger.close());
  await orFault(views.ready);
  const recovery = new Recovery({ ledger, views, log, clock });
  closing.push(() => recovery.close());
  views.onApplied((events) => recovery.react(events));
  operations.follow(views);
  await orFault(recovery.start());
  const secured = await securedBy(config, directory, { clock, randomBytes, log });
  closing.push(async () => secured?.close());
  operations.watch(() => secured?.expiries ?? []);
  const rim = {
    ledger: {
      project: (name, command, request) => ledger.project(name, command, request),
      platform: (command, request) => ledger.platform(command, request),
      authoredPool: (command, request) => ledger.authoredPool(command, request),
      ready: () => (fault === undefined ? operations.unready() : [`views: ${fault.message}`]),
    } satisfies HttpDeps['ledger'],
    metrics: () => operations.text(),
    ...{ store, views, clock, newId, random, logger: log, version },
    defaultLocation: config.location,
    ...accessOf(secured),
  };
  const app = buildServer(rim);
  closing.push(() => app.close());
  const intake = intakeOf(config, rim, store);
  closing.push(async () => intake?.close());
  const reached = await listen(app, config, secured);
  intake?.start();
  return { ...reached, failed };
}

/** Begins to serve; gives where, and how an operator gets in. */
async function listen(
  app: ReturnType<typeof buildServer>,
  config: Config,
  secured: Awaited<ReturnType<typeof securedBy>>,
): Promise<Pick<Service, 'url' | 'operator'>> {
  const { host } = config.listen;
  await app.listen({
    ...{ host, port: config.listen.port },
    // The server's kind is ours, and Fastify does not know it.
    listenTextResolver: (at) => `listening on ${secured ? at.replace('http:', 'https:') : at}`,
  });
  const { address, port } = app.server.address() as AddressInfo;
  if (secured === undefined) {
    if (!isLoopback(address)) throw new StartRefused(`${address} is no loopback address`);
    return { url: urlOf('http', address, port), operator: undefined };
  }
  const reachedBy = config.security?.names[0] ?? (isWildcard(host) ? '127.0.0.1' : host);
  const server = app.server as unknown as HttpsServer;
  const operator = secured.follow(server, urlOf('https', reachedBy, port));
  return { url: urlOf('https', host, port), operator };
}

/** Opens the store, which may wait for it and says so. */
function openLog(
  { store }: Config,
  directory: string,
  { clock, random, log }: World,
  open: typeof openStore,
): Promise<Store> {
  return open(store, { directory, categories: [CATEGORY], clock, random, log });
}

/** What follows the streams of claim commands; undefined where there are none to be followed. */
function intakeOf(
  { claimSources = [] }: Config,
  rim: Omit<HttpDeps, 'store'>,
  store: Store,
): Intake | undefined {
  if (claimSources.length === 0) return undefined;
  const { messages } = store;
  if (messages !== undefined) return new Intake({ ...rim, store, messages }, claimSources);
  throw new StartRefused(
    '--claim-sources needs a store that other programs can write to: --store esdb://...',
  );
}

function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether a host to listen on stands for every address of the machine. */
function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host));
}

/** Certificates and tokens; undefined for plain HTTP without authentication. */
async function securedBy(
  { security, listen: { host }, timeOffsetSeconds }: Config,
  directory: string,
  { clock, randomBytes, log }: Pick<World, 'clock' | 'randomBytes' | 'log'>,
): Promise<Secured | undefined> {
  if (security === undefined) return undefined;
  const { tokens: tokensPath, given, names } = security;
  return Secured.open({
    ...{ directory, tokensPath, given, clock, randomBytes },
    names: isWildcard(host) ? names : [host, ...names],
    certificateClock: () => new Date(clock().getTime() - timeOffsetSeconds * 1_000),
    onFault: (err) => log.error({ err }, 'tokens or certificates stay as they were'),
    onEndsSoon: (expiry) =>
      log.error(expiry, 'a certificate ends soon, and clients will not connect after its end'),
  });
}

/** Who is let in, and how. */
function accessOf(
  secured: Secured | undefined,
): Pick<HttpDeps, 'tls' | 'authenticator' | 'tokens'> {
  if (secured === undefined) return { authenticator: loopbackOnly };
  return {
    tls: secured.tls,
    tokens: secured.tokens,
    authenticator: bearerTokens((token) => secured.tokens.find(token)),
  };
}

async function planOf(config: Config): Promise<{ plan: AddressingPlan; isGiven: boolean }> {
  if (config.plan === undefined) return { plan: builtInPlan(), isGiven: false };
  let value: unknown;
  try {
    value = JSON.parse(await readFile(config.plan, 'utf8'));
  } catch (error) {
    throw new StartRefused(`plan file ${config.plan}: ${(error as Error).message}`);
  }
  return { plan: readPlan(value), isGiven: true };
}

/** A clock far behind the log would decide about instants that are over. */
async function refuseClockBehind(store: Store, clock: () => Date): Promise<void> {
  const head = await store.head();
  if (head === 0n) return;
  for await (const event of store.readAll(head - 1n)) {
    const behindMs = Date.parse(event.recordedAt) - clock().getTime();
    if (behindMs <= limits.clockBehindMsMax) continue;
    throw new StartRefused(
      `the clock says ${clock().toISOString()}, but the log's last event was recorded at ` +
        `${event.recordedAt}: set the clock right, or wait`,
    );
  }
}
