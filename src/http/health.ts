import type { FastifyInstance } from 'fastify';
import { ANYONE } from './auth/enforce.ts';
import type { LedgerPort } from './deps.ts';
import { sendText } from './replies.ts';

/** The process answers; and: it does its work, or says what keeps it from it. */
export function addHealth(app: FastifyInstance, ledger: LedgerPort): void {
  app.get(
    '/healthz',
    { schema: textSchema('Whether the process runs'), ...ANYONE },
    (_request, reply) => {
      sendText(reply, 200, 'ok');
    },
  );
  app.get(
    '/readyz',
    { schema: textSchema('Whether requests are served'), ...ANYONE },
    async (_request, reply) => {
      const reasons = await ledger.ready();
      sendText(reply, reasons.length === 0 ? 200 : 503, reasons.join('\n') || 'ok');
      return reply;
    },
  );
}

function textSchema(summary: string) {
  return { summary, tags: ['health'], produces: ['text/plain'] };
}
