import { type Expectation, expectationProblem, type Need } from '../decision.ts';
import type { ObjectRef } from '../events.ts';
import type { Rejection, Subject } from '../rejections.ts';
import type { ProjectDraft, Step } from './spaces.ts';

/** What became of a command that other streams may have a say in. */
export type Outcome = Rejection | { readonly need: Need } | undefined;

/** What a command is answered when a step did not work and cannot be waited for. */
export function refusalOf(
  step: Exclude<Step<never>, { readonly done: never }>,
  subject: Subject,
): Outcome {
  if ('need' in step) return step;
  if ('refused' in step) return { ...step.refused, subject };
  const { reason, message } = step.unmet;
  return { reason: reason === 'AddressPoolExhausted' ? 'Exhausted' : 'Invalid', subject, message };
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
