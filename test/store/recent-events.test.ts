import { describe, expect, it } from 'vitest';
import { RecentEvents } from '../../src/store/recent-events.ts';
import type { RecordedEvent } from '../../src/store/store.ts';

function eventAt(position: bigint): RecordedEvent {
  const metadata = { previousHash: '', hash: '' };
  const place = { stream: 'addressSpace-a', revision: Number(position) - 1, position };
  return { ...place, id: `${position}`, type: 'T', data: {}, metadata, recordedAt: '' };
}

function recentOf(...appends: readonly (readonly bigint[])[]): RecentEvents {
  const recent = new RecentEvents(0);
  for (const positions of appends) recent.add(positions.map(eventAt), 1);
  return recent;
}

function positionsAfter(recent: RecentEvents, after: number) {
  return recent.page(after)?.events.map(({ position }) => position);
}

describe('recent events', () => {
  it('are there until every subscriber has them, and those after them are still there', () => {
    const recent = recentOf([1n, 2n], [3n], [4n, 5n]);
    recent.letGo(3);
    expect(positionsAfter(recent, 2)).toBeUndefined();
    expect(positionsAfter(recent, 3)).toEqual([4n, 5n]);
  });

  it('of one append go together: a place in its middle lets none of them go', () => {
    const recent = recentOf([1n, 2n, 3n]);
    recent.letGo(2);
    expect(positionsAfter(recent, 0)).toEqual([1n, 2n, 3n]);
  });

  it('go on at the head when all of them have gone', () => {
    const recent = recentOf([1n], [2n]);
    recent.letGo(9);
    expect(positionsAfter(recent, 2)).toEqual([]);
    recent.add([eventAt(3n)], 1);
    expect(positionsAfter(recent, 2)).toEqual([3n]);
  });
});
