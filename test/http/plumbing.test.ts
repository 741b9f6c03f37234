import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { limits } from '../../src/limits.ts';
import { exchange, statusIn } from './raw-socket.ts';
import { CLAIMS, claim, GROUP, LOCATIONS, location, NAMESPACES, NETWORKS, world } from './world.ts';

const POOLS = '/apis/ipam.miloapis.com/v1alpha1/ippools';
const CLASSES = '/apis/ipam.miloapis.com/v1alpha1/ipclasses';

describe('the way in', () => {
  const { ledger, request, get, post } = world();

  test.each([
    ['/'],
    ['/api/v2'],
    ['/apis/other.example.com'],
    [`${GROUP}/pods`],
    [`${GROUP}/namespaces/alpha/locations`],
    ['/apis/networking.datumapis.com/v1'],
    [`${CLAIMS}/web-0/scale`],
  ])('a path that is not served is not found: %s', async (url) => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const refused = await request(method, url);
      expect([refused.code, refused.body.reason, refused.body.kind]).toEqual([
        404,
        'NotFound',
        'Status',
      ]);
    }
  });

  test.each([
    ['PUT', CLAIMS, 'DELETE, GET, HEAD, POST'],
    ['PATCH', CLAIMS, 'DELETE, GET, HEAD, POST'],
    ['DELETE', '/api/v1/namespaces', 'GET, HEAD, POST'],
    ['OPTIONS', CLAIMS, 'DELETE, GET, HEAD, POST'],
    ['POST', `${CLAIMS}/web-0`, 'DELETE, GET, HEAD, PATCH, PUT'],
    ['POST', `${GROUP}/networkinterfaceclaims`, 'GET, HEAD'],
    ['POST', `${GROUP}/namespaces/alpha/networkinterfaces`, 'DELETE, GET, HEAD'],
    ['DELETE', `${GROUP}/namespaces/alpha/networkinterfaces/x/status`, 'GET, HEAD, PATCH, PUT'],
    ['PATCH', POOLS, 'DELETE, GET, HEAD, POST'],
    ['DELETE', `${GROUP}/networkinterfaceclaims`, 'GET, HEAD'],
    ['POST', `${CLASSES}/x`, 'DELETE, GET, HEAD, PATCH, PUT'],
    ['POST', '/version', 'GET, HEAD'],
    ['DELETE', '/healthz', 'GET, HEAD'],
  ])('a known path says what it allows: %s %s', async (method, url, allow) => {
    const refused = await request(method, url, '{', { 'content-type': 'application/json' });
    expect([refused.code, refused.body.reason]).toEqual([405, 'MethodNotAllowed']);
    expect(refused.headers.allow).toBe(allow);
  });

  test('a method that is not allowed is refused whatever its body', async () => {
    const body = Buffer.alloc(limits.bodyBytesMax + 1);
    expect((await request('PUT', CLAIMS, body)).code).toBe(405);
  });

  test.each([
    undefined,
    '*/*',
    'application/json',
    'application/*',
    'application/json, */*;q=0.8',
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    'application/vnd.kubernetes.protobuf,application/json',
    'text/html, APPLICATION/JSON;q=0.1',
  ])('JSON is answered to Accept: %s', async (accept) => {
    const answer = await get(CLAIMS, accept === undefined ? {} : { accept });
    expect(answer.code).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  test.each([
    'application/vnd.kubernetes.protobuf',
    'application/yaml',
    'text/html',
    'application/json;q=0',
    'application/json; q=0.0, text/plain',
    'nonsense',
  ])('nothing is answered to Accept: %s', async (accept) => {
    for (const url of [CLAIMS, '/apis', `${CLAIMS}/web-0`]) {
      const refused = await get(url, { accept });
      expect([refused.code, refused.body.reason]).toEqual([406, 'NotAcceptable']);
    }
  });

  test.each([
    'application/vnd.kubernetes.protobuf',
    'application/yaml',
    'text/plain',
    'application/merge-patch+json',
    'application/json; charset=latin1',
    'nonsense',
    '',
  ])('a body of type %j is not supported', async (type) => {
    for (const method of ['POST', 'PUT']) {
      const url = method === 'POST' ? CLAIMS : `${CLAIMS}/web-0`;
      const refused = await request(method, url, claim('web-0'), { 'content-type': type });
      expect([refused.code, refused.body.reason]).toEqual([415, 'UnsupportedMediaType']);
    }
    const { code } = await request('DELETE', `${CLAIMS}/x`, '{}', { 'content-type': type });
    expect(code).toBe(415);
    expect(ledger.sent).toHaveLength(0);
  });

  test.each(['gzip', 'br', 'identity, gzip'])(
    'a body encoded as %s is not read',
    async (coding) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': coding };
      for (const method of ['POST', 'DELETE']) {
        const url = method === 'POST' ? CLAIMS : `${CLAIMS}/web-0`;
        const { code, headers: answered, body } = await request(method, url, claim('a'), headers);
        expect([code, body.reason, answered['accept-encoding']]).toEqual([
          ...[415, 'UnsupportedMediaType', 'identity'],
        ]);
        expect(body.message).toContain(`Content-Encoding ${coding}`);
      }
      expect(ledger.sent).toHaveLength(0);
    },
  );

  test('a path that is no text is refused', async () => {
    for (const url of [`${CLAIMS}/%zz`, `${CLAIMS}/%ff`]) {
      const refused = await get(url);
      expect([refused.code, refused.body.reason]).toEqual([400, 'BadRequest']);
    }
    const long = await get(`${CLAIMS}/${'a'.repeat(limits.pathParameterCharsMax + 1)}`);
    expect(long.code).toBeGreaterThanOrEqual(400);
    expect(long.body.kind).toBe('Status');
  });

  test('a slash at the end does not matter', async () => {
    for (const url of ['/api/', '/apis/', `${CLAIMS}/`]) expect((await get(url)).code).toBe(200);
  });

  test('HEAD is GET without a body', async () => {
    const answer = await request('HEAD', CLAIMS);
    expect([answer.code, answer.text]).toEqual([200, '']);
  });

  test.each([
    ['localhost', 200],
    ['localhost:8470', 200],
    ['LOCALHOST:1', 200],
    ['127.0.0.1:8470', 200],
    ['127.8.9.10', 200],
    ['[::1]:8470', 200],
    ['example.com', 403],
    ['localhost.example.com', 403],
    ['127.0.0.1.example.com', 403],
    ['example.com:127', 403],
    ['10.0.0.1', 403],
    ['[::2]', 403],
  ])('only loopback is let in: Host %j', async (host, code) => {
    for (const url of [CLAIMS, '/healthz', '/openapi.json']) {
      const answer = await get(url, { host });
      expect(answer.code).toBe(code);
      if (code === 403) expect(answer.body.reason).toBe('Forbidden');
    }
  });

  test.each(['http://localhost:8470', 'null', 'https://example.com', ''])(
    'a web page is kept out: Origin %j',
    async (origin) => {
      const refused = await post(LOCATIONS, location('a'), { origin });
      expect([refused.code, refused.body.reason]).toEqual([403, 'Forbidden']);
      expect((await get('/no/such/path', { origin })).code).toBe(403);
      expect(ledger.sent).toHaveLength(0);
    },
  );
});

