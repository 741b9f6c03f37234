import { describe, expect, it } from 'vitest';
import { durationMs } from '../../src/ledger/durations.ts';
import { eventId, uuidOf } from '../../src/ledger/identifiers.ts';
import { dnsLabel, dnsSubdomain, isReservedNamespace } from '../../src/ledger/names.ts';
import {
  PLATFORM_STREAM,
  poolStream,
  presenceName,
  projectOf,
  projectStream,
  scopedPoolName,
  spaceOf,
} from '../../src/ledger/streams.ts';

describe('a duration', () => {
  it.each([
    ['150s', 150_000],
    ['24h', 86_400_000],
    ['720h', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
    ['250ms', 250],
    ['1m1h', 3_660_000],
    ['876000h', 3_153_600_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    '',
    '5',
    '-5s',
    '+5s',
    '5 s',
    '5d',
    's',
    '1h-30m',
    '.5h',
    '1.h',
    '5S',
    '876001h',
    `${'9'.repeat(70)}s`,
  ])('%j is none', (text) => {
    expect(durationMs(text)).toBeUndefined();
  });
});

describe('an identifier', () => {
  it('is a UUID version 5 that depends on the name alone', () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const ids = Array.from({ length: 500 }, (_, n) => uuidOf('command', n));
    for (const id of ids) expect(id).toMatch(uuid);
    expect(new Set(ids).size).toBe(500);
    expect(uuidOf('command', 7)).toBe(uuidOf('command', '7'));
    expect(eventId('command', 7)).toBe(uuidOf('command', 7));
  });

  it('is part of the log and never changes', () => {
    expect(uuidOf('a', 1)).toBe('a3465091-13ed-5c2b-a7df-36d393e3ebda');
  });
});

describe('a name', () => {
  const isName = (schema: typeof dnsLabel, text: string) => schema.safeParse(text).success;

  it('of a namespace, network, location, class or pool is a label', () => {
    for (const good of ['a', 'a-b', '0', 'x'.repeat(63)]) expect(isName(dnsLabel, good)).toBe(true);
    for (const bad of ['', 'A', '-a', 'a-', 'a.b', 'a_b', 'a\n', 'x'.repeat(64)]) {
      expect(isName(dnsLabel, bad)).toBe(false);
    }
  });

  it('of a claim or interface is a subdomain', () => {
    for (const good of ['a', 'a.b-c.0', `a${'.b'.repeat(126)}`]) {
      expect(isName(dnsSubdomain, good)).toBe(true);
    }
    for (const bad of ['', 'a..b', '.a', 'a.', 'A.b', `a${'.b'.repeat(127)}`]) {
      expect(isName(dnsSubdomain, bad)).toBe(false);
    }
  });

  it('of the ledger’s own namespaces is nobody else’s', () => {
    expect(['kube-system', 'netalloc-system', 'netalloc-x'].every(isReservedNamespace)).toBe(true);
    expect(['kube', 'netalloc', 'alpha'].some(isReservedNamespace)).toBe(false);
  });

  it('of a pool made on demand or a presence has a dot', () => {
    expect(scopedPoolName('net6', ['alpha', 'net'])).toBe('net6.alpha.net');
    expect(presenceName('net', 'us')).toBe('net.us');
  });
});

describe('a stream', () => {
  it('is one address space', () => {
    expect(spaceOf(PLATFORM_STREAM)).toEqual({ kind: 'platform' });
    expect(spaceOf(projectStream('a-b'))).toEqual({ kind: 'project', name: 'a-b' });
    expect(spaceOf(poolStream('tenant-ipv6'))).toEqual({ kind: 'pool', name: 'tenant-ipv6' });
    expect(spaceOf('$projections-all')).toBeUndefined();
    expect(projectStream('alpha')).toBe('addressSpace-project.alpha');
  });

  it('belongs to a project or to none', () => {
    expect(projectOf(projectStream('alpha'))).toBe('alpha');
    expect(projectOf(poolStream('alpha'))).toBeUndefined();
  });
});
