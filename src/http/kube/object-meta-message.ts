import type { Message } from '../protobuf.ts';

/**
 * The metadata of objects by the field numbers of upstream, but for what the ledger sets itself.
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/apis/meta/v1/generated.proto
 */
export const OBJECT_META: Message = {
  ...{ 1: ['name', 'text'], 2: ['generateName', 'text'], 3: ['namespace', 'text'] },
  ...{ 5: ['uid', 'text'], 6: ['resourceVersion', 'text'] },
  ...{ 11: ['labels', 'textMap'], 12: ['annotations', 'textMap'], 14: ['finalizers', 'texts'] },
  13: [
    'ownerReferences',
    [
      {
        ...{ 1: ['kind', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'] },
        ...{ 5: ['apiVersion', 'text'], 6: ['controller', 'flag'] },
        7: ['blockOwnerDeletion', 'flag'],
      },
    ],
  ],
};
