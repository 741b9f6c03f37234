import { z } from 'zod';
import { dnsSubdomain } from '../../../ledger/names.ts';
import type { KubeEventKind, KubeObject } from '../../../views/views.ts';
import { type Column, column, typedColumn, wide } from '../columns.ts';
import { humanDuration } from '../human-duration.ts';
import { defineKind, type Kind } from '../kind.ts';
import { type MetadataBody, metadataBody } from '../metadata.ts';
import { valueAt } from '../value-at.ts';

/**
 * Events of Kubernetes: what was decided about an object, told to people, and what controllers say
 * of it. The core group and `events.k8s.io` have the same ones, in other words for some fields.
 */
export type EventKind = Kind & {
  readonly viewed: KubeEventKind;
  readonly eventSchema: z.ZodType<EventBody>;
};

/** An Event in a body: what is checked of it the same in both groups. */
export interface EventBody {
  readonly metadata: MetadataBody;
}

/** What the two groups call the same. */
const CORE = {
  ...{ about: 'involvedObject', message: 'message', source: 'source', count: 'count' },
  ...{ first: 'firstTimestamp', last: 'lastTimestamp', component: 'reportingComponent' },
} as const;
const GROUP = {
  ...{ about: 'regarding', message: 'note', source: 'deprecatedSource', count: 'deprecatedCount' },
  ...{ first: 'deprecatedFirstTimestamp', last: 'deprecatedLastTimestamp' },
  component: 'reportingController',
} as const;
type Words = typeof CORE | typeof GROUP;

const word = z.string().max(253);
const instant = z.iso.datetime({ offset: true });
const reference = z.strictObject({
  kind: word.optional().describe('Its kind.'),
  namespace: word.optional().describe('Its project: that of the Event.'),
  name: word.optional().describe('Its name.'),
  uid: word.optional().describe('Its uid.'),
  apiVersion: word.optional().describe('The group and version of its kind.'),
  resourceVersion: word.optional().describe('The version of it that is meant.'),
  fieldPath: word.optional().describe('The part of it that is meant.'),
});
const source = z.strictObject({
  component: word.optional().describe('Its name.'),
  host: word.optional().describe('The machine that it runs on.'),
});
const series = z.strictObject({
  count: z.int().min(0).optional().describe('How often it was said.'),
  lastObservedTime: instant.optional().describe('When it was said last.'),
  state: word.optional().describe('Whether it goes on.'),
});

function bodySchema(words: Words) {
  return z.strictObject({
    apiVersion: z.string().optional(),
    kind: z.string().optional(),
    metadata: metadataBody(dnsSubdomain).default({}),
    [words.about]: reference.describe('The object that something is said of.'),
    reason: z.string().max(128).default('').describe('Why it is said, in one word.'),
    [words.message]: z.string().default('').describe('What is said, for people.'),
    type: z.string().max(64).default('Normal').describe('Normal, or Warning.'),
    [words.source]: source.nullish().describe('The program that says it.'),
    [words.first]: instant.nullish().describe('When it was said first.'),
    [words.last]: instant.nullish().describe('When it was said last.'),
    [words.count]: z.int().min(0).nullish().describe('How often it was said.'),
    eventTime: instant.nullish().describe('When it was said first, to the microsecond.'),
    series: series.nullish().describe('How it was said again.'),
    action: z.string().max(128).nullish().describe('What was done to the object.'),
    related: reference.nullish().describe('Another object that it has to do with.'),
    [words.component]: word.nullish().describe('The controller that says it.'),
    reportingInstance: word.nullish().describe('Which of its processes.'),
  });
}

/** When an Event was last seen, as one of several fields says. */
function lastSeenMs(object: KubeObject, { last, first }: Words): number {
  const fields = ['series.lastObservedTime', last, 'eventTime', first];
  const texts = fields.map((field) => valueAt(object, field));
  const text = texts.find((one) => typeof one === 'string') ?? object.metadata.creationTimestamp;
  return Date.parse(text as string);
}

/** The columns of `kubectl get events`, as upstream has them. */
function columnsOf(words: Words): readonly Column[] {
  const aboutOf = (object: KubeObject) => {
    const [kind, name] = ['kind', 'name'].map((field) =>
      valueAt(object, `${words.about}.${field}`),
    );
    return `${String(kind ?? '').toLowerCase()}/${name ?? ''}`;
  };
  return [
    {
      ...{ name: 'Last Seen', type: 'string', description: 'How long ago it was last said.' },
      cell: (object, nowMs) => humanDuration(nowMs - lastSeenMs(object, words)),
    },
    column('Type', 'Normal, or Warning.', 'type'),
    column('Reason', 'Why it was said, in one word.', 'reason'),
    column('Object', 'What it is about.', aboutOf),
    wide(column('Source', 'Who says it.', `${words.source}.component`)),
    column('Message', 'What is said.', words.message),
    wide(typedColumn('Count', 'integer', 'How often it was said.', words.count)),
    wide(column('Name', 'The name of the Event.', 'metadata.name')),
  ];
}

function eventKind(group: string, viewed: KubeEventKind, words: Words): EventKind {
  const about = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
  const schema = bodySchema(words) as unknown as z.ZodType<EventBody>;
  const kind = defineKind({
    ...{ group, version: 'v1', kind: 'Event', plural: 'events', singular: 'event' },
    // kubectl warns of a short name that two groups have.
    ...{ shortNames: group === '' ? ['ev'] : [], categories: [], namespaced: true },
    nameSchema: dnsSubdomain,
    description: 'What was decided about an object, or what a controller says of it.',
    specSchema: z.unknown(),
    columns: columnsOf(words),
    selectableFields: [
      ...about.map((field) => `${words.about}.${field}`),
      ...['reason', 'type', words.component, ...(words === CORE ? ['source'] : [])],
    ],
  });
  return { ...kind, viewed, bodySchema: schema as Kind['bodySchema'], eventSchema: schema };
}

export const coreEvents = eventKind('', 'Event', CORE);
export const groupEvents = eventKind('events.k8s.io', 'EventsGroupEvent', GROUP);

/** Whether a kind is that of Events, which the ledger itself knows nothing of. */
export function isKubeEvent(kind: Kind): kind is EventKind {
  return 'eventSchema' in kind;
}
