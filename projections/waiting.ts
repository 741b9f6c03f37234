import type { TableProjection, Write } from '../src/views/projection.ts';

/**
 * What is unfinished in projects: claims and networks that wait, each with its cause, and objects
 * that are being deleted, with none.
 */
export const waiting: TableProjection = {
  name: 'waiting',
  version: 1,
  tables: `
CREATE TABLE waiting (
  project  TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  cause    TEXT    NOT NULL, -- location/x, pool/y; empty for a deletion
  position INTEGER NOT NULL,
  PRIMARY KEY (project, kind, name, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_by_cause ON waiting (cause, project, position);
`,
  statements: {
    wait: 'INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?)',
    // What waits for the same as before keeps its place; what is being deleted still is.
    dropOthers: `DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ? AND cause <> ''
      AND cause NOT IN (SELECT value FROM json_each(?))`,
    served: "DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ? AND cause <> ''",
    drop: 'DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ?',
    dropProject: 'DELETE FROM waiting WHERE project = ?',
  },
  on: {
    ClaimQueued: ({ data, project, position }) =>
      waitsFor([data.cause], project, CLAIM, data.name, position),
    InterfaceReady: ({ data, project }) => [['served', project, CLAIM, data.claim.name]],
    InterfaceRebound: ({ data, project }) => [['served', project, CLAIM, data.claim.name]],
    NetworkUpdated: ({ data, project, position }) => {
      const causes = data.waiting.flatMap((wait) => wait.causes);
      return waitsFor(causes, project, NETWORK, data.name, position);
    },
    DeletionRequested: ({ data, project, position }) =>
      project === '' ? [] : [['wait', project, data.kind, data.name, '', position]],
    ClaimDeleted: ({ data, project }) => [['drop', project, CLAIM, data.name]],
    InterfaceDeleted: ({ data, project }) => [['drop', project, 'NetworkInterface', data.name]],
    NetworkContextDeleted: ({ data, project }) => [['drop', project, 'NetworkContext', data.name]],
    NetworkDeleted: ({ data, project }) => [['drop', project, NETWORK, data.name]],
    NamespaceDeleted: ({ project }) => [['dropProject', project]],
  },
};

const CLAIM = 'NetworkInterfaceClaim';
const NETWORK = 'Network';

function waitsFor(
  causes: readonly string[],
  project: string,
  kind: string,
  name: string,
  position: bigint,
): Write[] {
  const waits = causes.map((cause): Write => ['wait', project, kind, name, cause, position]);
  return [['dropOthers', project, kind, name, JSON.stringify(causes)], ...waits];
}
