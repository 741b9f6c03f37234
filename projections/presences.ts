import type { Scope } from '../src/ledger/events.ts';
import { presenceName } from '../src/ledger/streams.ts';
import type { TableProjection, Write } from '../src/views/projection.ts';

/** Where projects are present, and how much stands in each of their contexts. */
export const presences: TableProjection = {
  name: 'presences',
  version: 2,
  tables: `
CREATE TABLE presences (
  project     TEXT    NOT NULL,
  context     TEXT    NOT NULL,
  location    TEXT    NOT NULL,
  interfaces  INTEGER NOT NULL,
  allocations INTEGER NOT NULL, -- blocks of IPClaims
  PRIMARY KEY (project, context)
) STRICT, WITHOUT ROWID;
CREATE INDEX presences_by_location ON presences (location, project);
`,
  statements: {
    begin: 'INSERT INTO presences VALUES (?, ?, ?, 0, 0)',
    count: 'UPDATE presences SET interfaces = interfaces + ?3 WHERE project = ?1 AND context = ?2',
    countBlock: `UPDATE presences SET allocations = allocations + ?3
      WHERE project = ?1 AND context = ?2`,
    end: 'DELETE FROM presences WHERE project = ? AND context = ?',
  },
  counts: { adds: ['count', 'countBlock'], beside: [] },
  on: {
    NetworkContextCreated: ({ data, project }) => [
      ['begin', project, data.name, data.location.name],
    ],
    InterfaceReady: ({ data, project }) => [['count', project, data.networkContext, 1]],
    InterfaceDeleted: ({ data, project }) => [['count', project, data.networkContext, -1]],
    IPAllocationCreated: ({ data, project }) => countBlock(project, data.scope, 1),
    IPAllocationDeleted: ({ data, project }) => countBlock(project, data.scope, -1),
    NetworkContextDeleted: ({ data, project }) => [['end', project, data.name]],
  },
};

function countBlock(project: string, { network, location }: Scope, change: 1 | -1): Write[] {
  if (network === undefined || location === undefined) return [];
  return [['countBlock', project, presenceName(network, location), change]];
}
