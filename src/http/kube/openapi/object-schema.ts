import type { z } from 'zod';
import type { Kind } from '../kind.ts';
import { isKubeEvent } from '../kinds/kube-events.ts';
import type { Schema } from './structural.ts';

/** The whole of an object of a kind, as documents describe it. */
export function objectSchema(kind: Kind, jsonSchema: (schema: z.ZodType) => Schema): Schema {
  const { group, version, bodySchema, shownSpecSchema, statusSchema, description } = kind;
  const body = jsonSchema(bodySchema);
  const properties = body.properties as Record<string, Schema>;
  const identity = {
    apiVersion: { ...properties.apiVersion, description: 'The group and version of its kind.' },
    kind: { ...properties.kind, description: 'What it is.' },
    metadata: { $ref: 'ObjectMeta#' },
  };
  const named = {
    ...{ ...body, description },
    'x-kubernetes-group-version-kind': [{ group, version, kind: kind.kind }],
  };
  if (isKubeEvent(kind)) return { ...named, properties: { ...properties, ...identity } };
  const spec = shownSpecSchema === undefined ? properties.spec : jsonSchema(shownSpecSchema);
  // A body may hold any status, which means nothing, and no spec where all of it has defaults.
  const { required: _required, ...status } = statusSchema ? jsonSchema(statusSchema) : {};
  return {
    ...named,
    properties: {
      ...identity,
      spec: { description: 'What is wanted.', ...withImmutability(kind, spec ?? {}) },
      status: { description: 'What is the case. Kept by the ledger.', ...status },
    },
    required: spec?.required === undefined ? undefined : ['spec'],
  };
}

const IMMUTABLE = {
  'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'field is immutable' }],
} as const;

/** Says of a spec, or of fields of it, that they are never changed. */
function withImmutability({ writes }: Kind, spec: Schema): Schema {
  if (writes?.create === undefined) {
    return { ...spec, description: 'What it is. Kept by the ledger.' };
  }
  if (writes.ignoresSpec) return spec;
  const { update, mutableFields = [] } = writes;
  if (update === undefined) {
    return { ...spec, description: 'What is wanted. Cannot be changed.', ...IMMUTABLE };
  }
  const properties = Object.entries(spec.properties as Record<string, Schema>).map(
    ([name, schema]) => {
      if (mutableFields.includes(name)) return [name, schema];
      const description = `${schema.description ?? ''} Cannot be changed.`.trim();
      return [name, { ...schema, description, ...IMMUTABLE }];
    },
  );
  return { ...spec, properties: Object.fromEntries(properties) };
}
