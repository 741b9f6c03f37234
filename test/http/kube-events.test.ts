import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { realService } from './real-service.ts';
import { ALPHA, CLAIMS, claim, INTERFACES, LOCATIONS, location, NAMESPACES } from './world.ts';

const real = realService('kube-events');

const EVENTS = '/api/v1/namespaces/alpha/events';
const GROUP_EVENTS = '/apis/events.k8s.io/v1/namespaces/alpha/events';
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
type Event = any;

async function eventsOf(kind: string, name: string): Promise<Event[]> {
  const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
  return (await real.get(`${EVENTS}?fieldSelector=${selector}`)).body.items;
}

const told = (events: Event[]) =>
  events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

/** An Event as client-go's recorder sends it. */
function sent(name: string, rest: object = {}) {
  return {
    metadata: { name, namespace: 'alpha', creationTimestamp: null },
    involvedObject: { kind: 'NetworkInterface', namespace: 'alpha', name: 'web-0', uid: 'u-1' },
    ...{ reason: 'Programming', message: 'sets it up', type: 'Normal', count: 1 },
    source: { component: 'provider' },
    ...{ firstTimestamp: '2026-03-02T08:00:00Z', lastTimestamp: '2026-03-02T08:00:00Z' },
    ...{ eventTime: null, reportingComponent: 'provider', reportingInstance: '' },
    ...rest,
  };
}

