import { parsePrefix } from '../src/addressing/prefix.ts';
import type { TableProjection, Write } from '../src/views/projection.ts';

/**
 * The ranges of authored pools, with those that they have had: which pool an address was of is
 * known as long as the log is looked at from where it was held.
 */
export const authoredRanges: TableProjection = {
  name: 'authored_ranges',
  version: 1,
  tables: `
CREATE TABLE authored_ranges (
  pool           TEXT    NOT NULL,
  prefix         TEXT    NOT NULL,
  length         INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  until_position INTEGER, -- none while the pool has it
  PRIMARY KEY (pool, prefix, position)
) STRICT, WITHOUT ROWID;
`,
  statements: {
    begin: 'INSERT INTO authored_ranges VALUES (?, ?, ?, ?, NULL)',
    end: `UPDATE authored_ranges SET until_position = ?3
      WHERE pool = ?1 AND prefix = ?2 AND until_position IS NULL`,
  },
  on: {
    RangeAdded: ({ data, project, position }) =>
      project === '' ? begins(data.pool, data.prefix, position) : [],
    RangeRemoved: ({ data, project, position }) =>
      project === '' ? ends(data.pool, data.prefix, position) : [],
    // A carve without a grant is the range of an authored child.
    PrefixCarved: ({ data, project, position }) =>
      project === '' && data.grant === undefined
        ? begins(data.childPool, data.prefix, position)
        : [],
    PrefixReturned: ({ data, project, position }) =>
      project === '' && data.grantId === undefined
        ? ends(data.childPool, data.prefix, position)
        : [],
  },
};

function begins(pool: string, prefix: string, position: bigint): Write[] {
  return [['begin', pool, prefix, parsePrefix(prefix).length, position]];
}

function ends(pool: string, prefix: string, position: bigint): Write[] {
  return [['end', pool, prefix, position]];
}
