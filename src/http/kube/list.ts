import type { FastifyRequest } from 'fastify';
import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { KubeObject, ObjectKey, ObjectPage, ViewedObject, Views } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue } from '../query.ts';
import { badRequest, invalid, StatusError, shown } from '../status.ts';
import { instantShown, readAsOf } from './as-of.ts';
import { listIdentity, readContinueToken, writeContinueToken } from './continue-token.ts';
import { unsupportedValue } from './field-errors.ts';
import { type FieldSelector, parseFieldSelector } from './field-selector.ts';
import { type Form, LIST_TAIL, readForm } from './forms.ts';
import type { Kind } from './kind.ts';
import { parseLabelSelector } from './label-selector.ts';
import { readResourceVersion } from './resource-version.ts';

/** What a list request asks for. */
interface ListRequest {
  readonly kind: Kind;
  /** Undefined lists all namespaces. */
  readonly namespace: string | undefined;
  /** Objects in one page; undefined is all there are. */
  readonly limit: number | undefined;
  readonly after: ObjectKey | undefined;
  /** The list is of this position. */
  readonly position: Position;
  /** Whether it shows the past as such. */
  readonly isPast: boolean;
  readonly fields: FieldSelector;
  /** Whether the list is of a time in which nothing of it was the asker's. */
  readonly isBefore: boolean;
  /** Undefined when there are no selectors. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** The instant of which what rests is shown; undefined shows objects. */
  readonly restingAtMs: number | undefined;
  /** What a continue token of this list belongs to. */
  readonly identity: string;
  readonly form: Form;
}

/** The text of a list: whole, or in parts when it is long. */
export type ListText = string | AsyncIterable<string>;

/** Lists objects by namespace and name. Every page of one list shows the same instant. */
export function listObjects(
  deps: HttpDeps,
  kind: Kind,
  namespace: string | undefined,
  http: FastifyRequest,
): ListText {
  const { views } = deps;
  const request = readListRequest(deps, kind, namespace, http);
  const first = pageOf(views, request, request.after);
  if (first.next === undefined || request.limit !== undefined) {
    return head(request, first.next) + textOf(request, first) + LIST_TAIL;
  }
  return wholeList(views, request, first);
}

/** The objects that a list request selects, page by page, as they are when it begins. */
export function* listedPages(
  deps: HttpDeps,
  kind: Kind,
  namespace: string | undefined,
  http: FastifyRequest,
): Generator<readonly ViewedObject[]> {
  const { limit, ...request } = readListRequest(deps, kind, namespace, http);
  let after = request.after;
  do {
    const { items, next } = pageOf(deps.views, { ...request, limit: undefined }, after);
    yield items;
    after = next;
  } while (after !== undefined);
}

function head(request: ListRequest, next: ObjectKey | undefined): string {
  const { form, position, identity, restingAtMs: atMs } = request;
  const token = next && writeContinueToken({ position, after: next, atMs }, identity);
  return form.listHead({
    resourceVersion: String(position),
    ...(token ? { continue: token } : {}),
  });
}

function textOf({ form }: ListRequest, { items }: ObjectPage): string {
  return items.map(form.item).join();
}

/**
 * A client that names no limit wants everything. It is read and sent page by page, so that neither
 * memory nor the other clients suffer from a long list.
 */
async function* wholeList(views: Views, request: ListRequest, first: ObjectPage) {
  yield head(request, undefined) + textOf(request, first);
  for (let next = first.next; next !== undefined; ) {
    await new Promise((resolve) => setImmediate(resolve));
    const page = pageOf(views, request, next);
    if (page.items.length > 0) yield `,${textOf(request, page)}`;
    next = page.next;
  }
  yield LIST_TAIL;
}

function pageOf(views: Views, request: ListRequest, after: ObjectKey | undefined): ObjectPage {
  const { kind, namespace, fields, matches, position, isPast, isBefore, restingAtMs } = request;
  if (isBefore) return { items: [], next: undefined };
  const isNow = !isPast && position === views.position;
  if (
    isNow &&
    restingAtMs === undefined &&
    after === undefined &&
    fields.name !== undefined &&
    namespace !== undefined
  ) {
    const one = views.get(kind.viewed, namespace, fields.name);
    const items = one !== undefined && matches?.(one.object) ? [one] : [];
    return { items, next: undefined };
  }
  const limit = Math.min(request.limit ?? limits.pageObjectsMax, limits.pageObjectsMax);
  const at = isPast ? { asOf: position } : { at: isNow ? undefined : position };
  const selection = { ...at, ...(matches && { matches }), restingAtMs };
  return views.list(kind.viewed, { namespace, after, limit, ...selection });
}

