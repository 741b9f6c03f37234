import type { KubeEventKind, KubeObject } from '../views.ts';

/** An Event as a JSON object: it has neither a spec nor a status. */
type Fields = Readonly<Record<string, unknown>>;

/** The same fields under the names of the two APIs: of the core group, and of `events.k8s.io`. */
const NAMES = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
] as const;

const TO_EVENTS_GROUP: ReadonlyMap<string, string> = new Map(NAMES);
const TO_CORE: ReadonlyMap<string, string> = new Map(NAMES.map(([core, other]) => [other, core]));

/** An Event of the core group as the kind that is asked for. */
export function asKind(event: KubeObject, kind: KubeEventKind): KubeObject {
  return kind === 'Event' ? event : renamed(event, 'events.k8s.io/v1', TO_EVENTS_GROUP);
}

/** An Event of a kind as one of the core group, which is the form in which it is kept. */
export function asCore(event: KubeObject, kind: KubeEventKind): KubeObject {
  return kind === 'Event' ? event : renamed(event, 'v1', TO_CORE);
}

function renamed(
  event: KubeObject,
  apiVersion: string,
  names: ReadonlyMap<string, string>,
): KubeObject {
  const fields = Object.entries(event as unknown as Fields);
  const other = Object.fromEntries(fields.map(([name, value]) => [names.get(name) ?? name, value]));
  return { ...other, apiVersion } as unknown as KubeObject;
}
