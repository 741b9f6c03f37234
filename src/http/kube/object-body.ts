import type { ObjectKey } from '../../views/views.ts';
import { isObject } from '../json-body.ts';
import { badRequest, forbidden, shown, shownValue } from '../status.ts';
import type { Exchange } from './exchange.ts';
import { readBySchema } from './field-validation.ts';
import type { Kind, ObjectBody, Writes } from './kind.ts';

/**
 * Reads an object out of a request's body: the right kind, no unknown fields, every field as its
 * schema says, defaults filled in, and the namespace of the path.
 */
export function readObject<Spec>(
  kind: Kind<Spec>,
  namespace: string,
  body: unknown,
  exchange: Exchange,
): ObjectBody<Spec> {
  requireType(kind, body);
  const read = readBySchema(kind.bodySchema, body, kind, nameIn(body), exchange);
  requireNamespace(namespace, read.metadata.namespace);
  return read;
}

/** Refuses a body of another version or kind. One that names neither is taken for the path's. */
export function requireType(
  { apiVersion, kind, version }: Pick<Kind, 'apiVersion' | 'kind' | 'version'>,
  body: unknown,
): void {
  if (!isObject(body)) throw badRequest('the body must be a JSON object');
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersion) {
    const given = named(body.apiVersion);
    const message = `the API version in the data (${given}) does not match the expected API version (${apiVersion})`;
    throw badRequest(message);
  }
  if (body.kind !== undefined && body.kind !== kind) {
    const given = named(body.kind);
    throw badRequest(`${given} in version "${version}" cannot be handled as a ${kind}`);
  }
}

/** A version or kind as a body has it, which may be anything: an object may not even be a text. */
function named(value: unknown): string {
  return typeof value === 'string' ? shown(value) : shownValue(value);
}

/** The namespace in a body, where there is one, is the path's; cluster-scoped kinds have none. */
export function requireNamespace(path: string, body: string | null | undefined): void {
  if (!body || body === path) return;
  const message =
    'the namespace of the provided object does not match the namespace sent on the request';
  throw badRequest(message);
}

/** Refuses writes to objects that no client may have a say in. */
export function requireAllowedName(
  kind: Kind,
  writes: Writes,
  name: string,
  verb: 'create' | 'update' | 'delete',
): void {
  const why = writes.nameForbidden?.(name, verb);
  if (why !== undefined) throw forbidden(kind, name, why);
}

/** The name in a body that replaces an object is the path's. */
export function requireName({ name }: ObjectKey, body: string | undefined): void {
  if (body === name) return;
  const given = shown(body ?? '');
  const message = `the name of the object (${given}) does not match the name on the URL (${name})`;
  throw badRequest(message);
}

/** The name that a body gives, for messages: nothing is known of its form yet. */
function nameIn(body: unknown): string {
  const metadata = isObject(body) ? body.metadata : undefined;
  const name = isObject(metadata) ? (metadata.name ?? metadata.generateName) : undefined;
  return typeof name === 'string' ? name : '';
}
