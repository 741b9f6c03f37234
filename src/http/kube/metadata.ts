import { z } from 'zod';
import { keyedList, SET_LIST } from '../../ledger/list-types.ts';
import { dnsSubdomain } from '../../ledger/names.ts';
import { limits } from '../../limits.ts';

/**
 * The metadata of objects, checked as Kubernetes checks it.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
 */
const QUALIFIED_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const NAME_PART_PROBLEM =
  'the name part must be 1 to 63 characters: letters, digits, "-", "_" or ".", and start and end ' +
  'with a letter or digit';

/** What is wrong with a label's key, an annotation's key or a finalizer; undefined when nothing. */
export function qualifiedNameProblem(text: string): string | undefined {
  const slash = text.indexOf('/');
  const prefix = slash === -1 ? undefined : text.slice(0, slash);
  if (prefix !== undefined && !dnsSubdomain.safeParse(prefix).success) {
    return 'the prefix part must be a DNS subdomain in lower case';
  }
  const name = text.slice(slash + 1);
  return name.length <= 63 && QUALIFIED_NAME.test(name) ? undefined : NAME_PART_PROBLEM;
}

/** What is wrong with a label's value; undefined when nothing. */
export function labelValueProblem(text: string): string | undefined {
  if (text === '' || (text.length <= 63 && QUALIFIED_NAME.test(text))) return undefined;
  return (
    'a label must be empty or at most 63 characters: letters, digits, "-", "_" or ".", and start ' +
    'and end with a letter or digit'
  );
}

const textMap = z.record(z.string(), z.string());

/** The problem of a text, reported on the map or list that holds it, as upstream does. */
function report(context: z.RefinementCtx, text: string, message: string | undefined): void {
  if (message === undefined) return;
  context.addIssue({ code: 'custom', message, params: { shown: text } });
}

const labels = textMap.superRefine((map, context) => {
  for (const [key, value] of Object.entries(map)) {
    report(context, key, qualifiedNameProblem(key));
    report(context, value, labelValueProblem(value));
  }
});

const annotations = textMap.superRefine((map, context) => {
  // Upstream lets annotations have capitals in their prefix.
  for (const key of Object.keys(map)) report(context, key, qualifiedNameProblem(key.toLowerCase()));
});

const finalizers = z
  .array(z.string())
  .max(limits.finalizersPerObjectMax)
  .superRefine((list, context) => {
    for (const finalizer of list) report(context, finalizer, qualifiedNameProblem(finalizer));
  })
  .meta(SET_LIST);

const reference = z.string().min(1).max(253);
const ownerReferences = z
  .array(
    z.strictObject({
      apiVersion: reference,
      kind: reference,
      name: reference,
      uid: reference,
      controller: z.boolean().optional(),
      blockOwnerDeletion: z.boolean().optional(),
    }),
  )
  .max(limits.ownerReferencesPerObjectMax)
  .meta(keyedList('uid'));

/** What the ledger sets itself: whatever a client sends there is passed over. */
const kept = (type: object, description: string) =>
  z
    .unknown()
    .optional()
    .meta({ ...type, description });
const INTEGER = { type: 'integer' } as const;
const INSTANT = { type: 'string', format: 'date-time' } as const;
const MANAGED_FIELDS = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      ...{ manager: { type: 'string' }, operation: { type: 'string' }, time: INSTANT },
      ...{ apiVersion: { type: 'string' }, fieldsType: { type: 'string' } },
      ...{ fieldsV1: { type: 'object' }, subresource: { type: 'string' } },
    },
  },
} as const;

/** The schema of the metadata in a body. What the ledger sets itself is taken and ignored. */
export function metadataBody(nameSchema: z.ZodType<string>) {
  return z
    .strictObject({
      name: nameSchema.optional().describe('Unique among objects of its kind and namespace.'),
      generateName: z
        .string()
        .max(253)
        .nullish()
        .describe('What a name that is made for it begins with, where it has none.'),
      namespace: z.string().max(253).nullish().describe('The project that it is of.'),
      labels: labels.nullish().describe('Keys and values by which objects are selected.'),
      annotations: annotations.nullish().describe('Keys and values that clients keep with it.'),
      finalizers: finalizers
        .nullish()
        .describe(
          'Who has something to do before it is gone. It goes when the last one is removed.',
        ),
      ownerReferences: ownerReferences
        .nullish()
        .describe('Objects that it depends on; recorded only.'),
      uid: z.string().nullish().describe('Unlike its name, this is never given again.'),
      resourceVersion: z
        .string()
        .nullish()
        .describe(
          'The position in the log of its last change. A write that names another is refused.',
        ),
      generation: kept(INTEGER, 'Counts the changes of what is wanted.'),
      creationTimestamp: kept(INSTANT, 'When it was created.'),
      deletionTimestamp: kept(INSTANT, 'When its deletion was asked for.'),
      deletionGracePeriodSeconds: kept(INTEGER, 'Always 0 where there is a deletionTimestamp.'),
      managedFields: kept(MANAGED_FIELDS, 'Which field was written by whom.'),
      selfLink: kept({ type: 'string' }, 'Not in use any more.'),
    })
    .superRefine(({ labels, annotations }, context) => {
      const bytes = jsonBytes(labels) + jsonBytes(annotations);
      if (bytes <= limits.objectMetadataBytesMax) return;
      const message = `labels and annotations may take no more than ${limits.objectMetadataBytesMax} bytes`;
      const params = { reason: 'FieldValueTooLong', shown: `${bytes} bytes` };
      context.addIssue({ code: 'custom', message, path: ['annotations'], params });
    });
}
export type MetadataBody = z.infer<ReturnType<typeof metadataBody>>;

/** Bytes of a value as JSON, which is how the log holds it. */
export function jsonBytes(value: unknown): number {
  return value === undefined || value === null ? 0 : Buffer.byteLength(JSON.stringify(value));
}
