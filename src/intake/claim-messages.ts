import { z } from 'zod';
import { isObject, refuseUnsafe } from '../http/json-body.ts';
import { readBySchema } from '../http/kube/field-validation.ts';
import { type BatchItem, claimOf, deletion } from '../http/ledger/batch-body.ts';
import { type ClaimKind, namespaceIn } from '../http/ledger/claims-batch.ts';
import { badRequest, shown } from '../http/status.ts';
import { dnsLabel } from '../ledger/names.ts';
import type { Message } from '../store/messages.ts';

/** The stream in which a source asks. */
export function commandStream(source: string): string {
  return `claimCommands-${source}`;
}

/** The stream in which it is answered: reply n answers command n. */
export function replyStream(source: string): string {
  return `claimReplies-${source}`;
}

/** The type of all replies. */
export const REPLY_TYPE = 'CommandAnswered';

/** The data of a reply. */
export const claimReply = z.strictObject({
  command: z.int().min(0).describe('Which command it answers: that revision of its stream.'),
  id: z.string().describe('The id of the event that the command is.'),
  code: z
    .int()
    .describe('What an HTTP request would be answered: 201, 200 or the code of a refusal.'),
  object: z.looseObject({}).optional().describe('The claim as the command left it.'),
  reason: z.string().optional().describe('Why it is refused, for a program.'),
  message: z.string().optional().describe('Why it is refused, for a person.'),
});
export type ClaimReply = z.infer<typeof claimReply>;

/** The data of each type of command. */
export function commandSchemas(claims: ClaimKind) {
  const placed = z.looseObject({ metadata: z.looseObject({ namespace: dnsLabel }) });
  return { ClaimRequested: z.intersection(placed, claims.bodySchema), ClaimReleased: deletion };
}

/** A command as far as it is known before it is decided. */
export interface ClaimCommand {
  readonly verb: 'Create' | 'Delete';
  readonly item: BatchItem;
  readonly project: string;
}

const RELEASE = { group: '', kind: 'ClaimReleased', version: 'v1' } as const;

/** Reads a message. What is no command is thrown as its refusal. */
export function readCommand({ type, data }: Pick<Message, 'type' | 'data'>): ClaimCommand {
  if (type !== 'ClaimRequested' && type !== 'ClaimReleased') {
    const known = 'there are ClaimRequested and ClaimReleased';
    throw badRequest(`"${shown(type)}" is no type of command: ${known}`);
  }
  if (!isObject(data)) throw badRequest('the data is no JSON object');
  refuseUnsafe(data);
  if (type === 'ClaimReleased') {
    const strict = { fieldValidation: 'Strict', warn: () => {} } as const;
    const item = { delete: readBySchema(deletion, data, RELEASE, '', strict) };
    return { verb: 'Delete', item, project: item.delete.namespace };
  }
  const project = namespaceIn(data);
  if (!project) throw badRequest('metadata.namespace: the name of a project is required');
  return { verb: 'Create', item: { create: data }, project };
}

/** The claim that a message is about, as far as its name is known before it is read. */
export function subjectOf({ type, data }: Pick<Message, 'type' | 'data'>): string | undefined {
  if (!isObject(data)) return undefined;
  return claimOf(type === 'ClaimReleased' ? { delete: data as never } : { create: data });
}
