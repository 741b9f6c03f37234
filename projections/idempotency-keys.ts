import type { TableProjection } from '../src/views/projection.ts';

/** What keyed commands were answered with, from the metadata of their last event. */
export const idempotencyKeys: TableProjection = {
  name: 'idempotency_keys',
  version: 1,
  tables: `
CREATE TABLE idempotency_keys (
  command_id   TEXT    PRIMARY KEY,
  stream       TEXT    NOT NULL,
  request_hash TEXT    NOT NULL,
  code         INTEGER NOT NULL,
  revision     INTEGER NOT NULL,
  position     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  statements: { answer: 'INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?)' },
  on: {},
  onLast: ({ stream, revision, position, metadata }) => {
    const { commandId, idempotency } = metadata;
    if (idempotency === undefined) return [];
    const { requestHash, code } = idempotency;
    return [['answer', commandId, stream, requestHash, code, revision, position]];
  },
};
