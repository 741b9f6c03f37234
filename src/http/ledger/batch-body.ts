import { z } from 'zod';
import { limits } from '../../limits.ts';
import { isObject } from '../json-body.ts';
import { isIdempotencyKey, KEY_FORM } from '../kube/exchange.ts';
import { readBySchema, type Validation } from '../kube/field-validation.ts';

/** Which claim is to be deleted; with a uid, that one and no later one of its name. */
export const deletion = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  uid: z.string().optional(),
});

const item = z
  .strictObject({
    idempotencyKey: z.string().optional(),
    // Checked when the item's turn comes: what is wrong with it is that item's answer.
    create: z.unknown().optional().describe('A NetworkInterfaceClaim with metadata.namespace.'),
    delete: deletion.optional(),
  })
  .superRefine((one, context) => {
    if ((one.create === undefined) === (one.delete === undefined)) {
      const message = 'must have either create or delete';
      context.addIssue({ code: 'custom', message, params: { shown: Object.keys(one).join(', ') } });
    }
    const { idempotencyKey: key } = one;
    if (key === undefined || isIdempotencyKey(key)) return;
    context.addIssue({ code: 'custom', message: KEY_FORM, path: ['idempotencyKey'] });
  });

/** The schema of a batch of claims. */
export const batchBody = z.strictObject({
  items: z.array(item).min(1).max(limits.batchItemsMax),
});
export type BatchItem = z.infer<typeof item>;

/** What a batch is called in refusals of it. */
export const BATCH = { group: '', kind: 'ClaimBatch', version: 'v1' } as const;

/** Reads the envelope of a batch: whatever is wrong with that refuses it whole. */
export function readBatchBody(body: unknown, validation: Validation): readonly BatchItem[] {
  return readBySchema(batchBody, body, BATCH, '', validation).items;
}

/** The claim that an item is about, as far as its name is known before it is decided. */
export function claimOf({ create, delete: gone }: BatchItem): string | undefined {
  if (gone !== undefined) return `${gone.namespace}/${gone.name}`;
  const metadata = isObject(create) ? create.metadata : undefined;
  if (!isObject(metadata) || typeof metadata.name !== 'string') return undefined;
  return `${metadata.namespace}/${metadata.name}`;
}