function readListRequest(
  deps: HttpDeps,
  kind: Kind,
  namespace: string | undefined,
  http: FastifyRequest,
): ListRequest {
  refuseInitialEvents(http);
  const labelText = queryValue(http, 'labelSelector') ?? '';
  const fieldText = queryValue(http, 'fieldSelector') ?? '';
  const labels = parseLabelSelector(labelText);
  const fields = parseFieldSelector(fieldText, kind);
  const { sees, part, wasPresentAt } = http.grant;
  const matches = (object: KubeObject) =>
    (sees?.(object) ?? true) &&
    labels(object.metadata.labels ?? {}) &&
    fields.matches(object) &&
    // What rests may have been an earlier project's of this name.
    (!fields.isOnDemand || wasPresentAt(BigInt(object.metadata.resourceVersion)));
  const asOf = readAsOf(deps, http);
  // What is shown of the past is something else than what a list of the present goes on with.
  const past = asOf === undefined ? [] : [queryValue(http, 'asOf') ?? ''];
  const identity = listIdentity(kind.viewed, namespace ?? '', labelText, fieldText, part, ...past);
  const { position, after, atMs } = readPlace(deps.views, http, identity, asOf);
  const isBefore = !wasPresentAt(position);
  if (isBefore && asOf === undefined) throw new StatusError('Expired', 'the list is too old');
  const isExact = asOf !== undefined || queryValue(http, 'resourceVersionMatch') === 'Exact';
  const shownMs = () => atMs ?? instantShown(deps, http, isExact ? position : undefined);
  return {
    ...{ kind, namespace, fields, identity, limit: readLimit(queryValue(http, 'limit')) },
    ...{ position, after, isPast: asOf !== undefined, isBefore },
    restingAtMs: fields.isOnDemand ? shownMs() : undefined,
    form: readForm(kind, 'list', http, shownMs),
    matches: labelText === '' && fieldText === '' && sees === undefined ? undefined : matches,
  };
}

/** From where a list goes on, and which instant it shows. */
function readPlace(
  views: Views,
  http: FastifyRequest,
  identity: string,
  asOf: Position | undefined,
) {
  const version = queryValue(http, 'resourceVersion');
  const token = queryValue(http, 'continue');
  const match = queryValue(http, 'resourceVersionMatch') ?? '';
  const asked = readResourceVersion(version, views);
  if (token !== undefined && token !== '') {
    if (asked !== undefined || match !== '') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const place = readContinueToken(token, identity);
    if (place.position <= views.position) return place;
    throw new StatusError('Expired', 'the continue key is of a log that is no longer served');
  }
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    const cause = unsupportedValue('resourceVersionMatch', match, ['Exact', 'NotOlderThan']);
    throw invalid(LIST_OPTIONS, '', [cause]);
  }
  if (match !== '' && !version) {
    throw forbiddenOption('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (match === 'Exact' && asked === undefined) {
    throw forbiddenOption('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  }
  // As for the past: a command is seen whole at each of its positions.
  const exact = match === 'Exact' ? views.commandEnd(asked as Position) : undefined;
  const position = exact ?? asOf ?? views.position;
  return { position, after: undefined, atMs: undefined };
}

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };

function forbiddenOption(text: string): StatusError {
  const cause = { reason: 'FieldValueForbidden', message: `Forbidden: ${text}` };
  return invalid(LIST_OPTIONS, '', [{ ...cause, field: 'resourceVersionMatch' }]);
}

function refuseInitialEvents(http: FastifyRequest): void {
  if (queryValue(http, 'sendInitialEvents')) {
    const message = 'Forbidden: sendInitialEvents is forbidden for list';
    const cause = { reason: 'FieldValueForbidden', message, field: 'sendInitialEvents' };
    throw invalid(LIST_OPTIONS, '', [cause]);
  }
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  if (/^[1-9]\d{0,18}$/.test(text)) return Number(text);
  throw badRequest(`limit: Invalid value: "${shown(text)}": must be a decimal number`);
}
