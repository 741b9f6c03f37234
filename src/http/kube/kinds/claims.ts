import { z } from 'zod';
import { dnsLabel, dnsSubdomain } from '../../../ledger/names.ts';
import { isOperator } from '../../roles.ts';
import { defineKind } from '../kind.ts';
import { ipFamilies, reference, refuseDuplicates } from '../spec-fields.ts';
import { CATEGORIES, LOCATION_LABEL, NETWORKING } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { claimStatus } from './shown-schemas.ts';

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
    description:
      'One slot of a workload wants an interface: on a network, at a location. It has its addresses at once, or waits with a reason.',
    statusSchema: claimStatus,
    specSchema: z.strictObject({
      network: reference.describe('The network that the interface is on.'),
      location: location.describe('Where the interface is.'),
      interfaceName: deviceName.default('eth0').describe('The name of the device in its instance.'),
      attachmentMode: z
        .enum(['Netns', 'Hypervisor'])
        .default('Netns')
        .describe('What the device is attached to.'),
      ipFamilies: ipFamilies
        .default(['IPv6'])
        .describe('Families of its private addresses, the primary first.'),
      addresses: z
        .array(z.strictObject({ class: dnsLabel.describe('The IPClass of the address.') }))
        .max(4)
        .superRefine(refuseDuplicates)
        .optional()
        .describe('Addresses from outside the project that it gets beside the private ones.'),
      reclaimPolicy: z
        .enum(['Delete', 'Retain'])
        .default('Delete')
        .describe('What becomes of the interface and its addresses when the claim is deleted.'),
      networkInterfaceName: dnsSubdomain
        .optional()
        .describe('The very interface that it binds; it waits for that one and makes none.'),
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
