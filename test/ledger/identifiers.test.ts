import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventId, uuidOf } from '../../src/ledger/identifiers.ts';

/** RFC 9562, section 5.5, read once more. */
function version5(namespace: string, name: string): string {
  const bytes = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  const digest = createHash('sha1').update(bytes).update(name, 'utf8').digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

const NAMESPACE = '6f1d3a0c-58f2-4bd0-9e5f-7a4b8f0e2c91';

describe('identifiers', () => {
  it.each([
    ['short', 'a'],
    ['empty', ''],
    ['of several bytes a character', 'größe \u{1f600} 網路'],
    ['as long as fits', 'x'.repeat(336)],
    ['longer than that', 'ü'.repeat(337)],
    ['very long', '網'.repeat(5_000)],
  ])('are version 5 of a name that is %s', (_case, name) => {
    expect(uuidOf(name)).toBe(version5(NAMESPACE, name));
  });

  it('do not remember the name before', () => {
    uuidOf('a much longer name than the next one');
    expect(uuidOf('next')).toBe(version5(NAMESPACE, 'next'));
  });

  it('of events name command, index and attempt', () => {
    expect(eventId('command', 3, 'attempt')).toBe(version5(NAMESPACE, 'command\n3\nattempt'));
  });
});
