import type { FastifyInstance } from 'fastify';
import { pathAccess } from './auth/enforce.ts';
import type { HttpDeps } from './deps.ts';

const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** What is measured here, for Prometheus; it names no project and nothing that belongs to one. */
export function addMetrics(app: FastifyInstance, metrics: NonNullable<HttpDeps['metrics']>): void {
  const schema = {
    summary: 'What is measured here, as the text format of Prometheus',
    tags: ['health'],
    produces: ['text/plain'],
  };
  app.get('/metrics', { schema, ...pathAccess('get', '/metrics') }, async (_request, reply) => {
    reply.header('content-type', PROMETHEUS_TEXT);
    return metrics();
  });
}
