import type { Placed, TableProjection, Write } from '../src/views/projection.ts';

/**
 * Work between streams that is begun and not ended: a grant that its project has not committed, and
 * one whose use is over and that its stream has yet to take back. A committed one is no row.
 */
export const grants: TableProjection = {
  name: 'grants',
  version: 2,
  tables: `
CREATE TABLE grants (
  grant_id      TEXT    PRIMARY KEY,
  type          TEXT    NOT NULL, -- a kind of grant and how far it is: RangeGranted, AddressEnded
  project       TEXT    NOT NULL,
  generation    TEXT    NOT NULL, -- of the project, until it has committed the grant
  pool          TEXT    NOT NULL, -- empty for a location
  location_name TEXT    NOT NULL, -- empty for a range
  location_uid  TEXT    NOT NULL,
  available_at  TEXT    NOT NULL, -- of what has ended: not used again before
  position      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_generation ON grants (generation);
CREATE INDEX grants_by_location ON grants (location_uid, project);
`,
  statements: {
    open: 'INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    close: 'DELETE FROM grants WHERE grant_id = ?',
    supersede: 'DELETE FROM grants WHERE location_uid = ? AND project = ?',
    commit: `UPDATE grants SET (type, generation) = ('AddressCommitted', '') WHERE grant_id = ?`,
    confirm: "DELETE FROM grants WHERE grant_id = ? AND type = 'AddressCommitted'",
    abandon: endingWhere('grant_id = ?1'),
    abandonGeneration: endingWhere('generation = ?1'),
  },
  on: {
    PrefixCarved: ({ data, position }) => {
      const { pool, scope, grant } = data;
      if (grant === undefined) return [];
      const project = scope.project ?? '';
      const { id, generation } = grant;
      return [['open', id, 'RangeGranted', project, generation, pool, '', '', '', position]];
    },
    RangeAdded: ({ data }) => (data.grant === undefined ? [] : [['close', data.grant.id]]),
    RangeRemoved: ({ data, project, position }) => {
      if (data.endsGrant === undefined) return [];
      const { grantId, pool, availableAt } = data.endsGrant;
      return [['open', grantId, 'RangeEnded', project, '', pool, '', '', availableAt, position]];
    },
    PrefixReturned: ({ data }) => (data.grantId === undefined ? [] : [['close', data.grantId]]),
    AddressSpaceClosed: ({ data, project, position }) => [
      ['abandonGeneration', data.generation, data.at],
      ...data.ranges.map(
        ({ grantId, pool, availableAt }) =>
          [
            'open',
            grantId,
            'RangeEnded',
            project,
            '',
            pool,
            '',
            '',
            availableAt,
            position,
          ] as const,
      ),
    ],
    // The platform keeps one join of a project at a location: a new one takes the old one's place.
    LocationJoined: ({ data, position }) => {
      const { location, project, generation, grantId } = data;
      const { name, uid } = location;
      return [
        ['supersede', uid, project],
        ['open', grantId, 'LocationGranted', project, generation, '', name, uid, '', position],
      ];
    },
    NetworkContextCreated: ({ data }) => [['close', data.grantId]],
    NetworkContextDeleted: ({ data, project, position }) => {
      if (data.endsGrant === undefined) return [];
      const { grantId, location } = data.endsGrant;
      const { name, uid } = location;
      return [['open', grantId, 'LocationEnded', project, '', '', name, uid, '', position]];
    },
    LocationLeft: ({ data }) => [['close', data.grantId]],
    AddressHeld: ({ data, position }) => {
      const { pool, project, grant } = data;
      const { id, generation } = grant;
      return [['open', id, 'AddressGranted', project, generation, pool, '', '', '', position]];
    },
    AddressAllocated: ({ data }) => committed(data.grant),
    IPAllocationCreated: ({ data }) => committed(data.grant),
    AddressConfirmed: ({ data }) => [['confirm', data.grantId]],
    AddressReleased: addressEnds,
    IPAllocationDeleted: addressEnds,
    AddressUnheld: ({ data }) => [['close', data.grantId]],
    GrantAbandoned: ({ data }) => [['abandon', data.grantId, data.at]],
  },
};

/** Grants that were never used: they are taken back, and what they gave is free at once. */
function endingWhere(rows: string): string {
  return `UPDATE grants SET generation = '', available_at = iif(pool = '', '', ?2),
    type = replace(type, 'Granted', 'Ended') WHERE ${rows} AND type LIKE '%Granted'`;
}

function committed(grant: { readonly id: string } | undefined): Write[] {
  return grant === undefined ? [] : [['commit', grant.id]];
}

/** The project has released it; the pool, which may not have confirmed it yet, takes it back. */
function addressEnds(event: Placed<'AddressReleased' | 'IPAllocationDeleted'>): Write[] {
  const { data, project, position } = event;
  if (data.endsGrant === undefined) return [];
  const { pool, availableAt } = data;
  const { grantId } = data.endsGrant;
  return [['open', grantId, 'AddressEnded', project, '', pool, '', '', availableAt, position]];
}
