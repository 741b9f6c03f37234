import type { EventType } from '../../src/ledger/events.ts';
import type { Placed, Present, Touch } from '../../src/views/projection.ts';
import type { KubeObject } from '../../src/views/views.ts';

type Named = { readonly data: { readonly name: string } };

/** Names the object that an event names itself. */
export const byName = ({ data }: Named): readonly string[] => [data.name];

/** Names the object of an event that is about objects of every kind, when it is of this one. */
export function ofKind(kind: string) {
  return ({
    data,
  }: Placed<
    'ObjectMetadataChanged' | 'DeletionRequested' | 'RetentionExpiring'
  >): readonly string[] => (data.kind === kind ? [data.name] : []);
}

/** A touch that ends the object. */
export const ends = { names: byName, next: () => undefined };

/** A touch of an object that must be there: an event about one that is not is a fault. */
export function changes<T extends EventType>(
  names: Touch<NoInfer<T>>['names'],
  change: (object: KubeObject, event: Placed<NoInfer<T>>, present: Present) => KubeObject,
): Touch<T> {
  return {
    names,
    next: (object, event, present) => {
      if (object !== undefined) return change(object, event, present);
      throw new Error(`${event.type} at ${event.position} is about an object that is not there`);
    },
  };
}
