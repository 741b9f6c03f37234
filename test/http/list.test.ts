import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { CLAIMS, GROUP, INTERFACES, LOCATIONS, NAMESPACES, NETWORKS, world } from './world.ts';

const ALL_CLAIMS = `${GROUP}/networkinterfaceclaims`;

/** Claims in two namespaces, put there out of order. */
function withClaims() {
  const made = world();
  const put = (namespace: string, name: string, labels: object, location = 'dfw') => {
    const spec = { network: { name: 'net-a' }, location: { name: location } };
    const metadata = { labels } as never;
    made.ledger.put('NetworkInterfaceClaim', namespace, name, { spec, metadata });
    made.ledger.put('NetworkInterface', namespace, name, {
      spec: { ...spec, claimRef: { name } },
      status: { phase: name === 'a' ? 'Available' : 'Bound' },
      metadata,
    });
  };
  put('beta', 'a', { app: 'web' });
  put('alpha', 'c', { app: 'web', tier: 'front' }, 'lhr');
  put('alpha', 'a', { app: 'db', tier: '' });
  put('alpha', 'b', {});
  return made;
}

const named = (body: { items: { metadata: { namespace: string; name: string } }[] }) =>
  body.items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);

describe('a list', () => {
  const { ledger, get } = withClaims();

  test('is sorted, typed, and tells where it stands', async () => {
    const list = await get(CLAIMS);
    expect(list.code).toBe(200);
    expect(list.body).toMatchObject({
      kind: 'NetworkInterfaceClaimList',
      apiVersion: 'networking.datumapis.com/v1alpha',
      metadata: { resourceVersion: String(ledger.views.position) },
    });
    expect(list.body.metadata).not.toHaveProperty('continue');
    expect(list.body.metadata).not.toHaveProperty('remainingItemCount');
    expect(named(list.body)).toEqual(['alpha/a', 'alpha/b', 'alpha/c']);
    for (const item of list.body.items) {
      expect(item).toMatchObject({
        kind: 'NetworkInterfaceClaim',
        apiVersion: list.body.apiVersion,
      });
    }
  });

  test('spans namespaces, or is empty and never null', async () => {
    expect(named((await get(ALL_CLAIMS)).body)).toEqual([
      'alpha/a',
      'alpha/b',
      'alpha/c',
      'beta/a',
    ]);
    for (const path of [`${GROUP}/namespaces/nowhere/networks`, NETWORKS, LOCATIONS]) {
      expect((await get(path)).body.items).toEqual([]);
    }
    expect(named((await get(NAMESPACES)).body)).toEqual(['/alpha']);
  });

  test.each([
    ['app', 'a c'],
    ['!app', 'b'],
    ['! app', 'b'],
    ['app=web', 'c'],
    ['app==web', 'c'],
    ['app = web', 'c'],
    ['app!=web', 'a b'],
    ['tier=', 'a'],
    ['app in (web,db)', 'a c'],
    ['app in ( web , db ),tier', 'a c'],
    ['app in (web),tier notin (back)', 'c'],
    ['app notin (web)', 'a b'],
    ['tier in (,x)', 'a'],
    ['app,tier=front', 'c'],
    ['app=web,app=db', ''],
    ['', 'a b c'],
    ['constructor', ''],
    ['toString=x', ''],
    ['!hasOwnProperty', 'a b c'],
  ])('is selected by labels: %s', async (selector, names) => {
    for (const text of [
      encodeURIComponent(selector),
      encodeURIComponent(selector).replaceAll('%20', '+'),
    ]) {
      const list = await get(`${CLAIMS}?labelSelector=${text}`);
      expect(named(list.body).join(' ')).toBe(names.replace(/(\w)/g, 'alpha/$1'));
    }
  });

  test.each([
    'a=b=c',
    'a in b',
    'a in (b',
    ',',
    'a,',
    '=b',
    'a b',
    'a!',
    'a>1',
    'A_b/c',
    'a=-b',
    '()',
  ])('refuses the label selector %s', async (selector) => {
    const refused = await get(`${CLAIMS}?labelSelector=${encodeURIComponent(selector)}`);
    expect([refused.code, refused.body.reason]).toEqual([400, 'BadRequest']);
    expect(refused.body.message).toContain('unable to parse the label selector');
  });

  test.each([
    [CLAIMS, 'metadata.name=b', 'alpha/b'],
    [CLAIMS, 'metadata.name==b', 'alpha/b'],
    [CLAIMS, 'metadata.name=nowhere', ''],
    [CLAIMS, 'metadata.name!=b', 'alpha/a alpha/c'],
    [ALL_CLAIMS, 'metadata.name=a', 'alpha/a beta/a'],
    [ALL_CLAIMS, 'metadata.namespace=beta', 'beta/a'],
    [CLAIMS, 'metadata.name=b,metadata.namespace!=alpha', ''],
    [CLAIMS, 'metadata.name=a,metadata.name=b', ''],
    [CLAIMS, 'spec.location.name=lhr', 'alpha/c'],
    [CLAIMS, 'spec.network.name=net-a,spec.location.name=dfw', 'alpha/a alpha/b'],
    [CLAIMS, 'metadata.name=a\\,b', ''],
    [INTERFACES, 'status.phase=Available', 'alpha/a'],
    [INTERFACES, 'status.phase!=Available,spec.claimRef.name=c', 'alpha/c'],
    [NAMESPACES, 'metadata.name=alpha', '/alpha'],
  ])('is selected by fields: %s %s', async (path, selector, names) => {
    const list = await get(`${path}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(list.code).toBe(200);
    expect(named(list.body).join(' ')).toBe(names);
  });

  test.each([
    ['status.phase=x', 'field label not supported: status.phase'],
    ['spec.x=1', 'field label not supported: spec.x'],
    ['metadata.name', 'invalid field selector'],
    ['metadata.name=a=b', 'invalid field selector'],
    ['metadata.name=a\\b', 'invalid field selector'],
    ['=b', 'invalid field selector'],
  ])('refuses the field selector %s', async (selector, message) => {
    const refused = await get(`${CLAIMS}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(refused.code).toBe(400);
    expect(refused.body.message).toContain(message);
  });

  test.each([
    ['labelSelector', 'a'],
    ['fieldSelector', 'metadata.name=a'],
  ])('refuses a %s of more terms than are looked at for every object', async (option, term) => {
    const ofTerms = (count: number) =>
      get(`${CLAIMS}?${option}=${encodeURIComponent(Array(count).fill(term).join())}`);
    expect((await ofTerms(limits.selectorTermsMax)).code).toBe(200);
    const refused = await ofTerms(limits.selectorTermsMax + 1);
    expect([refused.code, refused.body.message]).toEqual([400, expect.stringContaining('128')]);
    expect(refused.text.length).toBeLessThan(1_000);
  });

  test.each([
    ['limit=-1', 400, 'BadRequest'],
    ['limit=many', 400, 'BadRequest'],
    ['limit=1e3', 400, 'BadRequest'],
    ['resourceVersion=x', 400, 'BadRequest'],
    ['resourceVersion=-1', 400, 'BadRequest'],
    ['resourceVersion=007', 400, 'BadRequest'],
    ['resourceVersion=1&resourceVersionMatch=Sometimes', 422, 'Invalid'],
    ['resourceVersionMatch=Exact', 422, 'Invalid'],
    ['resourceVersion=0&resourceVersionMatch=Exact', 422, 'Invalid'],
    ['sendInitialEvents=true', 422, 'Invalid'],
    ['continue=nonsense', 400, 'BadRequest'],
    [`continue=${Buffer.from('{"v":1}').toString('base64url')}`, 400, 'BadRequest'],
    [`continue=${Buffer.from('[]').toString('base64url')}`, 400, 'BadRequest'],
  ])('with %s is refused', async (query, code, reason) => {
    const refused = await get(`${CLAIMS}?${query}`);
    expect([refused.code, refused.body.reason, refused.body.kind]).toEqual([
      code,
      reason,
      'Status',
    ]);
  });

  test.each([
    '',
    'limit=0',
    'resourceVersion=',
    'resourceVersion=0',
    'resourceVersion=1',
    'watch=false',
    'pretty=true&timeout=32s',
    'resourceVersion=1&resourceVersionMatch=NotOlderThan',
  ])('with %s is the present one', async (query) => {
    const list = await get(`${CLAIMS}?${query}`);
    expect(list.body.metadata.resourceVersion).toBe(String(ledger.views.position));
    expect(list.body.items).toHaveLength(3);
  });

  test('of an exact version is the one of then', async () => {
    const list = await get(`${CLAIMS}?resourceVersion=5&resourceVersionMatch=Exact`);
    expect(list.body.metadata.resourceVersion).toBe('5');
    expect(named(list.body)).toEqual(['alpha/c']);
  });

  test('of a version that has not happened makes clients ask again without it', async () => {
    const future = ledger.views.position + 1n;
    for (const path of [CLAIMS, `${CLAIMS}/a`]) {
      const refused = await get(`${path}?resourceVersion=${future}`);
      expect(refused.code).toBe(504);
      expect(refused.body).toMatchObject({
        reason: 'Timeout',
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
      });
    }
  });
});

describe('pages', () => {
  test('show one instant, whatever happens between them', async () => {
    const { ledger, get } = withClaims();
    const first = await get(`${ALL_CLAIMS}?limit=2`);
    expect(named(first.body)).toEqual(['alpha/a', 'alpha/b']);
    const { continue: token, resourceVersion } = first.body.metadata;
    expect(token).toMatch(/^[\w-]+$/);
    ledger.drop('NetworkInterfaceClaim', 'alpha', 'c');
    ledger.put('NetworkInterfaceClaim', 'alpha', 'bb');
    const second = await get(`${ALL_CLAIMS}?limit=2&continue=${token}`);
    expect(named(second.body)).toEqual(['alpha/c', 'beta/a']);
    expect(second.body.metadata).toEqual({ resourceVersion });
  });

  test('go on with the rest when no limit is given', async () => {
    const { get } = withClaims();
    const { continue: token } = (await get(`${ALL_CLAIMS}?limit=1`)).body.metadata;
    const rest = await get(`${ALL_CLAIMS}?continue=${token}`);
    expect(named(rest.body)).toEqual(['alpha/b', 'alpha/c', 'beta/a']);
  });

  test('are filtered before they are counted', async () => {
    const { get } = withClaims();
    const query = 'limit=1&labelSelector=app';
    const first = await get(`${CLAIMS}?${query}`);
    expect(named(first.body)).toEqual(['alpha/a']);
    const second = await get(`${CLAIMS}?${query}&continue=${first.body.metadata.continue}`);
    expect(named(second.body)).toEqual(['alpha/c']);
  });

  test('belong to one list: a token of another is refused', async () => {
    const { get } = withClaims();
    const { continue: token } = (await get(`${CLAIMS}?limit=1`)).body.metadata;
    for (const path of [
      `${ALL_CLAIMS}?continue=${token}`,
      `${INTERFACES}?continue=${token}`,
      `${CLAIMS}?labelSelector=app&continue=${token}`,
      `${CLAIMS}?fieldSelector=metadata.name%3Db&continue=${token}`,
    ]) {
      const refused = await get(path);
      expect([refused.code, refused.body.reason]).toEqual([400, 'BadRequest']);
      expect(refused.body.message).toContain('continue key is not valid');
    }
    const versioned = await get(`${CLAIMS}?continue=${token}&resourceVersion=1`);
    expect(versioned.body.message).toContain('not allowed when using continue');
  });

  test('of a log that is gone have expired', async () => {
    const { ledger, get } = withClaims();
    const { continue: token } = (await get(`${CLAIMS}?limit=1`)).body.metadata;
    ledger.history.splice(1);
    const expired = await get(`${CLAIMS}?continue=${token}`);
    expect([expired.code, expired.body.reason]).toEqual([410, 'Expired']);
  });

  test('of a list without a limit come in one answer, however long it is', async () => {
    const { ledger, get } = world();
    const count = limits.pageObjectsMax + 3;
    for (let i = 0; i < count; i += 1) {
      ledger.history.push({
        ...ledger.history[0]!,
        kind: 'Network',
        namespace: 'alpha',
        name: `n${String(i).padStart(5, '0')}`,
        position: BigInt(i + 2),
      });
    }
    const list = await get(NETWORKS);
    expect(list.headers['content-type']).toMatch(/^application\/json/);
    expect(list.body.items).toHaveLength(count);
    expect(list.body.metadata).toEqual({ resourceVersion: String(count + 1) });
    const limited = await get(`${NETWORKS}?limit=1000000`);
    expect(limited.body.items).toHaveLength(limits.pageObjectsMax);
    expect(limited.body.metadata.continue).toBeDefined();
  });
});

test('one object is read by its name', async () => {
  const { get } = withClaims();
  const one = await get(`${CLAIMS}/b`);
  expect([one.code, one.body.metadata.name]).toEqual([200, 'b']);
  for (const name of ['x', 'B%20b', 'a'.repeat(253), '%2e%2e%2fa']) {
    const absent = await get(`${CLAIMS}/${name}`);
    expect([absent.code, absent.body.reason]).toEqual([404, 'NotFound']);
    expect(absent.body.details.kind).toBe('networkinterfaceclaims');
  }
});
