import { describe, expect, test } from 'vitest';
import { LedgerUnavailable } from '../../src/application/request.ts';
import { ANSWERED_REFUSALS } from '../../src/http/refusals.ts';
import { STATUS_CODES } from '../../src/http/status.ts';
import { REFUSALS, type Rejection } from '../../src/ledger/rejections.ts';
import { ViewsBehind } from '../../src/views/views.ts';
import { CLAIMS, claim, type World, world } from './world.ts';

/** The documented list of reasons with their codes: README and clients rely on it. */
const DOCUMENTED = {
  Invalid: 422,
  BadRequest: 400,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Exhausted: 507,
  IdempotencyKeyReused: 422,
  AddressTaken: 409,
  RetainedAddressConflict: 409,
  PoolOverlaps: 409,
  QuotaExceeded: 403,
  ClassNotFound: 422,
  NoDefaultClass: 422,
  NoOfferingPool: 422,
  PrefixLengthRejected: 422,
  FamilyMismatch: 422,
  ScopeRolesMissing: 422,
  InUse: 409,
  Forbidden: 403,
  Unauthorized: 401,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Timeout: 504,
  InternalError: 500,
};

test('the codes are the documented ones, and every refusal has an answer', () => {
  expect({ ...STATUS_CODES }).toEqual(DOCUMENTED);
  expect(ANSWERED_REFUSALS.toSorted()).toEqual([...REFUSALS].sort());
});

function refusing(answer: Rejection | Error): World {
  return world({
    ledger: {
      ready: () => [],
      platform: async () => ({ outcome: 'rejected', rejection: answer as Rejection }),
      authoredPool: async () => ({ outcome: 'rejected', rejection: answer as Rejection }),
      project: async () => {
        if (answer instanceof Error) throw answer;
        return { outcome: 'rejected', rejection: answer };
      },
    },
  });
}

const subject = { kind: 'Network', name: 'net-a' };
const net = 'networks.networking.datumapis.com "net-a"';
const terminating = {
  reason: 'NamespaceTerminating',
  message: 'namespace alpha is being terminated',
  field: 'metadata.namespace',
};

describe('a refusal of the ledger', () => {
  const rows: readonly [Rejection, number, string][] = [
    [
      { reason: 'Invalid', subject, message: 'no such location' },
      422,
      'Network.networking.datumapis.com "net-a" is invalid: no such location',
    ],
    [{ reason: 'NotFound', subject, message: '' }, 404, `${net} not found`],
    [
      { reason: 'NotFound', subject: { kind: 'Namespace', name: 'alpha' }, message: '' },
      404,
      'namespaces "alpha" not found',
    ],
    [{ reason: 'AlreadyExists', subject, message: '' }, 409, `${net} already exists`],
    [
      { reason: 'Conflict', subject, message: 'it is stale' },
      409,
      `Operation cannot be fulfilled on ${net}: it is stale`,
    ],
    [
      { reason: 'Forbidden', subject, message: 'it ends', causes: [terminating] },
      403,
      `${net} is forbidden: it ends`,
    ],
    [{ reason: 'InUse', subject, message: '3 interfaces' }, 409, `${net} is in use: 3 interfaces`],
    [
      { reason: 'AddressTaken', subject, message: 'taken' },
      409,
      `${net} cannot be given its addresses: taken`,
    ],
    [
      { reason: 'Exhausted', subject, message: 'full' },
      507,
      `${net} cannot be given its addresses: full`,
    ],
  ];

  test.each(rows)('$reason', async (rejection, code, message) => {
    const { post } = refusing(rejection);
    const refused = await post(CLAIMS, claim('web-0'));
    expect(refused.code).toBe(code);
    expect(refused.headers['retry-after']).toBeUndefined();
    expect(refused.body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      message,
      reason: rejection.reason,
      code,
      details: { name: rejection.subject.name },
    });
    if (rejection.causes) expect(refused.body.details.causes).toEqual(rejection.causes);
  });
});

describe('a fault', () => {
  test('of a ledger that cannot answer says when to ask again', async () => {
    const { logged, post } = refusing(new LedgerUnavailable('the store is full', 5));
    const refused = await post(CLAIMS, claim('web-0'));
    expect(refused.code).toBe(503);
    expect(refused.headers['retry-after']).toBe('5');
    expect(refused.body).toMatchObject({
      reason: 'ServiceUnavailable',
      message: 'the store is full',
      details: { retryAfterSeconds: 5 },
    });
    expect(logged).toHaveLength(1);
  });

  test('of views that are behind is a timeout', async () => {
    const { post } = refusing(new ViewsBehind('secret'));
    const refused = await post(CLAIMS, claim('web-0'));
    expect([refused.code, refused.body.reason]).toEqual([504, 'Timeout']);
    expect(refused.text).not.toContain('secret');
  });

  test('of the program tells its request id, and the log tells the rest', async () => {
    const { logged, post } = refusing(new TypeError('secret at /home/x'));
    const refused = await post(CLAIMS, claim('web-0'));
    expect([refused.code, refused.body.reason]).toEqual([500, 'InternalError']);
    expect(refused.text).not.toContain('secret');
    const record = JSON.parse(logged[0] ?? '{}');
    expect(record.err.message).toBe('secret at /home/x');
    expect(refused.body.message).toContain(record.reqId);
  });
});
