import { z } from 'zod';
import { parseAddress, parsePrefix } from '../../../addressing/prefix.ts';
import { family } from '../../../ledger/ip-class.ts';
import { dnsLabel, dnsSubdomain } from '../../../ledger/names.ts';
import { isOperator } from '../../roles.ts';
import { defineKind } from '../kind.ts';
import { CATEGORIES, IPAM } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { ipClaimStatus } from './shown-schemas.ts';

/** An address, or a prefix without host bits. */
const block = z
  .string()
  .max(64)
  .superRefine((text, context) => {
    try {
      if (text.includes('/')) parsePrefix(text);
      else parseAddress(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });

const SOURCES = ['className', 'poolRef', 'ipFamily'] as const;

const specSchema = z
  .strictObject({
    className: dnsLabel.optional().describe('The IPClass that the block is of.'),
    /** Pools that are made on demand have dots in their names. */
    poolRef: z
      .strictObject({ name: dnsSubdomain.describe('Its name.') })
      .optional()
      .describe('The IPPool that the block is taken from, instead of a class.'),
    ipFamily: family.optional().describe('The family whose default class the block is of.'),
    prefixLength: z
      .int()
      .min(1)
      .max(128)
      .optional()
      .describe('The length of the block; that of its class if none is named.'),
    address: block.optional().describe('The very address or block that is wanted.'),
    scope: z
      .strictObject({
        network: dnsLabel.optional().describe('The network.'),
        location: dnsLabel.optional().describe('The location.'),
      })
      .optional()
      .describe('Where the block is used, as far as its class asks for that.'),
    reclaimPolicy: z
      .enum(['Delete', 'Retain'])
      .optional()
      .describe(
        'What becomes of the block when the claim is deleted; as its class says if absent.',
      ),
  })
  .superRefine((spec, context) => {
    const named = SOURCES.filter((source) => spec[source] !== undefined);
    if (named.length === 1) return;
    const message = `needs exactly one of ${SOURCES.join(', ')}`;
    context.addIssue({ code: 'custom', message, path: [] });
  });

/** A claim for one block of a class, of a family's default class, or of a pool. */
export const ipClaims = defineKind({
  ...IPAM,
  kind: 'IPClaim',
  plural: 'ipclaims',
  singular: 'ipclaim',
  shortNames: ['ipc'],
  categories: [CATEGORIES.ipam, CATEGORIES.ofProject],
  namespaced: true,
  columns: PRINTER_COLUMNS.IPClaim,
  nameSchema: dnsSubdomain,
  description: "A request for one block of a class, of a family's default class, or of a pool.",
  statusSchema: ipClaimStatus,
  specSchema,
  writes: {
    projectOf: ({ namespace }) => namespace,
    create: ({ namespace, name, spec, metadata }, actor) => ({
      project: namespace,
      command: { type: 'CreateIPClaim', name, spec, metadata, asOperator: isOperator(actor) },
    }),
    remove: ({ namespace, name }, expect) => ({
      project: namespace,
      command: { type: 'DeleteIPClaim', name, expect },
    }),
  },
});
