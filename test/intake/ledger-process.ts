import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { loopbackOnly } from '../../src/http/auth/authenticator.ts';
import { type ClaimReply, commandStream, replyStream } from '../../src/intake/claim-messages.ts';
import { type FollowerDeps, SourceFollower } from '../../src/intake/source-follower.ts';
import type { Messages } from '../../src/store/messages.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';
import { startLedger } from '../application/living-ledger.ts';
import { commands, request } from '../application/world.ts';
import type { MessageStreams } from './message-streams.ts';

export const COMMANDS = commandStream('web');
export const WEB = { name: 'web', projects: ['alpha', 'beta'] };

/** What a process of the ledger follows a source with. */
export async function startProcess(store: Store, messages: Messages) {
  const { ledger, views, stop } = await startLedger(store);
  const logged: string[] = [];
  const deps: FollowerDeps = {
    ledger: {
      project: (name, command, asked) => ledger.project(name, command, asked),
      platform: (command, asked) => ledger.platform(command, asked),
      authoredPool: (command, asked) => ledger.authoredPool(command, asked),
      ready: () => [],
    },
    ...{ store, messages, views, random: Math.random, newId: randomUUID, version: '0.0.0' },
    clock: () => new Date(),
    logger: pino({ level: 'warn' }, { write: (line: string) => logged.push(line) }),
    defaultLocation: undefined,
    authenticator: loopbackOnly,
  };
  let follower: SourceFollower | undefined;
  return {
    ...{ ledger, views, deps, logged },
    follow: (changes: Partial<FollowerDeps> = {}) => {
      follower = new SourceFollower({ ...deps, ...changes }, WEB);
      follower.start();
    },
    unfollow: async () => follower?.close(),
    close: async () => {
      await follower?.close();
      await stop();
    },
  };
}
export type Process = Awaited<ReturnType<typeof startProcess>>;

/** A project with a network in one location. */
export async function makeProject({ ledger }: Process, project = 'alpha'): Promise<void> {
  await ledger.project(project, commands.namespace, request());
  await ledger.platform(commands.location('us'), request());
  await ledger.project(project, commands.network(), request());
}

export const claimFor = (name: string, namespace = 'alpha', more: object = {}) => ({
  metadata: { name, namespace, ...more },
  spec: { network: { name: 'default' }, location: { name: 'us' } },
});

/** A source that asks for claims and gives them back. */
export function sourceOn(messages: MessageStreams) {
  return {
    ask: (name: string, namespace?: string, more?: object) =>
      messages.emit(COMMANDS, 'ClaimRequested', claimFor(name, namespace, more)),
    release: (name: string, namespace = 'alpha') =>
      messages.emit(COMMANDS, 'ClaimReleased', { namespace, name }),
  };
}

export async function repliesIn(store: Store): Promise<ClaimReply[]> {
  return (await eventsIn(store, replyStream('web'))).map(({ data }) => data as ClaimReply);
}

export async function eventsIn(store: Store, stream: string): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const page of store.readStream(stream, 0)) events.push(...page);
  return events;
}
