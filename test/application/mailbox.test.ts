import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { platformAggregate } from '../../src/application/aggregate.ts';
import { Mailbox, type MailboxDeps } from '../../src/application/mailbox.ts';
import { LedgerUnavailable } from '../../src/application/request.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { builtInPlan } from '../../src/ledger/plan.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import { initialPlatform } from '../../src/ledger/platform/state.ts';
import { PLATFORM_STREAM } from '../../src/ledger/streams.ts';
import { limits } from '../../src/limits.ts';
import { verifyEvent } from '../../src/store/hash-chain.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import {
  type RecordedEvent,
  type Store,
  StoreFull,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../../src/store/store.ts';
import type { AnsweredCommand } from '../../src/views/views.ts';
import { FaultyStore } from './faulty-store.ts';

const clock = () => new Date('2026-01-01T00:00:00Z');
let ids = 0;

function depsOn(store: Store, answered = new Map<string, AnsweredCommand>()): MailboxDeps {
  return {
    store,
    log: pino({ level: 'silent' }),
    clock,
    newId: () => uuidOf('test', ids++),
    random: () => 0,
    platform: () => initialPlatform(),
    refreshPlatform: async () => {},
    viewed: async () => {},
    answered: (commandId) => answered.get(commandId),
  };
}

function mailboxOn(store: Store, deps: MailboxDeps = depsOn(store)) {
  return new Mailbox(PLATFORM_STREAM, platformAggregate, deps);
}

function request(commandId = uuidOf('test', ids++), key?: string) {
  return {
    commandId,
    correlationId: commandId,
    actor: { issuer: 'test', subject: 'me', role: 'operator' },
    dryRun: false,
    ...(key === undefined ? {} : { idempotency: { key, requestHash: 'h', code: 201 } }),
  };
}

const createLocation = (name: string): Extract<PlatformCommand, { type: 'CreateLocation' }> => ({
  type: 'CreateLocation',
  name,
  spec: { projects: ['*'], draining: false },
  metadata: {},
});

const changeMetadata = {
  type: 'ChangeMetadata',
  kind: 'Location',
  name: 'a',
  expect: {},
} as const;

async function everything(store: Store): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll(0n)) events.push(event);
  return events;
}

async function namesIn(store: Store): Promise<string[]> {
  return (await everything(store)).map(({ data }) => (data as { name: string }).name);
}

it('decides the commands of one turn on one another and appends their events at once', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  const answers = await Promise.all([
    mailbox.submit(createLocation('a'), request()),
    mailbox.submit(createLocation('b'), request()),
    mailbox.submit(createLocation('a'), request()),
  ]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['decided', 'decided', 'rejected']);
  expect(store.asked).toHaveLength(1);
  expect(await namesIn(store)).toEqual(['a', 'b']);
});

it('chains every event to the one before it, over batches and restarts', async () => {
  const store = new MemoryStore({ clock });
  await mailboxOn(store).submit({ type: 'OpenPlatform', plan: builtInPlan() }, request());
  await mailboxOn(store).submit(createLocation('a'), request());
  let previous = '';
  const events = await everything(store);
  expect(events.length).toBeGreaterThan(10);
  for (const event of events) {
    expect(verifyEvent(event, previous)).toBeUndefined();
    previous = event.metadata.hash;
  }
});

it('bounds an append by bytes and by events, and keeps the order of the commands', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  const metadata = { annotations: { note: 'x'.repeat(100_000) } };
  const names = Array.from({ length: 12 }, (_, n) => `location-${n}`);
  await Promise.all(
    names.map((name) => mailbox.submit({ ...createLocation(name), metadata }, request())),
  );
  expect(store.asked.length).toBeGreaterThan(1);
  for (const { events } of store.asked) {
    const bytes = events.reduce((sum, event) => sum + event.body.length, 0);
    expect(bytes).toBeLessThanOrEqual(limits.appendBytesMax);
  }
  expect(await namesIn(store)).toEqual(names);
});

it('refuses a command whose decision is larger than any append, and goes on', async () => {
  const mailbox = mailboxOn(new MemoryStore({ clock }));
  const metadata = { annotations: { note: 'x'.repeat(limits.appendBytesMax) } };
  const refused = mailbox.submit({ ...createLocation('a'), metadata }, request());
  await expect(refused).rejects.toThrow(RangeError);
  expect((await mailbox.submit(createLocation('b'), request())).outcome).toBe('decided');
});

it('refuses what exceeds its bound, and answers the rest', async () => {
  const mailbox = mailboxOn(new MemoryStore({ clock }));
  const accepted = Array.from({ length: limits.mailboxCommandsMax }, () =>
    mailbox.submit(createLocation('a'), request()),
  );
  await expect(mailbox.submit(createLocation('b'), request())).rejects.toThrow(LedgerUnavailable);
  const outcomes = (await Promise.all(accepted)).map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === 'decided')).toHaveLength(1);
});

