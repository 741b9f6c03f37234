import { z } from 'zod';
import { dnsSubdomain } from '../../../ledger/names.ts';
import { presenceName } from '../../../ledger/streams.ts';
import { defineKind } from '../kind.ts';
import { reference, refuseDuplicates, subnetPrefix } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { networkContextStatus } from './shown-schemas.ts';

const subnetOf = (family: 'IPv6' | 'IPv4') =>
  z.strictObject({
    family: z.literal(family).describe('The address family.'),
    prefix: subnetPrefix[family].describe('The block.'),
  });

const subnets = z
  .array(z.discriminatedUnion('family', [subnetOf('IPv6'), subnetOf('IPv4')]))
  .max(2)
  .superRefine((list, context) => {
    const families = list.map(({ family }) => family);
    refuseDuplicates(families, context);
  });

const specSchema = z.strictObject({
  network: reference.describe('The network.'),
  location: reference.describe('Where the network is present.'),
  subnets: subnets
    .optional()
    .describe(
      'The very blocks of the network that it takes, one a family; the next free otherwise.',
    ),
});

/** A presence: one network in one location. Its name says which. */
export const networkContexts = defineKind({
  ...NETWORKING,
  kind: 'NetworkContext',
  plural: 'networkcontexts',
  singular: 'networkcontext',
  shortNames: ['netctx'],
  categories: [CATEGORIES.networking, CATEGORIES.ofProject],
  namespaced: true,
  columns: PRINTER_COLUMNS.NetworkContext,
  nameSchema: dnsSubdomain,
  description:
    'A presence: one network in one location. Made by the first claim there, or ahead of it.',
  statusSchema: networkContextStatus,
  specSchema,
  writes: {
    projectOf: ({ namespace }) => namespace,
    nameOf: ({ network, location }) => presenceName(network.name, location.name),
    create: ({ namespace, spec, metadata }) => ({
      project: namespace,
      command: {
        type: 'CreateNetworkContext',
        network: spec.network.name,
        location: spec.location.name,
        subnets: spec.subnets,
        metadata,
      },
    }),
    remove: ({ namespace, name }, expect) => ({
      project: namespace,
      command: { type: 'DeleteNetworkContext', name, expect },
    }),
  },
});
