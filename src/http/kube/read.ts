import type { FastifyRequest } from 'fastify';
import type { ObjectKey } from '../../views/views.ts';
import type { HttpDeps } from '../deps.ts';
import { queryValue } from '../query.ts';
import { type Answer, requireObject } from './carry-out.ts';
import type { Kind } from './kind.ts';
import { readResourceVersion } from './resource-version.ts';

/** Answers with one object, as new as the views are. */
export function getObject(
  { views }: HttpDeps,
  kind: Kind,
  key: ObjectKey,
  http: FastifyRequest,
): Answer {
  readResourceVersion(queryValue(http, 'resourceVersion'), views);
  return { code: 200, body: requireObject(views, kind, key).object };
}
