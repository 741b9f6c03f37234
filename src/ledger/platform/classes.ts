import { isDeepStrictEqual } from 'node:util';
import { limits } from '../../limits.ts';
import {
  type DecisionContext,
  type Draft,
  type Expectation,
  expectationProblem,
  finalizerProblem,
  instant,
} from '../decision.ts';
import type { StoredMetadata } from '../events.ts';
import { uuidOf } from '../identifiers.ts';
import {
  classChain,
  classProblems,
  defaultClassProblem,
  IMMUTABLE_CLASS_FIELDS,
  type IPClass,
  type IPClassSpec,
  type Problem,
} from '../ip-class.ts';
import { DEFAULT_CLASS_ANNOTATION } from '../names.ts';
import { inUse, invalidWith, type Rejection } from '../rejections.ts';
import type { ClassRecord, PlatformState } from './state.ts';

/**
 * Kinds of address. All rules between classes are decided here, in one stream, so that of two
 * commands that are each fine alone the second sees the first.
 */

/** The default classes by family, looked for once: each claim asks for them several times. */
const defaults = new WeakMap<PlatformState['classes'], Map<string, IPClass | undefined>>();

/** The default class of a family, or undefined when there is none. */
export function defaultClass({ classes }: PlatformState, family: string): IPClass | undefined {
  const known = defaults.get(classes) ?? new Map<string, IPClass | undefined>();
  if (known.size === 0) defaults.set(classes, known);
  if (!known.has(family)) {
    known.set(
      family,
      classes.find((c) => c.isDefault && c.spec.ipFamily === family),
    );
  }
  return known.get(family);
}

export type ClassCommand =
  | {
      readonly type: 'CreateClass';
      readonly name: string;
      readonly spec: IPClassSpec;
      readonly metadata: StoredMetadata;
    }
  | {
      readonly type: 'UpdateClass';
      readonly name: string;
      readonly expect: Expectation;
      readonly spec: IPClassSpec;
      readonly metadata: StoredMetadata;
    }
  | {
      readonly type: 'DeleteClass';
      readonly name: string;
      readonly expect: Expectation;
      /** Blocks and pools of projects that name it, counted in the views at the log's head. */
      readonly standing: number;
    };

/** Labels, annotations and finalizers of a class; the default mark is one of its annotations. */
export interface ChangeClassMetadata {
  readonly type: 'ChangeMetadata';
  readonly kind: string;
  readonly name: string;
  readonly expect: Expectation;
  readonly metadata: StoredMetadata;
}

type PlatformDraft = Draft<PlatformState>;
type Of<T extends ClassCommand['type']> = Extract<ClassCommand, { type: T }>;

export function createClass(
  draft: PlatformDraft,
  command: Of<'CreateClass'>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, spec, metadata } = command;
  const subject = { kind: 'IPClass', name };
  const { classes } = draft.state;
  if (classes.has(name)) return { reason: 'AlreadyExists', subject, message: 'already exists' };
  if (classes.size >= limits.classesMax) {
    const message = `there are ${classes.size} classes, and no more are taken`;
    return { reason: 'Forbidden', subject, message };
  }
  const isDefault = isMarkedDefault(metadata);
  const uid = uuidOf(context.commandId, 'IPClass');
  const problems = problemsOf(draft.state, { name, uid, revision: 0, isDefault, spec });
  if (problems.length > 0) return invalidWith(subject, problems);
  draft.emit('IPClassCreated', {
    ...{ at: instant(context.atMs), name, uid, metadata, isDefault, spec },
  });
  return undefined;
}

/** Changes a class: what is decided from now on follows it, what is held keeps its policy. */
export function updateClass(
  draft: PlatformDraft,
  command: Of<'UpdateClass'> | ChangeClassMetadata,
  context: DecisionContext,
): Rejection | undefined {
  const { name, metadata } = command;
  const subject = { kind: 'IPClass', name };
  const found = findClass(draft.state, name, command.expect);
  if ('rejection' in found) return found.rejection;
  const { ipClass } = found;
  const forbidden = finalizerProblem('IPClass', ipClass, metadata);
  if (forbidden !== undefined) return forbidden;
  const { uid } = ipClass;
  const at = instant(context.atMs);
  const spec = command.type === 'UpdateClass' ? command.spec : ipClass.spec;
  const isDefault = isMarkedDefault(metadata);
  if (command.type === 'ChangeMetadata' && isDefault === ipClass.isDefault) {
    draft.emit('ObjectMetadataChanged', { at, kind: 'IPClass', name, uid, metadata });
  } else {
    const problems = [
      ...immutableProblems(ipClass.spec, spec),
      ...problemsOf(draft.state, { ...ipClass, isDefault, spec }),
    ];
    if (problems.length > 0) return invalidWith(subject, problems);
    draft.emit('IPClassUpdated', { at, name, uid, isDefault, spec, metadata });
  }
  endIfFree(draft, name, at);
  return undefined;
}