describe('decisions are told', () => {
  test('of a claim: that it waits and why, and what it is bound to', async () => {
    await real.send('POST', CLAIMS, claim('web-0', { location: { name: 'lhr' } }));
    expect(told(await eventsOf('NetworkInterfaceClaim', 'web-0'))).toEqual([
      expect.stringMatching(/^Warning Waiting: LocationNotFound: /),
    ]);
    await real.send('POST', LOCATIONS, location('lhr'));
    await expect
      .poll(async () => told(await eventsOf('NetworkInterfaceClaim', 'web-0')))
      .toEqual([
        expect.stringContaining('Waiting'),
        expect.stringMatching(/^Normal Bound: has interface "web-0" with fd20::.*\/96$/),
      ]);
  });

  test('as Events of both groups, which name the very object', async () => {
    const { body } = await real.send('POST', CLAIMS, claim('web-1'));
    const [event] = await eventsOf('NetworkInterfaceClaim', 'web-1');
    expect(event).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        ...{ name: expect.stringMatching(/^web-1\.[0-9a-f]{16}$/), namespace: 'alpha' },
        ...{ uid: expect.any(String), resourceVersion: expect.stringMatching(/^[1-9]\d*$/) },
        creationTimestamp: '2026-03-02T08:00:00Z',
      },
      involvedObject: {
        ...{ apiVersion: 'networking.datumapis.com/v1alpha', kind: 'NetworkInterfaceClaim' },
        ...{ name: 'web-1', namespace: 'alpha', uid: body.metadata.uid },
      },
      ...{ type: 'Normal', reason: 'Bound', action: 'Bound', count: 1 },
      message: expect.stringContaining('has interface "web-1"'),
      source: { component: 'netalloc' },
      ...{ firstTimestamp: '2026-03-02T08:00:00Z', lastTimestamp: '2026-03-02T08:00:00Z' },
      eventTime: '2026-03-02T08:00:00.123000Z',
      ...{ reportingComponent: 'netalloc', reportingInstance: 'netalloc' },
    });
    const other = (await real.get(`${GROUP_EVENTS}/${event.metadata.name}`)).body;
    expect(other).toMatchObject({
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: event.metadata },
      ...{ regarding: event.involvedObject, note: event.message },
      ...{ deprecatedSource: event.source, reportingController: 'netalloc' },
    });
    expect(other).not.toHaveProperty('message');
    const selector = `regarding.uid=${body.metadata.uid}`;
    const selected = await real.get(`${GROUP_EVENTS}?fieldSelector=${selector}`);
    expect(selected.body.items).toEqual([other]);
  });

  test('of an interface: that it is kept, bound again, and lets its addresses go', async () => {
    await real.send('POST', CLAIMS, claim('kept', { reclaimPolicy: 'Retain' }));
    await real.send('DELETE', `${CLAIMS}/kept`);
    await real.send('POST', CLAIMS, claim('kept', { reclaimPolicy: 'Retain' }));
    await real.send('DELETE', `${CLAIMS}/kept`);
    await real.send('DELETE', `${INTERFACES}/kept`);
    expect(told(await eventsOf('NetworkInterface', 'kept'))).toEqual([
      'Normal Retained: keeps its addresses until they are released by hand',
      'Normal Retained: keeps its addresses until they are released by hand',
      expect.stringMatching(/^Normal Released: fd20::.*\/96 rests until 2026-03-02T08:02:30/),
    ]);
    expect(told(await eventsOf('NetworkInterfaceClaim', 'kept'))).toEqual([
      expect.stringContaining('has interface "kept" with fd20:'),
      'Normal Bound: has interface "kept" with the addresses that it has kept',
    ]);
  });

  test('as a table with the columns of kubectl', async () => {
    const { body } = await real.send('GET', EVENTS, undefined, TABLE);
    const shown = body.columnDefinitions.filter((one: Event) => one.priority === 0);
    expect(shown.map((one: Event) => one.name)).toEqual([
      ...['Last Seen', 'Type', 'Reason', 'Object', 'Message'],
    ]);
    expect(body.rows[0].cells.slice(1, 4)).toEqual([
      ...['Normal', 'Bound', 'networkinterfaceclaim/kept'],
    ]);
  });

  test('page by page', async () => {
    const all = (await real.get(EVENTS)).body;
    const names: string[] = [];
    let token = '';
    do {
      const { body } = await real.get(`${EVENTS}?limit=2&continue=${token}`);
      names.push(...body.items.map(({ metadata }: Event) => metadata.name));
      token = body.metadata.continue ?? '';
    } while (token !== '');
    expect(names).toEqual(all.items.map(({ metadata }: Event) => metadata.name));
    expect(names.length).toBeGreaterThan(4);
  });

  test('and are nobody’s to change', async () => {
    const [event] = await eventsOf('NetworkInterface', 'kept');
    const url = `${EVENTS}/${event.metadata.name}`;
    const refused = await real.send('PATCH', url, { message: 'other' });
    expect([refused.code, refused.body.reason]).toEqual([403, 'Forbidden']);
    expect((await real.send('PUT', url, event)).code).toBe(403);
    expect((await real.send('DELETE', url)).code).toBe(405);
  });
});