it('after an unknown outcome sends the identical append again', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  store.fates.push('storedButReportedLost', 'lost');
  const mailbox = mailboxOn(store);
  expect((await mailbox.submit(createLocation('a'), request())).outcome).toBe('decided');
  expect(store.asked).toHaveLength(3);
  expect(store.asked[2]).toEqual(store.asked[0]);
  expect(await namesIn(store)).toEqual(['a']);
});

it('gives up after a bounded number of attempts and then reads the log before it decides', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  store.fates.push('storedButReportedLost');
  for (let n = 1; n < limits.appendAttemptsMax; n += 1) store.fates.push('lost');
  const mailbox = mailboxOn(store);
  await expect(mailbox.submit(createLocation('a'), request())).rejects.toThrow(LedgerUnavailable);
  const again = await mailbox.submit(createLocation('a'), request());
  expect(again).toMatchObject({ outcome: 'rejected', rejection: { reason: 'AlreadyExists' } });
});

it('sends an append again for a bounded time only', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  let nowMs = clock().getTime();
  store.fates.push('lost', 'lost', 'lost');
  store.before = async () => {
    nowMs += limits.kurrentSilenceMsMax;
  };
  const mailbox = mailboxOn(store, { ...depsOn(store), clock: () => new Date(nowMs) });
  await expect(mailbox.submit(createLocation('a'), request())).rejects.toThrow(LedgerUnavailable);
  expect(store.asked).toHaveLength(2);
});

it('waits for what an append has met and the store does not show yet', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  await mailbox.load();
  store.fates.push(new WrongExpectedRevision(PLATFORM_STREAM, -1, 0));
  const { inner } = store;
  let reads = 0;
  store.beforeRead = async () => {
    reads += 1;
    if (reads === 3) await mailboxOn(inner).submit(createLocation('a'), request());
  };
  const answers = await Promise.all([
    mailbox.submit(createLocation('a'), request()),
    mailbox.submit(createLocation('b'), request()),
  ]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['rejected', 'decided']);
  expect(store.asked).toHaveLength(2);
});

it.each([
  { title: 'an append has met what the store never shows', actual: 1 },
  { title: 'the store has gone back behind what was read', actual: -1 },
])('refuses with "unavailable" when $title, and reads the log anew', async ({ actual }) => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  await mailbox.submit(createLocation('a'), request());
  store.fates.push(new WrongExpectedRevision(PLATFORM_STREAM, 0, actual));
  await expect(mailbox.submit(createLocation('b'), request())).rejects.toThrow(LedgerUnavailable);
  expect(store.asked).toHaveLength(2);
  expect((await mailbox.submit(createLocation('b'), request())).outcome).toBe('decided');
  expect(await namesIn(store)).toEqual(['a', 'b']);
});

it('finds its own commands in the tail after a conflict and decides only the others', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const other = mailboxOn(store);
  const mailbox = mailboxOn(store);
  await mailbox.load();
  const mine = request();
  // The same command is carried out by another writer first, and one of its own after it.
  await other.submit(createLocation('a'), mine);
  await other.submit(createLocation('b'), request());
  const answers = await Promise.all([
    mailbox.submit(createLocation('a'), mine),
    mailbox.submit(createLocation('b'), request()),
    mailbox.submit(createLocation('c'), request()),
  ]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['decided', 'rejected', 'decided']);
  expect(await namesIn(store)).toEqual(['a', 'b', 'c']);
});

it('lets a writer by with which it has had a conflict, and reads what that has written', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const [other, mailbox] = [mailboxOn(store), mailboxOn(store)];
  await Promise.all([other.load(), mailbox.load()]);
  await other.submit(createLocation('a'), request());
  await mailbox.submit(createLocation('b'), request());
  // It knows now that it is not alone here: what comes next is decided on what is in the log.
  await other.submit(createLocation('c'), request());
  const asked = store.asked.length;
  await mailbox.submit(createLocation('d'), request());
  expect(store.asked).toHaveLength(asked + 1);
  expect(await namesIn(store)).toEqual(['a', 'b', 'c', 'd']);
});

it('decides everything once in two processes that write the same stream at once', async () => {
  const store = new MemoryStore({ clock });
  const mailboxes = [mailboxOn(store), mailboxOn(store)];
  const names = Array.from({ length: 200 }, (_, n) => `l-${n}`);
  const answers = await Promise.all(
    names.flatMap((name) =>
      mailboxes.map((mailbox) => mailbox.submit(createLocation(name), request())),
    ),
  );
  const outcomes = answers.map(({ outcome }) => outcome).toSorted();
  expect(outcomes).toEqual([...names.map(() => 'decided'), ...names.map(() => 'rejected')]);
  expect((await namesIn(store)).toSorted()).toEqual(names.toSorted());
});

it('refuses with "unavailable" when the store is full, and goes on when there is room', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  store.fates.push(new StoreFull('no room'));
  const mailbox = mailboxOn(store);
  await expect(mailbox.submit(createLocation('a'), request())).rejects.toThrow('store is full');
  expect(mailbox.state.locations.size).toBe(0);
  expect((await mailbox.submit(createLocation('a'), request())).outcome).toBe('decided');
});