test('the request id is the correlation id', async () => {
  const ids = ['id-1', 'id-2'];
  const { ledger, post } = world({ newId: () => ids.shift() ?? 'none left' });
  await post(CLAIMS, claim('web-0'));
  expect(ledger.sent[0]?.request).toMatchObject({ correlationId: 'id-1', commandId: 'id-2' });
});

test('health is of the process, readiness of its parts', async () => {
  const { ledger, get } = world();
  expect(await get('/healthz')).toMatchObject({ code: 200, text: 'ok' });
  expect(await get('/readyz')).toMatchObject({ code: 200, text: 'ok' });
  ledger.reasons = ['views: behind', 'store: full'];
  expect(await get('/readyz')).toMatchObject({ code: 503, text: 'views: behind\nstore: full' });
  expect((await get('/healthz', { accept: 'text/plain' })).code).toBe(200);
});

describe('on a socket', () => {
  async function listening() {
    const made = world({});
    const url = await made.app.listen({ host: '127.0.0.1', port: 0 });
    return { ...made, url, port: Number(new URL(url).port) };
  }

  test('a body that is too large is refused, whether its size is announced or not', async () => {
    const { ledger, url, port } = await listening();
    const large = Buffer.alloc(limits.bodyBytesMax + 1, ' ');
    const announced = await fetch(url + CLAIMS, { method: 'POST', body: Buffer.alloc(20_000_000) })
      .then((response) => response.json())
      .catch(() => undefined);
    // A client that goes on sending may lose the answer together with the connection.
    if (announced !== undefined) {
      expect(announced).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    }
    const head = `POST ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\n`;
    const told = await exchange(port, [`${head}Content-Length: ${large.length}\r\n\r\n`]);
    expect(told).toMatch(/^HTTP\/1\.1 413 /);
    expect(statusIn(told)).toMatchObject({ kind: 'Status', reason: 'RequestEntityTooLarge' });
    const size = large.length.toString(16);
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${size}\r\n`;
    const untold = await exchange(port, [chunked, large]);
    expect(untold).toMatch(/^HTTP\/1\.1 413 /);
    expect(ledger.sent).toHaveLength(0);
    expect((await fetch(url + NETWORKS)).status).toBe(200);
  });

  test('the largest body that is allowed is read', async () => {
    const { url } = await listening();
    const text = JSON.stringify(claim('web-0'));
    const padded = text + ' '.repeat(limits.bodyBytesMax - text.length);
    const made = await fetch(url + CLAIMS, { method: 'POST', body: Buffer.from(padded) });
    expect(made.status).toBe(201);
  });

  test('a body may come in slow parts', async () => {
    const { port } = await listening();
    const body = JSON.stringify({ metadata: { name: 'b\u00e9' } });
    const bytes = Buffer.from(body);
    const cut = bytes.indexOf(0xc3) + 1;
    const head = `POST ${NAMESPACES} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
    const answer = await exchange(port, [
      head.slice(0, 20),
      `${head.slice(20)}Content-Length: ${bytes.length}\r\n\r\n`,
      bytes.subarray(0, 5),
      bytes.subarray(5, cut),
      bytes.subarray(cut),
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 422 /);
    expect(statusIn(answer).message).toContain('Invalid value: "b\u00e9"');
  });

  test('a page without a Host of its own is kept out in HTTP/1.0', async () => {
    const { port } = await listening();
    const answer = await exchange(port, [`GET ${CLAIMS} HTTP/1.0\r\n\r\n`]);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('closing finishes what has begun, and waits for nothing else', async () => {
    const { ledger } = world();
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const { app } = world({
      views: ledger.views,
      ledger: {
        platform: () => Promise.reject(new Error('unexpected')),
        authoredPool: () => Promise.reject(new Error('unexpected')),
        ready: () => [],
        project: async (name, command, request) => {
          entered.resolve();
          await gate.promise;
          return ledger.project(name, command, request);
        },
      },
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(claim('web-0'));
    const answer = fetch(url + CLAIMS, { method: 'POST', body, headers });
    await entered.promise;
    const began = performance.now();
    const closed = app.close();
    gate.resolve();
    expect((await answer).status).toBe(201);
    await closed;
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('closing does not wait for a client that never finishes', async () => {
    const { app, port } = await listening();
    const socket = connect(port, '127.0.0.1');
    const cut = once(socket, 'close');
    socket.on('error', () => {});
    socket.write(`POST ${CLAIMS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{`);
    await once(app.server, 'request');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closed = app.close();
      await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(limits.closingRequestsMsMax);
      await Promise.all([closed, cut]);
    } finally {
      vi.useRealTimers();
    }
  });
});
