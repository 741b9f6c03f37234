import { dnsLabel, SYSTEM_NAMESPACE } from '../../ledger/names.ts';
import type { ViewedObject } from '../../views/views.ts';
import { badRequest, forbidden, invalid, notFound } from '../status.ts';
import { type Answer, carryOut, objectAfter, objectAt } from './carry-out.ts';
import type { Exchange } from './exchange.ts';
import { invalidValue, required } from './field-errors.ts';
import { generatedName } from './generated-name.ts';
import type { Kind, ObjectBody, Writes } from './kind.ts';
import { namespaces } from './kinds/namespaces.ts';
import { readObject, requireAllowedName } from './object-body.ts';
import { ObjectOwners } from './object-owners.ts';
import {
  keptLabelProblems,
  keptMetadata,
  ownableFields,
  sizeProblems,
  storedMetadata,
} from './stored-metadata.ts';
import { ownableIn } from './written-body.ts';

/** The writes of a kind whose objects clients create. */
export type CreatingWrites = Writes & Required<Pick<Writes, 'create'>>;

/**
 * Creates an object and answers with it, complete: a claim's answer has its addresses. Where the
 * body is a configuration that is applied, what it says is owned, and not what it leaves open.
 */
export async function createObject(
  exchange: Exchange,
  kind: Kind,
  writes: CreatingWrites,
  namespace: string,
  body: unknown,
  configuration?: Record<string, unknown>,
): Promise<Answer> {
  const read = readObject(kind, namespace, body, exchange);
  if (read.metadata.resourceVersion) {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const name = nameOf(kind, writes, read, exchange);
  requireOpenNamespace(kind, namespace, name);
  requireAllowedName(kind, writes, name, 'create');
  const key = { namespace, name };
  const { answered, deps } = exchange;
  if (answered !== undefined) {
    const { code, revision } = answered;
    return { code, text: present(objectAt(deps.views, kind, key, revision), kind, name) };
  }
  const kept = keptMetadata(writes, read.spec);
  const plain = storedMetadata(read.metadata, kept);
  const owners = new ObjectOwners(exchange, undefined, kind.shape, kind);
  const made = ownableFields(writes, plain, read.spec);
  const managedFields =
    configuration === undefined
      ? owners.afterUpdate({}, made)
      : owners.apply({}, ownableIn(configuration, made), false).managedFields(made);
  const metadata = storedMetadata(read.metadata, kept, managedFields);
  const causes = [...keptLabelProblems(read.metadata, kept), ...sizeProblems(metadata)];
  if (causes.length > 0) throw invalid(kind, name, causes);
  const desired = { ...key, spec: read.spec, metadata };
  const command = writes.create(desired, exchange.request.actor);
  const accepted = await carryOut(exchange, command);
  return { code: 201, text: present(objectAfter(exchange, kind, key, accepted), kind, name) };
}

/** A namespace that cannot exist does not; the built-in one takes no objects of clients. */
function requireOpenNamespace(kind: Kind, namespace: string, name: string): void {
  if (!kind.namespaced) return;
  if (!dnsLabel.safeParse(namespace).success) throw notFound(namespaces, namespace);
  if (namespace === SYSTEM_NAMESPACE) {
    throw forbidden(kind, name, `namespace ${namespace} is for records of the ledger itself`);
  }
}

function nameOf(kind: Kind, writes: Writes, read: ObjectBody, exchange: Exchange): string {
  const { name, generateName } = read.metadata;
  const only = writes.nameOf?.(read.spec);
  if (only !== undefined) {
    if (name === undefined || name === only) return only;
    throw invalid(kind, name, [invalidValue('metadata.name', name, `must be "${only}"`)]);
  }
  if (name !== undefined) return name;
  if (!generateName) {
    throw invalid(kind, '', [required('metadata.name', 'name or generateName is required')]);
  }
  const generated = generatedName(generateName, exchange.request.commandId);
  const parsed = kind.nameSchema.safeParse(generated);
  if (parsed.success) return generated;
  const message = parsed.error.issues[0]?.message ?? 'is no name';
  const cause = invalidValue('metadata.generateName', generateName, message);
  throw invalid(kind, generated, [cause]);
}

/** What was created is there: its answer waited for the views. */
function present(viewed: ViewedObject | undefined, kind: Kind, name: string): string {
  if (viewed === undefined) throw new Error(`${kind.kind} ${name} is not in the views`);
  return viewed.text;
}
