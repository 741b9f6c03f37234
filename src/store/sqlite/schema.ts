/** "nall" in ASCII: what the file says it is. */
export const APPLICATION_ID = 0x6e616c6c;

/** Raised by one with every change of the tables; a newer one is refused. */
export const SCHEMA_VERSION = 1;

/**
 * A storage format: never change what is here, add a migration.
 *
 * One row holds one append, a frame; `position` and `revision` are those of its first event. Large
 * pages suit rows that hold several events. Rows are added only; the triggers are there for the
 * programs that would change them by mistake.
 */
export const SCHEMA = `
PRAGMA page_size = 8192;
PRAGMA application_id = ${APPLICATION_ID};
BEGIN;
CREATE TABLE frames (
  position    INTEGER PRIMARY KEY,
  stream      TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  count       INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL, -- milliseconds since 1970, UTC
  events      TEXT    NOT NULL, -- JSON, one event a line: [[<body>,"<hash>"],...]
  chain       BLOB    NOT NULL, -- SHA-256 over the previous frame's chain and this frame's place
  UNIQUE (stream, revision)
) STRICT;
CREATE TABLE epochs (
  epoch      INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL -- milliseconds since 1970, UTC
) STRICT;
CREATE TRIGGER frames_are_not_changed BEFORE UPDATE ON frames
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER frames_are_not_removed BEFORE DELETE ON frames
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER epochs_are_not_changed BEFORE UPDATE ON epochs
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER epochs_are_not_removed BEFORE DELETE ON epochs
  BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
PRAGMA user_version = ${SCHEMA_VERSION};
COMMIT;
PRAGMA journal_mode = WAL;
`;
