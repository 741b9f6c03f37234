import { describe, expect, test } from 'vitest';
import { CLAIMS, claim, INTERFACES, NOW, type World, world } from './world.ts';

const NIC = `${INTERFACES}/web-0`;
const STATUS = `${NIC}/status`;
const SEEDED_AT = '2026-03-01T12:00:00Z';

async function withInterface(): Promise<World> {
  const made = world();
  await made.post(CLAIMS, claim('web-0'));
  return made;
}

const programmed = { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'done' };
const pending = {
  type: 'Prepared',
  status: 'Unknown',
  reason: 'Pending',
  message: '',
  lastTransitionTime: SEEDED_AT,
};

describe('a provider reports', () => {
  test('conditions, attachment and VPC with PUT, and nothing else is changed', async () => {
    const { ledger, get, put } = await withInterface();
    const { body } = await get(STATUS);
    const attachmentRef = { apiGroup: 'x.io', kind: 'Port', name: 'p' };
    const conditions = [
      ...body.status.conditions.slice(0, 2),
      { ...programmed, observedGeneration: 1 },
    ];
    const reported = await put(STATUS, {
      ...body,
      metadata: { ...body.metadata, labels: { mine: '1' } },
      spec: { mtu: 1 },
      status: { ...body.status, conditions, attachmentRef, vpc: 'vpc-1' },
    });
    expect(reported.code).toBe(200);
    expect(reported.headers.warning).toBeUndefined();
    expect(ledger.sent[1]).toMatchObject({ project: 'alpha' });
    expect(ledger.commands[1]).toEqual({
      type: 'ReportInterfaceStatus',
      name: 'web-0',
      expect: { uid: body.metadata.uid, revision: 2 },
      status: {
        conditions: [pending, { ...programmed, observedGeneration: 1, lastTransitionTime: NOW }],
        attachmentRef,
        vpc: 'vpc-1',
      },
    });
    expect(reported.body.status.vpc).toBe('vpc-1');
    expect(reported.body.metadata.labels).toEqual(body.metadata.labels);
  });

  test('one condition with a merge patch, and the other stays', async () => {
    const { ledger, patch } = await withInterface();
    const reported = await patch(STATUS, { status: { conditions: [programmed], vpc: 'v' } });
    expect(reported.code).toBe(200);
    expect(ledger.commands[1]).toMatchObject({
      status: { conditions: [pending, { ...programmed, lastTransitionTime: NOW }], vpc: 'v' },
    });
    await patch(STATUS, { status: { vpc: null } });
    expect(ledger.commands[2]).not.toHaveProperty('status.vpc');
  });

  test('an instant of its own, which moves with the status alone', async () => {
    const { ledger, patch } = await withInterface();
    const at = '2026-03-02T07:59:59Z';
    const send = (condition: object) => patch(STATUS, { status: { conditions: [condition] } });
    await send({ ...programmed, lastTransitionTime: at });
    await send({ ...programmed, message: 'still', lastTransitionTime: '2026-03-02T09:00:00Z' });
    await send({ ...programmed, status: 'False', reason: 'Lost' });
    const instants = ledger.commands.slice(1).map((command) => {
      const { status } = command as { status: { conditions: { lastTransitionTime: string }[] } };
      return status.conditions[1]?.lastTransitionTime;
    });
    expect(instants).toEqual([at, at, NOW]);
  });

  test('what is already so, and nothing is written', async () => {
    const { ledger, get, put, patch } = await withInterface();
    const { body } = await get(STATUS);
    const same = await put(STATUS, body);
    expect([same.code, same.body]).toEqual([200, body]);
    expect((await patch(STATUS, { status: {} })).code).toBe(200);
    expect((await patch(STATUS, { metadata: { labels: { a: 'b' } } })).code).toBe(200);
    expect(ledger.sent).toHaveLength(1);
  });

  test('what is the ledger\u2019s, and is told that it was ignored', async () => {
    const { ledger, patch } = await withInterface();
    const conditions = [programmed, { type: 'Allocated', status: 'False' }, { type: 'Mine', x: 1 }];
    const reported = await patch(STATUS, { status: { phase: 'Lost', conditions } });
    expect(reported.code).toBe(200);
    expect(reported.headers.warning).toEqual([
      '299 - "status.phase is kept by the ledger: it was ignored"',
      '299 - "condition \\"Allocated\\" is kept by the ledger: it was ignored"',
      '299 - "condition \\"Mine\\" is none of Prepared and Programmed: it was ignored"',
    ]);
    expect(ledger.commands[1]).toMatchObject({ status: { conditions: [pending, programmed] } });
    expect(JSON.stringify(ledger.commands[1])).not.toContain('Lost');
  });
});

describe('a report is refused', () => {
  const condition = (change: object) => ({
    status: { conditions: [{ ...programmed, ...change }] },
  });
  test.each([
    ['status', condition({ status: 'Yes' }), 422, 'status.conditions[0].status'],
    ['reason', condition({ reason: '' }), 422, 'status.conditions[0].reason'],
    ['no reason', condition({ reason: null }), 422, 'status.conditions[0].reason'],
    ['message', condition({ message: 'x'.repeat(32_769) }), 422, 'status.conditions[0].message'],
    [
      'instant',
      condition({ lastTransitionTime: 'now' }),
      422,
      'status.conditions[0].lastTransition',
    ],
    ['generation', condition({ observedGeneration: -1 }), 422, 'observedGeneration'],
    [
      'unknown field',
      condition({ colour: 'x' }),
      400,
      'unknown field "status.conditions[0].colour"',
    ],
    ['twice', { status: { conditions: [programmed, programmed] } }, 422, 'status.conditions[1]'],
    ['no type', { status: { conditions: [{}] } }, 422, 'status.conditions[0].type'],
    ['no list', { status: { conditions: {} } }, 422, 'status.conditions'],
    ['no status', { status: null }, 422, 'status: Required value'],
    [
      'attachment',
      { status: { attachmentRef: { name: 'x' } } },
      422,
      'status.attachmentRef.apiGroup',
    ],
    ['vpc', { status: { vpc: 7 } }, 422, 'status.vpc'],
    ['stale version', { metadata: { resourceVersion: '1' }, ...condition({}) }, 409, 'modified'],
    ['another uid', { metadata: { uid: 'x' }, ...condition({}) }, 409, 'UID in precondition: x'],
    ['another name', { metadata: { name: 'x' }, ...condition({}) }, 400, 'name on the URL'],
    ['another kind', { kind: 'Pod', ...condition({}) }, 400, 'cannot be handled'],
  ])('with a wrong %s', async (_what, body, code, message) => {
    const { ledger, patch } = await withInterface();
    const refused = await patch(STATUS, body);
    expect(refused.code).toBe(code);
    expect(refused.body.message).toContain(message);
    expect(ledger.sent).toHaveLength(1);
  });

  test('when there is no such interface, or its name was given to another', async () => {
    const { ledger, get, put, patch } = await withInterface();
    expect((await patch(`${INTERFACES}/other/status`, condition({}))).code).toBe(404);
    const { body } = await get(STATUS);
    ledger.before = [() => ledger.put('NetworkInterface', 'alpha', 'web-0', { status: {} })];
    const refused = await put(STATUS, { ...body, ...condition({}) });
    expect([refused.code, refused.body.reason]).toEqual([409, 'Conflict']);
  });
});

test('only interfaces have a status to report', async () => {
  const { get } = await withInterface();
  expect((await get(`${CLAIMS}/web-0/status`)).code).toBe(404);
});
