import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { dnsLabel } from '../../../ledger/names.ts';
import { invalidValue } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { ipFamilies, ipv4Range, ipv6Range } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { networkStatus } from './shown-schemas.ts';

const specSchema = z.strictObject({
  ipFamilies: ipFamilies
    .default(['IPv6'])
    .describe('The families that it carries. One may be added, none taken away.'),
  mtu: z
    .int()
    .min(1_300)
    .max(8_856)
    .default(1_460)
    .describe('Largest packet, in bytes. Interfaces follow a change.'),
  ipam: z
    .strictObject({
      mode: z
        .enum(['Auto', 'Policy'])
        .default('Auto')
        .describe('Whether addresses are allocated from it; with Policy, none are.'),
      ipv4Range: ipv4Range
        .optional()
        .describe('The range of its IPv4 plan, a /8 to /20; 10.128.0.0/9 if none is named.'),
      ipv6Range: ipv6Range
        .optional()
        .describe('Its IPv6 range, a /48; the next free one if none is named.'),
    })
    .default({ mode: 'Auto' })
    .describe('Its ranges.'),
});

export const networks = defineKind({
  ...NETWORKING,
  kind: 'Network',
  plural: 'networks',
  singular: 'network',
  shortNames: ['net'],
  categories: [CATEGORIES.networking, CATEGORIES.ofProject],
  namespaced: true,
  columns: PRINTER_COLUMNS.Network,
  nameSchema: dnsLabel,
  description: 'A private network of a project.',
  statusSchema: networkStatus,
  specSchema,
  writes: {
    projectOf: ({ namespace }) => namespace,
    mutableFields: ['mtu', 'ipFamilies'],
    changeProblems: (from, to) => {
      const kept = to.ipFamilies.slice(0, from.ipFamilies.length);
      if (isDeepStrictEqual(kept, from.ipFamilies)) return [];
      const why = 'field is immutable but for families added at its end';
      return [invalidValue('spec.ipFamilies', to.ipFamilies, why)];
    },
    create: ({ namespace, name, spec, metadata }) => ({
      project: namespace,
      command: { type: 'CreateNetwork', name, spec, metadata },
    }),
    update: ({ namespace, name, spec, metadata }, expect) => ({
      project: namespace,
      command: { type: 'UpdateNetwork', name, spec, metadata, expect },
    }),
    remove: ({ namespace, name }, expect) => ({
      project: namespace,
      command: { type: 'DeleteNetwork', name, expect },
    }),
  },
});
