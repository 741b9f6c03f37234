import { z } from 'zod';
import { dnsSubdomain } from '../../../ledger/names.ts';
import { presenceName } from '../../../ledger/streams.ts';
import { defineKind } from '../kind.ts';
import { reference, refuseDuplicates, subnetPrefix } from '../spec-fields.ts';
import { CATEGORIES, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

const subnets = z
  .array(
    z.discriminatedUnion('family', [
      z.strictObject({ family: z.literal('IPv6'), prefix: subnetPrefix.IPv6 }),
      z.strictObject({ family: z.literal('IPv4'), prefix: subnetPrefix.IPv4 }),
    ]),
  )
  .max(2)
  .superRefine((list, context) => {
    const families = list.map(({ family }) => family);
    refuseDuplicates(families, context);
  });

const specSchema = z.strictObject({
  network: reference,
  location: reference,
  subnets: subnets.optional(),
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
