import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type EventType,
  eventMetadata,
  eventSchemas,
  isEventType,
  SCHEMA_VERSION,
} from '../../src/ledger/events.ts';
import { eventId } from '../../src/ledger/identifiers.ts';
import { verifyEvent } from '../../src/store/hash-chain.ts';
import type { RecordedEvent } from '../../src/store/store.ts';

/**
 * A text of every version of every event type that was ever written, and another one where a field
 * has come to it (`IPPoolCreated.v1.owned.json`). They never change.
 */
const folder = new URL('../golden/', import.meta.url);
const files = readdirSync(folder).sort();

function read(file: string): Omit<RecordedEvent, 'position' | 'recordedAt'> {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}

const isFurther = (file: string) => /\.v\d+\.[a-z]+\.json$/.test(file);

describe('the golden events', () => {
  it('are one for every version of every type, and nothing else', () => {
    const versions = Array.from({ length: SCHEMA_VERSION }, (_, n) => n + 1);
    const expected = Object.keys(eventSchemas).flatMap((type) =>
      versions.map((version) => `${type}.v${version}.json`),
    );
    expect(files.filter((file) => !isFurther(file))).toEqual(expected.sort());
    for (const file of files.filter(isFurther)) {
      expect(expected).toContain(file.replace(/\.[a-z]+\.json$/, '.json'));
    }
  });

  it.each(files)('%s is read as the very value that was written', (file) => {
    const { type, data, metadata, id } = read(file);
    expect(isEventType(type)).toBe(true);
    expect(file.replace(/\.[a-z]+\.json$/, '.json')).toBe(
      `${type}.v${metadata.schemaVersion}.json`,
    );
    expect(eventSchemas[type as EventType].parse(data)).toStrictEqual(data);
    expect(eventMetadata.parse(metadata)).toStrictEqual(metadata);
    expect(id).toBe(eventId(metadata.commandId as string, metadata.index as number));
  });

  it.each(files)('%s proves itself by its hash', (file) => {
    const event = read(file) as RecordedEvent;
    expect(verifyEvent(event, event.metadata.previousHash)).toBeUndefined();
  });

  it.each(files)('%s tolerates no field that its schema does not know', (file) => {
    const { type, data } = read(file);
    const more = { ...data, unheardOf: true };
    expect(eventSchemas[type as EventType].safeParse(more).success).toBe(false);
  });
});
