import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { dnsLabel } from '../../../ledger/names.ts';
import { invalidValue } from '../field-errors.ts';
import { defineKind } from '../kind.ts';
import { ipFamilies, ipv4Range, ipv6Range } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

const specSchema = z.strictObject({
  ipFamilies: ipFamilies.default(['IPv6']),
  mtu: z.int().min(1_300).max(8_856).default(1_460),
  ipam: z
    .strictObject({
      mode: z.enum(['Auto', 'Policy']).default('Auto'),
      ipv4Range: ipv4Range.optional(),
      ipv6Range: ipv6Range.optional(),
    })
    .default({ mode: 'Auto' }),
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
