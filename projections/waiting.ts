import type { TableProjection, Write } from '../src/views/projection.ts';

/**
 * What is unfinished in projects: claims and networks that wait, each with its cause, objects that
 * are being deleted, with none, and interfaces that have yet to follow their network's MTU.
 */
export const waiting: TableProjection = {
  name: 'waiting',
  version: 2,
  tables: `
CREATE TABLE waiting (
  project  TEXT    NOT NULL,
  kind     TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  cause    TEXT    NOT NULL, -- location/x, pool/y, mtu; empty for a deletion
  position INTEGER NOT NULL,
  PRIMARY KEY (project, kind, name, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_by_cause ON waiting (cause, project, position);
`,
  statements: {
    // What waits for the same as before keeps its place; what is being deleted waits for nothing.
    wait: `INSERT OR IGNORE INTO waiting SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (
      SELECT 1 FROM waiting WHERE project = ?1 AND kind = ?2 AND name = ?3 AND cause = '')`,
    dropOthers: `DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ? AND cause <> ''
      AND cause NOT IN (SELECT value FROM json_each(?))`,
    served: "DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ? AND cause <> ''",
    drop: 'DELETE FROM waiting WHERE project = ? AND kind = ? AND name = ?',
    dropProject: 'DELETE FROM waiting WHERE project = ?',
  },
  on: {
    ClaimQueued: ({ data, project, position }) =>
      waitsFor([data.cause], project, CLAIM, data.name, position),
    // Nearly every claim is served by the command that makes it, and has never waited.
    InterfaceReady: ({ data, project }, present) =>
      present.isNew(CLAIM, project, data.claim.name)
        ? []
        : [['served', project, CLAIM, data.claim.name]],
    InterfaceRebound: ({ data, project }) => [['served', project, CLAIM, data.claim.name]],
    NetworkUpdated: ({ data, project, position }) => {
      const causes = data.waiting.flatMap((wait) => wait.causes);
      return waitsFor(causes, project, NETWORK, data.name, position);
    },
    // One row for all of them: the last event of a command tells how many are left.
    InterfaceUpdated: ({ data, project, position, metadata: { index, count } }) => {
      if (index < count - 1) return [];
      if (data.left === 0) return [['drop', project, LAGGARDS, '']];
      return [['wait', project, LAGGARDS, '', 'mtu', position]];
    },
    DeletionRequested: ({ data, project, position }) => {
      const { kind, name } = data;
      if (project === '') return [];
      return [
        ['served', project, kind, name],
        ['wait', project, kind, name, '', position],
      ];
    },
    ClaimDeleted: ({ data, project }) => [['drop', project, CLAIM, data.name]],
    InterfaceDeleted: ({ data, project }) => [['drop', project, 'NetworkInterface', data.name]],
    NetworkContextDeleted: ({ data, project }) => [['drop', project, 'NetworkContext', data.name]],
    NetworkDeleted: ({ data, project }) => [['drop', project, NETWORK, data.name]],
    NamespaceDeleted: ({ project }) => [['dropProject', project]],
  },
};

const CLAIM = 'NetworkInterfaceClaim';
const NETWORK = 'Network';
const LAGGARDS = 'NetworkInterfaces';

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
