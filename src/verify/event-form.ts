import { eventMetadata, eventSchemas, isEventType } from '../ledger/events.ts';
import type { RecordedEvent } from '../store/store.ts';
import { Violation } from './violation.ts';

/** What is wrong with the form of an event: each type of the closed list has one. */
export function problemOfForm({ type, data, metadata }: RecordedEvent): Violation | undefined {
  if (!isEventType(type)) return new Violation('event', 'a type that this netalloc knows', type);
  const form = eventSchemas[type].safeParse(data);
  const { error } = form.success ? eventMetadata.safeParse(metadata) : form;
  if (error === undefined) return undefined;
  const [issue] = error.issues;
  const found = `${issue?.path.join('.') || 'the event'}: ${issue?.message}`;
  return new Violation('event', `the form of ${type}`, found);
}
