import { z } from 'zod';
import { dnsSubdomain } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { reference } from '../spec-fields.ts';
import { CATEGORIES, LOCATION_LABEL, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { interfaceSpec, interfaceStatus } from './shown-schemas.ts';

/** Interfaces are made by the ledger: of their spec nothing is a client's to change. */
export const interfaces = defineKind({
  ...NETWORKING,
  kind: 'NetworkInterface',
  plural: 'networkinterfaces',
  singular: 'networkinterface',
  shortNames: ['nic'],
  categories: [CATEGORIES.networking, CATEGORIES.ofProject],
  namespaced: true,
  columns: PRINTER_COLUMNS.NetworkInterface,
  nameSchema: dnsSubdomain,
  description:
    'Everything that a network device needs. Made by the ledger for a claim, and set up by a provider.',
  shownSpecSchema: interfaceSpec,
  statusSchema: interfaceStatus,
  specSchema: z.looseObject({ network: reference, location: reference }),
  selectableFields: [
    'spec.network.name',
    'spec.location.name',
    'spec.claimRef.name',
    'status.phase',
  ],
  hasStatus: true,
  writes: {
    projectOf: ({ namespace }) => namespace,
    ledgerLabels: (spec) => ({ [LOCATION_LABEL]: spec.location.name }),
    remove: ({ namespace, name }, expect) => ({
      project: namespace,
      command: { type: 'DeleteInterface', name, expect },
    }),
  },
});
