import { limits } from '../../limits.ts';
import type { ObjectKey } from '../../views/views.ts';
import { requireGrant } from '../auth/enforce.ts';
import { conflict, notFound, qualifiedResource, StatusError } from '../status.ts';
import type { Answer } from './carry-out.ts';
import { type CreatingWrites, createObject } from './create.ts';
import { asCreation, type Exchange } from './exchange.ts';
import type { Kind, Writes } from './kind.ts';
import { requireName } from './object-body.ts';
import { updateObject } from './update.ts';
import { type Configuration, namedConfiguration } from './written-body.ts';

/**
 * Applies a configuration to an object, which comes into being with it if it is not there. When
 * somebody else creates or deletes it meanwhile, what is right then is tried instead.
 */
export async function applyObject(
  exchange: Exchange,
  kind: Kind,
  writes: Writes,
  key: ObjectKey,
  written: Configuration,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const isThere = isAnswerOfChange(exchange, kind, key);
    try {
      if (isThere) return await updateObject(exchange, kind, writes, key, written);
      return await createByConfiguration(exchange, kind, writes, key, written);
    } catch (error) {
      const meanwhile = isThere ? 'NotFound' : 'AlreadyExists';
      const isRace = error instanceof StatusError && error.reason === meanwhile;
      const isStill = isAnswerOfChange(exchange, kind, key) === isThere;
      if (!isRace || isStill || attempt === limits.unconditionalWriteAttemptsMax) throw error;
    }
  }
}

/** Whether the object is there to be changed; or was, when the request is a repeated one. */
function isAnswerOfChange({ answered, deps }: Exchange, kind: Kind, key: ObjectKey): boolean {
  if (answered !== undefined) return answered.code !== 201;
  return deps.views.get(kind.kind, key.namespace, key.name) !== undefined;
}

async function createByConfiguration(
  exchange: Exchange,
  kind: Kind,
  writes: Writes,
  key: ObjectKey,
  { configuration }: Configuration,
): Promise<Answer> {
  const { create } = writes;
  const { grant, deps } = exchange;
  if (create === undefined) throw notFound(kind, key.name);
  const namespace = kind.namespaced ? key.namespace : undefined;
  const action = { verb: 'create', resource: qualifiedResource(kind), namespace } as const;
  requireGrant(grant.identity, action, kind, deps.views);
  const body = namedConfiguration(configuration, key);
  requireNothingBefore(kind, key, body.metadata);
  const creating: CreatingWrites = { ...writes, create };
  const made = structuredClone(body);
  return createObject(asCreation(exchange), kind, creating, key.namespace, made, configuration);
}

/** Who knows the object that they mean to change does not mean to create it. */
function requireNothingBefore(
  kind: Kind,
  key: ObjectKey,
  { name, uid, resourceVersion }: Record<string, unknown>,
): void {
  requireName(key, typeof name === 'string' ? name : undefined);
  if (uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(kind, key.name, why);
  }
  if (!resourceVersion) return;
  const why = 'the provided object specified a resourceVersion, and no existing object was found';
  throw conflict(kind, key.name, why);
}
