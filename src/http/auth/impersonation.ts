import type { FastifyRequest } from 'fastify';
import type { Identity } from '../../security/identity.ts';
import { StatusError } from '../status.ts';

const PREFIX = 'impersonate-';
const USER = `${PREFIX}user`;

/**
 * Refuses a request that is to be carried out as somebody else (`kubectl --as`). No role may do
 * that, and with the headers ignored it would be carried out with all that the caller may.
 */
export function refuseImpersonation(
  { headers }: Pick<FastifyRequest, 'headers'>,
  { subject }: Pick<Identity, 'subject'>,
): void {
  for (const header in headers) {
    if (!header.startsWith(PREFIX)) continue;
    const who = `User ${JSON.stringify(subject)} cannot impersonate`;
    const whom = headers[USER];
    const other = whom === undefined ? 'anybody' : `user ${JSON.stringify(whom)}`;
    throw new StatusError('Forbidden', `forbidden: ${who} ${other}: there is no impersonation`);
  }
}
