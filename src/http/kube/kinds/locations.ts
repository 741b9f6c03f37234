import { z } from 'zod';
import { dnsLabel, projectOrEvery } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { refuseLarge } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { locationStatus } from './shown-schemas.ts';

const specSchema = z.strictObject({
  locationClassName: z
    .string()
    .max(253)
    .optional()
    .describe('What class of location it is; recorded only.'),
  topology: z
    .record(z.string(), z.string())
    .superRefine(refuseLarge)
    .optional()
    .describe('Where it is in the world, as keys and values; recorded only.'),
  provider: z
    .looseObject({})
    .superRefine(refuseLarge)
    .optional()
    .describe('What providers need to know of it; recorded only.'),
  projects: z
    .array(projectOrEvery)
    .max(1_000)
    .default(['*'])
    .describe('The projects that may use it; `*` is every one.'),
  draining: z.boolean().default(false).describe('Takes no new claims; what is there stays.'),
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
  description: 'A place where workloads run.',
  statusSchema: locationStatus,
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
