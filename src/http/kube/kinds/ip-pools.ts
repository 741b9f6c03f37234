import { IMMUTABLE_POOL_FIELDS, ipPoolSpec } from '../../../ledger/ip-pool.ts';
import { dnsSubdomain } from '../../../ledger/names.ts';
import { projectOfScopedPool } from '../../../ledger/streams.ts';
import { defineKind } from '../kind.ts';
import { CATEGORIES, IPAM } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { poolSpec, poolStatus } from './shown-schemas.ts';

const isMutable = (field: string) => !IMMUTABLE_POOL_FIELDS.some((one) => one === field);

/**
 * Authored pools are a client's to write. Pools made on demand, whose names have a dot, follow
 * their class and scope: of them an operator can only delete one that is empty.
 */
export const ipPools = defineKind({
  ...IPAM,
  kind: 'IPPool',
  plural: 'ippools',
  singular: 'ippool',
  shortNames: [],
  categories: [CATEGORIES.ipam],
  namespaced: false,
  columns: PRINTER_COLUMNS.IPPool,
  nameSchema: dnsSubdomain,
  description:
    'A range that blocks are taken from. Operators author some; others are made on demand for a class.',
  shownSpecSchema: poolSpec,
  statusSchema: poolStatus,
  specSchema: ipPoolSpec,
  writes: {
    projectOf: () => undefined,
    nameForbidden: (name, verb) =>
      verb === 'delete' || projectOfScopedPool(name) === undefined
        ? undefined
        : 'a name with a dot is that of a pool made on demand, which follows its class and scope',
    mutableFields: Object.keys(ipPoolSpec.shape).filter(isMutable),
    create: ({ name, spec, metadata }) => ({
      authoredPool: { type: 'CreatePool', name, spec, metadata },
    }),
    update: ({ name, spec, metadata }, expect) => ({
      authoredPool: { type: 'UpdatePool', name, spec, metadata, expect },
    }),
    changeMetadata: (command) => ({ authoredPool: command }),
    remove: ({ name }, expect) => {
      const project = projectOfScopedPool(name);
      if (project !== undefined) return { project, command: { type: 'ReturnPool', name } };
      return { authoredPool: { type: 'DeletePool', name, expect } };
    },
  },
});
