import type { TableProjection } from '../src/views/projection.ts';

/** Where projects are present, and how many interfaces stand in each of their contexts. */
export const presences: TableProjection = {
  name: 'presences',
  version: 1,
  tables: `
CREATE TABLE presences (
  project    TEXT    NOT NULL,
  context    TEXT    NOT NULL,
  location   TEXT    NOT NULL,
  interfaces INTEGER NOT NULL,
  PRIMARY KEY (project, context)
) STRICT, WITHOUT ROWID;
CREATE INDEX presences_by_location ON presences (location, project);
`,
  statements: {
    begin: 'INSERT INTO presences VALUES (?, ?, ?, 0)',
    count: 'UPDATE presences SET interfaces = interfaces + ?3 WHERE project = ?1 AND context = ?2',
    end: 'DELETE FROM presences WHERE project = ? AND context = ?',
  },
  on: {
    NetworkContextCreated: ({ data, project }) => [
      ['begin', project, data.name, data.location.name],
    ],
    InterfaceReady: ({ data, project }) => [['count', project, data.networkContext, 1]],
    InterfaceDeleted: ({ data, project }) => [['count', project, data.networkContext, -1]],
    NetworkContextDeleted: ({ data, project }) => [['end', project, data.name]],
  },
};
