import { z } from 'zod';
import { parseAddress, parsePrefix } from '../../../addressing/prefix.ts';
import { family } from '../../../ledger/ip-class.ts';
import { dnsLabel, dnsSubdomain } from '../../../ledger/names.ts';
import { isOperator } from '../../roles.ts';
import { defineKind } from '../kind.ts';
import { CATEGORIES, IPAM } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

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
    className: dnsLabel.optional(),
    /** Pools that are made on demand have dots in their names. */
    poolRef: z.strictObject({ name: dnsSubdomain }).optional(),
    ipFamily: family.optional(),
    prefixLength: z.int().min(1).max(128).optional(),
    address: block.optional(),
    scope: z
      .strictObject({ network: dnsLabel.optional(), location: dnsLabel.optional() })
      .optional(),
    reclaimPolicy: z.enum(['Delete', 'Retain']).optional(),
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
