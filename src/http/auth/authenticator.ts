import type { FastifyRequest } from 'fastify';
import type { Identity } from '../../security/identity.ts';
import { requireLoopback } from '../loopback.ts';
import { StatusError } from '../status.ts';

type Headers = Pick<FastifyRequest, 'headers'>;

/** Tells who sends a request. Refuses who may not send any. */
export interface Authenticator {
  /** Refuses what is not even to be answered whether the service is healthy. */
  admit(request: Headers): void;
  identify(request: Headers): Identity;
}

/** Without authentication every caller on this machine is an operator. */
export const INSECURE_IDENTITY: Identity = {
  issuer: 'netalloc',
  subject: 'insecure-http',
  role: 'operator',
  projects: [],
  locations: [],
  whenEnded: () => () => {},
};

/** For plain HTTP on loopback: no authentication, and a fence against web pages. */
export const loopbackOnly: Authenticator = {
  admit: requireLoopback,
  identify: () => INSECURE_IDENTITY,
};

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** For requests that carry a token (RFC 6750, section 2.1). */
export function bearerTokens(find: (token: string) => Identity | undefined): Authenticator {
  return {
    admit: () => {},
    identify: ({ headers }) => {
      const token = BEARER.exec(headers.authorization ?? '')?.[1];
      const identity = token === undefined ? undefined : find(token);
      if (identity === undefined) throw unauthorized();
      return identity;
    },
  };
}

/** Says nothing of why: a guess should learn nothing from its answer. */
export function unauthorized(): StatusError {
  const headers = { 'www-authenticate': 'Bearer realm="netalloc"' };
  return new StatusError('Unauthorized', 'Unauthorized', undefined, headers);
}
