import { z } from 'zod';
import { dnsLabel } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { refuseLarge } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

const specSchema = z.strictObject({
  locationClassName: z.string().max(253).optional(),
  topology: z.record(z.string(), z.string()).superRefine(refuseLarge).optional(),
  provider: z.looseObject({}).superRefine(refuseLarge).optional(),
  projects: z
    .array(z.union([z.literal('*'), dnsLabel]))
    .max(1_000)
    .default(['*']),
  draining: z.boolean().default(false),
});

export const locations = defineKind({
  ...NETWORKING,
  kind: 'Location',
  plural: 'locations',
  singular: 'location',
  shortNames: ['loc'],
  categories: [CATEGORIES.networking],
  namespaced: false,
  columns: PRINTER_COLUMNS.Location,
  nameSchema: dnsLabel,
  specSchema,
  writes: {
    projectOf: () => undefined,
    mutableFields: ['topology', 'provider', 'projects', 'draining'],
    create: ({ name, spec, metadata }) => ({
      project: undefined,
      command: { type: 'CreateLocation', name, spec, metadata },
    }),
    update: ({ name, spec, metadata }, expect) => ({
      project: undefined,
      command: { type: 'UpdateLocation', name, spec, metadata, expect },
    }),
    remove: ({ name }, expect, views) => ({
      project: undefined,
      command: { type: 'DeleteLocation', name, expect, standing: views.standingAt(name) },
    }),
  },
});
