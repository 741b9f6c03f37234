import type { FastifyRequest } from 'fastify';
import { limits } from '../../limits.ts';
import type { Position } from '../../store/store.ts';
import type { KubeObject } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue } from '../query.ts';
import { badRequest, invalid, type StatusCause } from '../status.ts';
import { unsupportedValue } from './field-errors.ts';
import { parseFieldSelector } from './field-selector.ts';
import { type Form, readForm } from './forms.ts';
import type { Kind } from './kind.ts';
import { parseLabelSelector } from './label-selector.ts';
import { parseResourceVersion, readResourceVersion } from './resource-version.ts';

/** What a watch asks for. */
export interface WatchRequest {
  readonly kind: Kind;
  /** Undefined watches all namespaces. */
  readonly namespace: string | undefined;
  /** The same for all that ask for the same objects of a kind in the same form. */
  readonly selection: string;
  /** The only name that can match, where the selector says it. */
  readonly name: string | undefined;
  /** Undefined when there are no selectors. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** Go on after this position; undefined begins with every object that there is. */
  readonly after: Position | undefined;
  /** Whether the end of the objects that there are is marked. */
  readonly marksInitialEnd: boolean;
  readonly form: Form;
  readonly hasBookmarks: boolean;
  readonly lastsMs: number;
}

/** Whether a request of a list's path is a watch. */
export function isWatch(http: FastifyRequest): boolean {
  return http.method === 'GET' && queryFlag(http, 'watch') === true;
}

/** Reads what a watch asks for; refuses what contradicts itself. */
export function readWatchRequest(
  deps: HttpDeps,
  kind: Kind,
  namespace: string | undefined,
  http: FastifyRequest,
): WatchRequest {
  const labelText = queryValue(http, 'labelSelector') ?? '';
  const fieldText = queryValue(http, 'fieldSelector') ?? '';
  const labels = parseLabelSelector(labelText);
  const fields = parseFieldSelector(fieldText, kind);
  if (fields.isOnDemand) {
    const why = kind.shownOnDemand?.whyUnwatched;
    throw badRequest(`fieldSelector "${fieldText}" cannot be watched: ${why}`);
  }
  const form = readForm(kind, 'watch', http, () => deps.clock().getTime());
  const { sees, part } = http.grant;
  const matches = (object: KubeObject) =>
    (sees?.(object) ?? true) && labels(object.metadata.labels ?? {}) && fields.matches(object);
  return {
    ...{ kind, namespace: kind.namespaced ? namespace : '', name: fields.name },
    selection: JSON.stringify([namespace, labelText, fieldText, part, form.key]),
    matches: labelText === '' && fieldText === '' && sees === undefined ? undefined : matches,
    form,
    ...readStart(deps, http),
    hasBookmarks: queryFlag(http, 'allowWatchBookmarks') ?? false,
    lastsMs: readDuration(deps, queryValue(http, 'timeoutSeconds')),
  };
}

/** Where a watch begins. */
function readStart({ views }: HttpDeps, http: FastifyRequest) {
  const sendsInitial = queryFlag(http, 'sendInitialEvents');
  requireMatch(sendsInitial, queryValue(http, 'resourceVersionMatch') ?? '');
  const version = queryValue(http, 'resourceVersion');
  if (sendsInitial !== true) {
    const asked = parseResourceVersion(version);
    // Without the objects that there are, any instant will do for the beginning: this one.
    const after = sendsInitial === false ? (asked ?? views.position) : asked;
    return { after, marksInitialEnd: false };
  }
  // The present state is not older than any version that there has been.
  readResourceVersion(version, views);
  return { after: undefined, marksInitialEnd: true };
}

function requireMatch(sendsInitial: boolean | undefined, match: string): void {
  const causes: StatusCause[] = [];
  const forbid = (text: string) => {
    const cause = { reason: 'FieldValueForbidden', message: `Forbidden: ${text}` };
    causes.push({ ...cause, field: 'resourceVersionMatch' });
  };
  if (sendsInitial !== undefined && match !== 'NotOlderThan') {
    forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (sendsInitial === undefined && match !== '') {
    forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (match !== '' && match !== 'NotOlderThan') {
    causes.push(unsupportedValue('resourceVersionMatch', match, ['NotOlderThan']));
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
}

/** A watch without a time lasts some time between two bounds, so that not all end at once. */
function readDuration({ random }: HttpDeps, text: string | undefined): number {
  const { watchMsMin, watchMsMax } = limits;
  if (text === undefined || text === '' || text === '0') {
    return watchMsMin + Math.floor(random() * (watchMsMax - watchMsMin));
  }
  if (/^\d{1,15}$/.test(text)) return Math.min(Number(text) * 1_000, watchMsMax);
  throw badRequest(`timeoutSeconds: Invalid value: "${text}": must be a decimal number`);
}

/** As upstream reads a flag: everything but two texts means true, the empty one included. */
function queryFlag(http: FastifyRequest, name: string): boolean | undefined {
  const text = queryValue(http, name);
  return text === undefined ? undefined : text.toLowerCase() !== 'false' && text !== '0';
}