it('answers a keyed command that was carried out before from the view of keys', async () => {
  const store = new MemoryStore({ clock });
  const answered = new Map<string, AnsweredCommand>();
  const mailbox = mailboxOn(store, depsOn(store, answered));
  const keyed = request(uuidOf('keyed'), 'key');
  await mailbox.submit(createLocation('a'), keyed);
  const answer = {
    stream: PLATFORM_STREAM,
    requestHash: 'h',
    code: 201,
    revision: 0,
    position: 1n,
  };
  answered.set(keyed.commandId, answer);
  const repeated = await mailbox.submit(createLocation('a'), keyed);
  expect(repeated).toEqual({ outcome: 'repeated', answer });
  expect(await namesIn(store)).toEqual(['a']);
});

it('never decides two commands of one id in one append', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  const twice = request();
  const answers = await Promise.all([
    mailbox.submit(createLocation('a'), twice),
    mailbox.submit(createLocation('a'), twice),
  ]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['decided', 'rejected']);
  const twoMetadata = ['x', 'y'].map((x) => ({ ...changeMetadata, metadata: { labels: { x } } }));
  const same = request();
  store.asked.length = 0;
  await Promise.all(twoMetadata.map((command) => mailbox.submit(command, same)));
  expect(store.asked.map(({ events }) => events.length)).toEqual([1, 1]);
});

it('writes nothing for a dry run and shows what would be', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  const dry = await mailbox.submit(createLocation('a'), { ...request(), dryRun: true });
  expect(dry).toMatchObject({ outcome: 'decided', events: [{ type: 'LocationCreated' }] });
  expect(store.asked).toHaveLength(0);
  expect((await mailbox.submit(createLocation('a'), request())).outcome).toBe('decided');
});

it('answers what it accepted before it closes, and refuses the rest', async () => {
  const store = new MemoryStore({ clock });
  const mailbox = mailboxOn(store);
  const accepted = mailbox.submit(createLocation('a'), request());
  await mailbox.close();
  await expect(mailbox.submit(createLocation('b'), request())).rejects.toThrow('shutting down');
  expect((await accepted).outcome).toBe('decided');
  expect(await namesIn(store)).toEqual(['a']);
});

it('never decides at an instant before the last of the stream', async () => {
  const store = new MemoryStore({ clock });
  await mailboxOn(store).submit(createLocation('a'), request());
  const past = { ...depsOn(store), clock: () => new Date('2025-01-01T00:00:00Z') };
  const mailbox = mailboxOn(store, past);
  const answer = await mailbox.submit(createLocation('b'), request());
  expect(answer).toMatchObject({ events: [{ data: { at: '2026-01-01T00:00:00.000Z' } }] });
});

it('decides what was queued behind a failed append on what the log says, not on nothing', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  const mailbox = mailboxOn(store);
  await mailbox.submit(createLocation('a'), request());
  for (let n = 0; n < limits.appendAttemptsMax; n += 1) store.fates.push('lost');
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  store.before = () => held;
  const doomed = mailbox.submit(createLocation('b'), request());
  const refused = expect(doomed).rejects.toThrow(LedgerUnavailable);
  await expect.poll(() => store.asked.length).toBe(2);
  const behind = mailbox.submit({ ...changeMetadata, metadata: {} }, request());
  release();
  await refused;
  expect((await behind).outcome).toBe('decided');
});

it('answers every command of a batch whose conflict cannot be read', async () => {
  const inner = new MemoryStore({ clock });
  const store = new FaultyStore(inner);
  const mailbox = mailboxOn(store);
  await mailbox.load();
  await mailboxOn(inner).submit(createLocation('a'), request());
  store.readFault = new StoreUnavailable('away');
  const answers = await Promise.allSettled([
    mailbox.submit(createLocation('b'), request()),
    mailbox.submit(createLocation('c'), request()),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  store.readFault = undefined;
  expect((await mailbox.submit(createLocation('b'), request())).outcome).toBe('decided');
});

it('tells who loads it that the log cannot be read', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  store.readFault = new StoreUnavailable('away');
  const mailbox = mailboxOn(store);
  await expect(mailbox.load()).rejects.toThrow(LedgerUnavailable);
  store.readFault = undefined;
  expect((await mailbox.load()).revision).toBe(-1);
});

it('tries what it owes again less and less often while the store is away', async () => {
  const store = new FaultyStore(new MemoryStore({ clock }));
  let reads = 0;
  const counted = {
    ...depsOn(store),
    store: Object.assign(Object.create(store), {
      readStream: () => {
        reads += 1;
        throw new StoreUnavailable('away');
      },
    }),
  };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const mailbox = mailboxOn(store, counted);
  await expect(mailbox.submit(createLocation('a'), request())).rejects.toThrow(LedgerUnavailable);
  for (let ms = 0; ms < 60_000; ms += 20) {
    vi.advanceTimersByTime(20);
    await mailbox.idle();
  }
  // Doubling from 20 ms to 5 s: nine times, and then every five seconds.
  expect(reads).toBeGreaterThan(12);
  expect(reads).toBeLessThan(30);
  await mailbox.close();
});