/** Deletes a class that nothing names any more; finalizers hold it until they are removed. */
export function deleteClass(
  draft: PlatformDraft,
  command: Of<'DeleteClass'>,
  context: DecisionContext,
): Rejection | undefined {
  const { name, standing } = command;
  const found = findClass(draft.state, name, command.expect);
  if ('rejection' in found) return found.rejection;
  const { uid, deleting, finalizers } = found.ipClass;
  if (deleting) return undefined;
  const children = draft.state.classes.count(({ spec }) => spec.parentClassName === name);
  const pools = draft.state.pools.count(({ spec }) => spec.classNames.includes(name));
  if (children + pools + standing > 0) {
    const message =
      `${children} classes, ${pools} authored pools, ` +
      `and ${standing} blocks and pools of projects name it`;
    const uses = { IPClasses: children, IPPools: pools, Holdings: standing };
    return inUse({ kind: 'IPClass', name }, message, uses);
  }
  const at = instant(context.atMs);
  if (finalizers.length > 0) {
    draft.emit('DeletionRequested', { at, kind: 'IPClass', name, uid });
  } else {
    draft.emit('IPClassDeleted', { at, name, uid });
  }
  return undefined;
}

function isMarkedDefault({ annotations }: StoredMetadata): boolean {
  return annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true';
}

function findClass(
  { classes }: PlatformState,
  name: string,
  expect: Expectation,
): { readonly ipClass: ClassRecord } | { readonly rejection: Rejection } {
  const subject = { kind: 'IPClass', name };
  const ipClass = classes.get(name);
  if (ipClass === undefined) {
    return { rejection: { reason: 'NotFound', subject, message: 'not found' } };
  }
  const stale = expectationProblem('IPClass', ipClass, expect);
  return stale === undefined ? { ipClass } : { rejection: stale };
}

function immutableProblems(from: IPClassSpec, to: IPClassSpec): Problem[] {
  return IMMUTABLE_CLASS_FIELDS.filter((field) => {
    return !isDeepStrictEqual(from[field], to[field]);
  }).map((field) => ({ path: `spec.${field}`, message: 'field is immutable' }));
}

/** What is wrong with a class among all others, were it as given. */
function problemsOf(state: PlatformState, ipClass: IPClass): Problem[] {
  const own = classProblems(ipClass.spec);
  if (own.length > 0) return own;
  const lookup = (name: string) => (name === ipClass.name ? ipClass : state.classes.get(name));
  const chained = classChain(ipClass.name, lookup);
  if ('problem' in chained) return [chained.problem];
  const parent = state.classes.get(ipClass.spec.parentClassName ?? '');
  if (parent?.deleting && !state.classes.has(ipClass.name)) {
    return [{ path: 'spec.parentClassName', message: `"${parent.name}" is being deleted` }];
  }
  return [...otherChains(state, ipClass, lookup), ...defaultProblems(state, ipClass, lookup)];
}

/** Classes below this one must still follow from it. */
function otherChains(
  state: PlatformState,
  { name }: IPClass,
  lookup: (name: string) => IPClass | undefined,
): Problem[] {
  if (!state.classes.has(name)) return [];
  for (const other of [...state.classes.keys()].sort()) {
    const chained = other === name ? undefined : classChain(other, lookup);
    if (chained !== undefined && 'problem' in chained) {
      return [{ path: 'spec', message: `IPClass "${other}": ${chained.problem.message}` }];
    }
  }
  return [];
}

/** A family has one default class at most, and claims follow the chain of each. */
function defaultProblems(
  state: PlatformState,
  ipClass: IPClass,
  lookup: (name: string) => IPClass | undefined,
): Problem[] {
  const path = `metadata.annotations[${DEFAULT_CLASS_ANNOTATION}]`;
  const { ipFamily } = ipClass.spec;
  const other = state.classes.find((one) => {
    return one.name !== ipClass.name && one.isDefault && one.spec.ipFamily === ipFamily;
  });
  if (ipClass.isDefault && other !== undefined) {
    return [{ path, message: `"${other.name}" is the default class of ${ipFamily}` }];
  }
  const defaults = state.classes
    .valueSeq()
    .filter((one) => one.isDefault)
    .toArray();
  const all = [...defaults.filter((one) => one.name !== ipClass.name), ipClass];
  return all.flatMap(({ name, isDefault }) => {
    const message = isDefault ? defaultClassProblem(name, lookup) : undefined;
    if (message === undefined) return [];
    return [{ path: name === ipClass.name ? path : 'spec', message: `default class: ${message}` }];
  });
}

/** A class that is being deleted goes with its last finalizer. */
function endIfFree(draft: PlatformDraft, name: string, at: string): void {
  const ipClass = draft.state.classes.get(name);
  if (!ipClass?.deleting || ipClass.finalizers.length > 0) return;
  draft.emit('IPClassDeleted', { at, name, uid: ipClass.uid });
}
