import { expect, it } from 'vitest';
import { RecentlyUsed } from '../../src/views/recently-used.ts';

const key = (n: number) => `key ${n}`;

it('keeps what was used last, and forgets what was not used for long', () => {
  const recent = new RecentlyUsed<number>();
  recent.set('used', -1);
  recent.set('unused', -2);
  for (let n = 0; n < 20_000; n += 1) {
    recent.set(key(n), n);
    if (n % 100 === 0) expect(recent.get('used')).toBe(-1);
  }
  expect(recent.get('unused')).toBeUndefined();
  expect(recent.get(key(0))).toBeUndefined();
  expect(recent.get(key(19_999))).toBe(19_999);
});

it('forgets what it is told to, whether it was used lately or not', () => {
  const recent = new RecentlyUsed<number>();
  for (let n = 0; n < 3_000; n += 1) recent.set(key(n), n);
  for (const n of [2_999, 1_000]) {
    expect(recent.get(key(n))).toBe(n);
    recent.delete(key(n));
    expect(recent.get(key(n))).toBeUndefined();
  }
  recent.delete(key(1_001));
  expect(recent.get(key(1_001))).toBeUndefined();
  recent.clear();
  expect(recent.get(key(2_000))).toBeUndefined();
});
