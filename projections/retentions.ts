import type { TableProjection, Write } from '../src/views/projection.ts';

/**
 * When something comes due of what is retained: the end of its lease, then that of its grace
 * period. What is kept for ever is no row.
 */
export const retentions: TableProjection = {
  name: 'retentions',
  version: 1,
  tables: `
CREATE TABLE retentions (
  project TEXT    NOT NULL,
  kind    TEXT    NOT NULL, -- NetworkInterface or IPAllocation
  name    TEXT    NOT NULL,
  due_at  INTEGER NOT NULL, -- milliseconds since 1970
  PRIMARY KEY (project, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX retentions_by_due ON retentions (due_at, project);
`,
  statements: {
    put: 'INSERT OR REPLACE INTO retentions VALUES (?, ?, ?, ?)',
    end: 'DELETE FROM retentions WHERE project = ? AND kind = ? AND name = ?',
  },
  on: {
    InterfaceRetained: ({ data, project }) => runs(project, INTERFACE, data.name, data.expiresAt),
    RetentionExpiring: ({ data, project }) => runs(project, data.kind, data.name, data.releaseAt),
    InterfaceRebound: ({ data, project }) => [['end', project, INTERFACE, data.name]],
    InterfaceDeleted: ({ data, project }) => [['end', project, INTERFACE, data.name]],
    IPAllocationUpdated: ({ data, project }) => {
      const { name, claim, expiresAt } = data;
      if (claim === null) return runs(project, ALLOCATION, name, expiresAt);
      return [['end', project, ALLOCATION, name]];
    },
    IPAllocationDeleted: ({ data, project }) => [['end', project, ALLOCATION, data.name]],
    // Of what is being deleted nothing comes due any more.
    DeletionRequested: ({ data, project }) =>
      [INTERFACE, ALLOCATION].includes(data.kind) ? [['end', project, data.kind, data.name]] : [],
  },
};

const INTERFACE = 'NetworkInterface';
const ALLOCATION = 'IPAllocation';

function runs(project: string, kind: string, name: string, until: string | null): Write[] {
  return until === null ? [] : [['put', project, kind, name, Date.parse(until)]];
}
