import type { FastifyRequest } from 'fastify';

/** All values of a query parameter, in order. */
export function queryValues(request: Pick<FastifyRequest, 'query'>, name: string): string[] {
  const query = request.query as Readonly<Record<string, string | string[] | undefined>>;
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The first value of a query parameter, as upstream reads one that is given twice. */
export function queryValue(
  request: Pick<FastifyRequest, 'query'>,
  name: string,
): string | undefined {
  return queryValues(request, name)[0];
}
