import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/store/store.ts';
import { LogAudit } from '../../src/verify/log-audit.ts';
import { ROOT } from '../tidy/sources.ts';

const folder = join(ROOT, 'test', 'golden');

it.each(readdirSync(folder))('reads %s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  const event = { ...JSON.parse(text), position: 1n, recordedAt: '' } as RecordedEvent;
  const audit = new LogAudit();
  audit.take(event);
  // Alone it may be about what there is not; its form and its place are those of its type.
  expect(audit.findings.first.filter(({ rule }) => rule === 'event')).toEqual([]);
});
