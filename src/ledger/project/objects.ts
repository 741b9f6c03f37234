import { type Expectation, expectationProblem, type Need } from '../decision.ts';
import type { ObjectRef } from '../events.ts';
import type { Rejection, Subject } from '../rejections.ts';
import type { ProjectDraft, Step } from './spaces.ts';
import type { Wait } from './state.ts';

/** What became of a command that other streams may have a say in. */
export type Outcome = Rejection | { readonly need: Need } | undefined;

/** The fields by which a kind of object says where it is. */
export interface PlaceFields {
  readonly network: string;
  readonly location: string;
}

/** What a command is answered when a step did not work and cannot be waited for. */
export function refusalOf(
  step: Exclude<Step<never>, { readonly done: never }>,
  subject: Subject,
  fields?: PlaceFields,
): Outcome {
  if ('need' in step) return step;
  const refused = 'refused' in step ? step.refused : refusalOfWait(step.unmet, fields);
  return { ...refused, subject };
}

/** What an interface's claim would wait for, others are refused for. */
export function refusalOfWait(
  { reason, message }: Wait,
  fields?: PlaceFields,
): Pick<Rejection, 'reason' | 'message' | 'causes'> {
  switch (reason) {
    case 'AddressPoolExhausted':
      return { reason: 'Exhausted', message };
    case 'ClassNotFound':
    case 'NoDefaultClass':
    case 'NoOfferingPool':
    case 'QuotaExceeded':
      return { reason, message };
    default: {
      const field = reason === 'NetworkNotFound' ? fields?.network : fields?.location;
      const at = field === undefined ? {} : { field };
      const cause = { reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, ...at };
      return { reason: 'Invalid', message, causes: [cause] };
    }
  }
}

/** The object that a command changes, or why it is refused: absent, or not what was believed. */
export function findForChange<T extends ObjectRef & { readonly revision: number }>(
  kind: string,
  object: T | undefined,
  name: string,
  expect: Expectation,
): { readonly object: T } | { readonly rejection: Rejection } {
  if (object === undefined) {
    return { rejection: { reason: 'NotFound', subject: { kind, name }, message: 'not found' } };
  }
  const rejection = expectationProblem(kind, object, expect);
  return rejection === undefined ? { object } : { rejection };
}

/** Nothing new is admitted into a project that does not exist or is being deleted. */
export function forbiddenWhileTerminating(
  draft: ProjectDraft,
  subject: Subject,
): Rejection | undefined {
  const { namespace, name } = draft.state;
  if (namespace === undefined) {
    return { reason: 'NotFound', subject: { kind: 'Namespace', name }, message: 'not found' };
  }
  if (!namespace.deleting) return undefined;
  const project = `namespace ${name}`;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `${project} is being terminated`,
    field: 'metadata.namespace',
  };
  const message = `unable to create new content in ${project} because it is being terminated`;
  return { reason: 'Forbidden', subject, message, causes: [cause] };
}
