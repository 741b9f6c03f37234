import { expect } from 'vitest';
import type { Decision, Need } from '../../src/ledger/decision.ts';
import type { EventData, EventType, LedgerEvent } from '../../src/ledger/events.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import { decideProject } from '../../src/ledger/project/decide.ts';
import type { RefusalReason } from '../../src/ledger/rejections.ts';
import type { Command } from './commands.ts';
import { World } from './world.ts';

/** What has happened before: a command with all that follows from it, or anything else. */
export type Step = Command | ((world: World) => unknown);

/** An event's type, alone or with the part of its data that matters. */
type Expected = { [T in EventType]: T | [T, Deep<EventData<T>>] }[EventType];
type Deep<T> = T extends readonly (infer E)[]
  ? readonly Deep<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Deep<T[K]> }
    : T;

/** Tests of one decision: given what has happened, when a command comes, then these events. */
export const given = givenWith(builtInPlan());

export function givenWith(plan: AddressingPlan) {
  return (...steps: Step[]) => {
    const world = new World(plan);
    for (const step of steps) typeof step === 'function' ? step(world) : world.do(step);
    return { world, when: (command: Command) => when(world, command) };
  };
}

function when(world: World, command: Command) {
  return {
    /** The decision is exactly these events; none means that things were already so. */
    // biome-ignore lint/suspicious/noThenProperty: it is the grammar's word, and nobody awaits it.
    then(...expected: Expected[]) {
      const decision = world.run(command);
      expect(decision).toMatchObject({ outcome: 'decided' });
      expectEvents(decision.outcome === 'decided' ? decision.events : [], expected);
      return {
        world,
        /** What the project goes on to decide by itself is exactly these events. */
        followedBy(...followers: Expected[]) {
          const before = world.log.length;
          world.settle();
          const later = world.log.slice(before).filter(({ stream }) => stream === 'project');
          expectEvents(later, followers);
          return world;
        },
      };
    },
    thenRejected(reason: RefusalReason, message: string | RegExp = '') {
      const rejection = { reason, message: expect.stringMatching(message) };
      expect(world.run(command)).toMatchObject({ outcome: 'rejected', rejection });
    },
    thenNeeds(need: Partial<Need>) {
      const decision: Decision<unknown> = decideProject(
        command as ProjectCommand,
        world.project,
        world.contextOf(),
      );
      expect(decision).toMatchObject({ outcome: 'needs', need });
    },
  };
}

function expectEvents(events: readonly LedgerEvent[], expected: readonly Expected[]): void {
  const types = expected.map((one) => (typeof one === 'string' ? one : one[0]));
  expect(events.map(({ type }) => type)).toEqual(types);
  expected.forEach((one, index) => {
    if (typeof one !== 'string') expect(events[index]?.data).toMatchObject(one[1]);
  });
}

/** Lets time pass. */
export function after(seconds: number): Step {
  return (world) => world.pass(seconds * 1_000);
}
