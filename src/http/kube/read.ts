import type { FastifyRequest } from 'fastify';
import type { ObjectKey } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue } from '../query.ts';
import { notFound } from '../status.ts';
import { instantShown, readAsOf } from './as-of.ts';
import { type Answer, requireObject } from './carry-out.ts';
import { readForm } from './forms.ts';
import type { Kind } from './kind.ts';
import { readResourceVersion } from './resource-version.ts';

/** Answers with one object, as new as the views are, or as it was. */
export function getObject(
  deps: HttpDeps,
  kind: Kind,
  key: ObjectKey,
  http: FastifyRequest,
): Answer {
  const { views } = deps;
  const asOf = readAsOf(deps, http);
  const form = readForm(kind, 'get', http, () => instantShown(deps, http, asOf));
  if (asOf !== undefined) {
    const past = views.getAt(kind.viewed, key.namespace, key.name, asOf);
    const isSeen =
      http.grant.wasPresentAt(asOf) && past && http.grant.sees?.(past.object) !== false;
    if (!isSeen) throw notFound(kind, key.name);
    return { code: 200, text: form.one(past) };
  }
  readResourceVersion(queryValue(http, 'resourceVersion'), views);
  return { code: 200, text: form.one(requireObject(views, http.grant, kind, key)) };
}
