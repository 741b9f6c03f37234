import { z } from 'zod';
import { dnsLabel, dnsSubdomain } from '../../../ledger/names.ts';
import { isOperator } from '../../roles.ts';
import { defineKind } from '../kind.ts';
import { ipFamilies, reference, refuseDuplicates } from '../spec-fields.ts';
import { CATEGORIES, LOCATION_LABEL, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

/** Linux takes more, but nothing else is safe in every tool that such a name is handed to. */
const deviceName = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/,
    'must be a device name: 1 to 15 letters, digits, "_", "." or "-", not beginning with "." or "-"',
  );

/** The claims of a server whose claims are for one location unless they name another. */
export function claimsFor(defaultLocation: string | undefined) {
  const location =
    defaultLocation === undefined ? reference : reference.default({ name: defaultLocation });
  return defineKind({
    ...NETWORKING,
    kind: 'NetworkInterfaceClaim',
    plural: 'networkinterfaceclaims',
    singular: 'networkinterfaceclaim',
    shortNames: ['nicc'],
    categories: [CATEGORIES.networking, CATEGORIES.ofProject],
    namespaced: true,
    columns: PRINTER_COLUMNS.NetworkInterfaceClaim,
    nameSchema: dnsSubdomain,
    specSchema: z.strictObject({
      network: reference,
      location,
      interfaceName: deviceName.default('eth0'),
      attachmentMode: z.enum(['Netns', 'Hypervisor']).default('Netns'),
      ipFamilies: ipFamilies.default(['IPv6']),
      addresses: z
        .array(z.strictObject({ class: dnsLabel }))
        .max(4)
        .superRefine(refuseDuplicates)
        .optional(),
      reclaimPolicy: z.enum(['Delete', 'Retain']).default('Delete'),
      networkInterfaceName: dnsSubdomain.optional(),
    }),
    selectableFields: ['spec.network.name', 'spec.location.name'],
    writes: {
      projectOf: ({ namespace }) => namespace,
      ledgerLabels: (spec) => ({ [LOCATION_LABEL]: spec.location.name }),
      create: ({ namespace, name, spec, metadata }, actor) => ({
        project: namespace,
        command: { type: 'RequestClaim', name, spec, metadata, asOperator: isOperator(actor) },
      }),
      remove: ({ namespace, name }, expect) => ({
        project: namespace,
        command: { type: 'DeleteClaim', name, expect },
      }),
    },
  });
}
