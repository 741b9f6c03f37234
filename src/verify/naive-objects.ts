import type { EventData, StoredMetadata } from '../ledger/events.ts';
import { check } from './violation.ts';

/** An object as its events tell it. */
export interface NaiveObject {
  readonly uid: string;
  deleting: boolean;
  finalizers: readonly string[];
}

/** One whose spec is kept, since there are few of its kind. */
export interface SpecifiedObject extends NaiveObject {
  spec: unknown;
}

interface Named {
  readonly name: string;
  readonly uid: string;
}

const NONE: readonly string[] = [];

export function finalizersOf(metadata: StoredMetadata): readonly string[] {
  return metadata.finalizers ?? NONE;
}

/** The objects of one kind in one space, by name. */
export class NaiveObjects<T extends NaiveObject> extends Map<string, T> {
  readonly kind: string;

  constructor(kind: string) {
    super();
    this.kind = kind;
  }

  create({ name }: { readonly name: string }, object: T): void {
    const other = super.get(name);
    const found = () => `it is there already, with uid ${other?.uid}`;
    check('object', other === undefined, () => `${this.kind} ${name} is a new one`, found);
    this.set(name, object);
  }

  /** The object of a name, which has to be there and to be this one. */
  find({ name, uid }: Named): T {
    const object = super.get(name);
    const expected = () => `there is a ${this.kind} ${name} of uid ${uid}`;
    check('object', object?.uid === uid, expected, () => {
      return object === undefined ? 'there is none' : `its uid is ${object.uid}`;
    });
    return object as T;
  }

  /** An object goes; what finalizers hold does not. */
  end(named: Named): T {
    const object = this.find(named);
    const { finalizers } = object;
    const expected = `${this.kind} ${named.name} goes when no finalizer holds it`;
    check('object', finalizers.length === 0, expected, () => `it has ${finalizers.join(', ')}`);
    this.delete(named.name);
    return object;
  }

  requestDeletion(named: Named): T {
    const object = this.find(named);
    object.deleting = true;
    return object;
  }

  changeMetadata(data: EventData<'ObjectMetadataChanged'>): void {
    this.find(data).finalizers = finalizersOf(data.metadata);
  }
}

/** The objects of a kind of which everything is kept. */
export class SpecifiedObjects extends NaiveObjects<SpecifiedObject> {
  begin(data: Named & { readonly metadata: StoredMetadata; readonly spec: unknown }): void {
    const { uid, metadata, spec } = data;
    this.create(data, { uid, deleting: false, finalizers: finalizersOf(metadata), spec });
  }

  update(
    data: Named & { readonly metadata?: StoredMetadata | undefined; readonly spec: unknown },
  ): void {
    const object = this.find(data);
    object.spec = data.spec;
    if (data.metadata !== undefined) object.finalizers = finalizersOf(data.metadata);
  }
}
