import { z } from 'zod';
import type { Expectation } from '../../ledger/decision.ts';
import type { Actor, StoredMetadata } from '../../ledger/events.ts';
import type { PlatformCommand } from '../../ledger/platform/decide.ts';
import type { AuthoredPoolCommand } from '../../ledger/pool/life.ts';
import type { ChangeMetadata, ProjectCommand } from '../../ledger/project/decide.ts';
import type { ObjectKey, Views } from '../../views/views.ts';
import type { Message } from '../protobuf.ts';
import type { Resource, StatusCause } from '../status.ts';
import type { Column } from './columns.ts';
import { type MetadataBody, metadataBody } from './metadata.ts';
import { type Shape, shapeOf } from './ownership/shape.ts';

/** A kind of object that is served: everything the generic handlers need to know of it. */
export interface Kind<Spec = unknown> extends KindDefinition<Spec> {
  readonly apiVersion: string;
  /** What the views call it: its name, unless another API has objects of that name, too. */
  readonly viewed: string;
  /** The schema of a whole object in a request's body. */
  readonly bodySchema: z.ZodType<ObjectBody<Spec>>;
  /** How an object is divided into fields that can be owned apart. */
  readonly shape: Shape;
}

/** What a kind's file says of it; the rest follows. */
interface KindDefinition<Spec> extends Resource {
  readonly version: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Names by which clients ask for it together with other kinds. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly nameSchema: z.ZodType<string>;
  readonly specSchema: z.ZodType<Spec>;
  /** What it is, for people. */
  readonly description: string;
  /** What its specs show, where that is more than what bodies are checked by. */
  readonly shownSpecSchema?: z.ZodType;
  /** What its status shows; absent where there is none. */
  readonly statusSchema?: z.ZodType;
  /** What tables show of it. */
  readonly columns: readonly Column[];
  /** Fields that a field selector may name beside name and namespace. */
  readonly selectableFields?: readonly string[];
  /** What only a list shows that selects it by this value of a field, and why no watch can. */
  readonly shownOnDemand?: {
    readonly field: string;
    readonly value: string;
    readonly whyUnwatched: string;
  };
  /** Whether clients report a status, under `/status`. */
  readonly hasStatus?: boolean;
  /** The fields of a body in protobuf, which clients send of kinds that they are built with. */
  readonly message?: Message;
  /** Absent for kinds that clients only read, and for what is kept beside the ledger. */
  readonly writes?: Writes<Spec>;
}

/** How a kind's writes become commands. */
export interface Writes<Spec = unknown> {
  /** The project that decides about an object, or undefined for the platform. */
  projectOf(key: ObjectKey): string | undefined;
  /** Labels that the ledger keeps on an object; a client can neither set nor remove them. */
  ledgerLabels?(spec: Spec): Readonly<Record<string, string>>;
  /** Annotations that the ledger keeps; what a client sends under these keys is passed over. */
  readonly ledgerAnnotations?: readonly string[];
  /** The name of every object of this spec, where the spec says it. */
  nameOf?(spec: Spec): string;
  /** Why no client may do this to an object of this name. */
  nameForbidden?(name: string, verb: 'create' | 'update' | 'delete'): string | undefined;
  /** Whether the spec of a body means nothing to the ledger. */
  readonly ignoresSpec?: boolean;
  /** Fields of the spec that an update may change; none unless there is an `update`. */
  readonly mutableFields?: readonly string[];
  /** What is wrong with a change of mutable fields. */
  changeProblems?(from: Spec, to: Spec): readonly StatusCause[];
  /** Whether clients may delete objects and do nothing else to them. */
  readonly deletesOnly?: boolean;
  /** Whether one request deletes one object only: a mistake would cost too much. */
  readonly deletesSingly?: boolean;
  /** Absent where clients create none. */
  create?(desired: Desired<Spec>, actor: Actor): LedgerCommand;
  /** The command for other metadata, where it is not the usual one. */
  changeMetadata?(command: ChangeMetadata): LedgerCommand;
  /** Absent where no field of the spec may change. */
  update?(desired: Desired<Spec>, expect: Expectation): LedgerCommand;
  remove(key: ObjectKey, expect: Expectation, views: Views): LedgerCommand;
}

/** What a client wants an object to be: checked, and completed with defaults. */
export interface Desired<Spec = unknown> extends ObjectKey {
  readonly spec: Spec;
  readonly metadata: StoredMetadata;
}

/** A command with who decides it: a project, the platform, or both it and a root pool. */
export type LedgerCommand =
  | { readonly project: string; readonly command: ProjectCommand }
  | { readonly project: undefined; readonly command: PlatformCommand }
  | { readonly authoredPool: AuthoredPoolCommand };

/** An object as a client sends it. */
export interface ObjectBody<Spec = unknown> {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: MetadataBody;
  readonly spec: Spec;
  readonly status?: unknown;
}

/** Completes a kind's definition with what follows from it. */
export function defineKind<Spec>(definition: KindDefinition<Spec>): Kind<Spec> {
  const { group, version, nameSchema, specSchema } = definition;
  const bodySchema = z.strictObject({
    apiVersion: z.string().optional(),
    kind: z.string().optional(),
    metadata: metadataBody(nameSchema).default({}),
    // An absent spec is an empty one: what it lacks has defaults, or is named as missing.
    spec: z.preprocess((spec) => spec ?? {}, specSchema),
    status: z.unknown().optional(),
  });
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return {
    ...{ ...definition, apiVersion, viewed: definition.kind, shape: shapeOf(bodySchema) },
    bodySchema: bodySchema as z.ZodType<ObjectBody<Spec>>,
  };
}