describe('what controllers say', () => {
  test('is kept as it was sent, in both groups, and said again by a patch', async () => {
    const made = await real.send('POST', EVENTS, sent('web-0.1'));
    expect(made.code).toBe(201);
    expect(made.body).toMatchObject({
      ...{ reason: 'Programming', source: { component: 'provider' }, count: 1 },
      metadata: { name: 'web-0.1', namespace: 'alpha', uid: expect.any(String) },
    });
    const again = { count: 2, lastTimestamp: '2026-03-02T08:05:00Z' };
    const said = await real.send('PATCH', `${EVENTS}/web-0.1`, again, STRATEGIC);
    expect([said.code, said.body]).toEqual([200, { ...made.body, ...again }]);
    expect((await real.get(`${GROUP_EVENTS}/web-0.1`)).body).toMatchObject({
      ...{ note: 'sets it up', deprecatedCount: 2, reportingController: 'provider' },
    });
  });

  test('in the words of events.k8s.io is read in those of the core group', async () => {
    const { involvedObject, message, ...rest } = sent('web-0.2');
    const made = await real.send('POST', GROUP_EVENTS, {
      metadata: rest.metadata,
      ...{ regarding: involvedObject, note: message, reason: 'Programming', type: 'Normal' },
      ...{ action: 'Program', eventTime: '2026-03-02T08:00:00.000001Z' },
      ...{ reportingController: 'provider', reportingInstance: 'p-1' },
    });
    expect([made.code, made.body.apiVersion]).toEqual([201, 'events.k8s.io/v1']);
    const core = (await real.get(`${EVENTS}/web-0.2`)).body;
    expect(core).toMatchObject({ involvedObject, message, reportingComponent: 'provider' });
    const series = { count: 2, lastObservedTime: '2026-03-02T08:01:00.000001Z' };
    const said = await real.send('PATCH', `${GROUP_EVENTS}/web-0.2`, { series }, STRATEGIC);
    expect(said.body).toEqual({ ...made.body, series });
  });

  test('once under one name; a stale writer is refused', async () => {
    const again = await real.send('POST', EVENTS, sent('web-0.1'));
    expect([again.code, again.body.reason]).toEqual([409, 'AlreadyExists']);
    expect((await real.send('PATCH', `${EVENTS}/none`, {}, STRATEGIC)).code).toBe(404);
    const { body } = await real.get(`${EVENTS}/web-0.1`);
    const stale = { ...body, metadata: { ...body.metadata, resourceVersion: '1' } };
    expect((await real.send('PUT', `${EVENTS}/web-0.1`, stale)).code).toBe(409);
    expect((await real.send('PUT', `${EVENTS}/web-0.1`, body)).code).toBe(200);
  });

  test('leaves nothing in the log, and nothing at all in a dry run', async () => {
    const before = (await real.get(EVENTS)).body.metadata.resourceVersion;
    const dry = await real.send('POST', `${EVENTS}?dryRun=All`, sent('web-0.dry'));
    expect(dry.code).toBe(201);
    expect((await real.get(`${EVENTS}/web-0.dry`)).code).toBe(404);
    await real.send('POST', EVENTS, sent('web-0.3'));
    expect((await real.get(EVENTS)).body.metadata.resourceVersion).toBe(before);
  });

  test('gets a name where it has the beginning of one', async () => {
    const { metadata, ...rest } = sent('');
    const made = await real.send('POST', EVENTS, { ...rest, metadata: { generateName: 'web-' } });
    expect(made.body.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
  });

  const refusals: readonly [string, Event, number, string][] = [
    ['about another project', { involvedObject: { namespace: 'beta' } }, 422, 'does not match'],
    ['without what it is about', { involvedObject: undefined }, 422, 'involvedObject'],
    ['of no name', { metadata: {} }, 422, 'name or generateName is required'],
    ['too long', { message: 'x'.repeat(limits.kubeEventBytesMax) }, 413, 'no more than'],
    ['with an unknown field', { note: 'x' }, 400, 'unknown field "note"'],
    ['at no instant', { lastTimestamp: 'now' }, 422, 'lastTimestamp'],
  ];
  test.each(refusals)('%s is refused', async (_what, rest, code, message) => {
    const refused = await real.send('POST', EVENTS, sent('web-0.no', rest));
    expect([refused.code, refused.body.message]).toEqual([code, expect.stringContaining(message)]);
  });

  test('in a project that does not exist, or under a key, is refused', async () => {
    const elsewhere = EVENTS.replace('alpha', 'nowhere');
    const { metadata, ...rest } = sent('x');
    const body = { ...rest, involvedObject: {}, metadata: { name: 'x' } };
    expect((await real.send('POST', elsewhere, body)).code).toBe(404);
    const keyed = await real.send('POST', EVENTS, body, { 'idempotency-key': 'k' });
    expect([keyed.code, keyed.body.message]).toEqual([
      ...[400, expect.stringContaining('Idempotency-Key')],
    ]);
  });
});

describe('Events that are watched', () => {
  /** The lines of a watch until there are so many. */
  async function linesOf(url: string, count: number, act: () => Promise<unknown>) {
    const ended = new AbortController();
    const response = await fetch(`${real.url}${url}`, { signal: ended.signal });
    const lines: Event[] = [];
    await act();
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const parts = text.split('\n');
      text = parts.pop() ?? '';
      lines.push(...parts.filter((one) => one !== '').map((one) => JSON.parse(one)));
      if (lines.length >= count) break;
    }
    ended.abort();
    return lines.map(({ type, object }) => [type, object.reason, object.apiVersion]);
  }

  test('come as they are told and said, to those of both groups', async () => {
    const { resourceVersion } = (await real.get(EVENTS)).body.metadata;
    const query = `?watch=true&resourceVersion=${resourceVersion}&fieldSelector=`;
    const act = async () => {
      await real.send('POST', CLAIMS, claim('watched'));
      await real.send('POST', EVENTS, sent('watched.1', { reason: 'Watched' }));
      await real.send('PATCH', `${EVENTS}/watched.1`, { count: 2 }, STRATEGIC);
    };
    // What was said since the version is sent again, before all that comes after.
    const mine = `metadata.name!=web-0.1,metadata.name!=web-0.2,metadata.name!=web-0.3,reason!=Programming`;
    expect(await linesOf(`${EVENTS}${query}${mine}`, 3, act)).toEqual([
      ['ADDED', 'Bound', 'v1'],
      ['ADDED', 'Watched', 'v1'],
      ['MODIFIED', 'Watched', 'v1'],
    ]);
    expect(await linesOf(`${GROUP_EVENTS}${query}${mine}`, 3, async () => {})).toEqual([
      ['ADDED', 'Bound', 'events.k8s.io/v1'],
      ['ADDED', 'Watched', 'events.k8s.io/v1'],
      ['MODIFIED', 'Watched', 'events.k8s.io/v1'],
    ]);
  });

  test('go when they are an hour old, and whoever watches is told', async () => {
    const { resourceVersion } = (await real.get(EVENTS)).body.metadata;
    const count = (await real.get(EVENTS)).body.items.length;
    const selector = 'fieldSelector=reason=Watched';
    const query = `?watch=true&resourceVersion=${resourceVersion}&${selector}`;
    const lines = await linesOf(`${EVENTS}${query}`, 3, async () => {
      real.nowMs += limits.kubeEventsMsMax + 1;
      expect((await real.get(EVENTS)).body.items).toEqual([]);
    });
    expect(count).toBeGreaterThan(0);
    expect(lines.at(-1)).toEqual(['DELETED', 'Watched', 'v1']);
  });

  test('end with their project', async () => {
    const url = EVENTS.replace('alpha', 'gamma');
    await real.send('POST', NAMESPACES, { metadata: { name: 'gamma' } });
    const { involvedObject, metadata, ...rest } = sent('x');
    const about = { ...involvedObject, namespace: 'gamma' };
    await real.send('POST', url, { ...rest, involvedObject: about, metadata: { name: 'x' } });
    expect((await real.get(url)).body.items).toHaveLength(1);
    await real.send('DELETE', `${NAMESPACES}/gamma`);
    await real.send('POST', NAMESPACES, { metadata: { name: 'gamma' } });
    expect((await real.get(url)).body.items).toEqual([]);
  });
});

test('a project keeps its last Events only', async () => {
  for (let index = 0; index < limits.kubeEventsPerProjectMax + 20; index += 1) {
    await real.send('POST', EVENTS, sent(`many.${index}`));
  }
  const { items } = (await real.get(EVENTS)).body;
  const names = new Set(items.map(({ metadata }: Event) => metadata.name));
  expect(names.size).toBe(limits.kubeEventsPerProjectMax);
  expect([names.has('many.19'), names.has('many.20')]).toEqual([false, true]);
  expect((await real.get(`${ALPHA}/networks/net-a`)).code).toBe(200);
});
