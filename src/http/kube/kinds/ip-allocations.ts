import { z } from 'zod';
import { family } from '../../../ledger/ip-class.ts';
import type { ObjectKey, Views } from '../../../views/views.ts';
import { refusalAnswer } from '../../refusals.ts';
import { defineKind } from '../kind.ts';
import { CATEGORIES, IPAM } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { allocationSpec, allocationStatus } from './shown-schemas.ts';

const RESOURCE = { ...IPAM, kind: 'IPAllocation', plural: 'ipallocations' } as const;

/** Records of blocks are the ledger's. Clients delete what an IPClaim has left retained. */
export const ipAllocations = defineKind({
  ...RESOURCE,
  singular: 'ipallocation',
  shortNames: ['ipalloc'],
  categories: [CATEGORIES.ipam, CATEGORIES.ofProject],
  namespaced: true,
  columns: PRINTER_COLUMNS.IPAllocation,
  nameSchema: z.string(),
  description: 'The record of a block that is held, withheld or carved.',
  shownSpecSchema: allocationSpec,
  statusSchema: allocationStatus,
  specSchema: z.looseObject({ ipFamily: family }),
  selectableFields: [
    ...['status.phase', 'status.allocatedCIDR', 'spec.purpose', 'spec.className'],
    ...['spec.poolRef.name', 'spec.holder.kind', 'spec.holder.name'],
  ],
  shownOnDemand: {
    field: 'status.phase',
    value: 'Quarantined',
    whyUnwatched: 'a quarantine ends by time alone, which is no event; list it instead',
  },
  writes: {
    projectOf: ({ namespace }) => namespace,
    deletesOnly: true,
    remove: (key, expect, views) => {
      refuseOthers(key, views);
      const { namespace, name } = key;
      return { project: namespace, command: { type: 'DeleteIPAllocation', name, expect } };
    },
  },
});

/** What holds a block is deleted instead of the record of it. */
function refuseOthers({ namespace, name }: ObjectKey, views: Views): void {
  const { spec } = views.get(RESOURCE.kind, namespace, name)?.object ?? {};
  if (spec === undefined || spec.purpose === 'Claim') return;
  const { kind, name: holder } = spec.holder as { kind: string; name: string };
  const message = `it records a block of ${kind} "${holder}" and goes with it`;
  throw refusalAnswer(RESOURCE, {
    reason: 'InUse',
    subject: { kind: RESOURCE.kind, name },
    message,
  });
}
