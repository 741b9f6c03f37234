import type { TableProjection } from '../src/views/projection.ts';

/**
 * Where each command's events end in the log, and when they were recorded: the places of the log
 * that readers of the past can see it at, and the way from an instant to its place. Later places
 * never have earlier times.
 */
export const commandEnds: TableProjection = {
  name: 'command_ends',
  version: 1,
  tables: `
CREATE TABLE command_ends (
  position    INTEGER PRIMARY KEY,
  recorded_at INTEGER NOT NULL -- milliseconds since 1970
) STRICT;
CREATE INDEX command_ends_by_time ON command_ends (recorded_at);
`,
  statements: {
    end: 'INSERT INTO command_ends VALUES (?, ?)',
  },
  on: {},
  onLast: ({ position, recordedAtMs }) => [['end', position, recordedAtMs]],
};
