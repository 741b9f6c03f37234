import { z } from 'zod';
import { durationMs } from './durations.ts';
import { family } from './ip-class.ts';
import { dnsLabel } from './names.ts';

/**
 * An IPPool that an operator authors: a root with ranges of its own, or a child that is carved from
 * another pool. Its spec is a storage format (`IPPoolCreated` holds it) and the body of the API's
 * object at once, so that one schema says what a pool may be.
 */
const cidr = z.string().max(64);
const prefixLength = z.int().min(0).max(128);
const count = z.int().min(0).max(65_536);

export const ipPoolSpec = z.strictObject({
  ipFamily: family,
  /** Of a root: its first range. */
  cidr: cidr.optional(),
  /** Of a child: the pool that it is carved from, and how large it is. */
  parentPoolRef: z.strictObject({ name: dnsLabel }).optional(),
  prefixLength: prefixLength.optional(),
  /** Further ranges of a root, in the order in which they are used up. */
  additionalCIDRs: z.array(cidr).max(256).optional(),
  /** The classes whose blocks, or whose children's ranges, are taken from it. */
  classNames: z.array(dnsLabel).max(64).default([]),
  /** The project that owns it; the platform, where none is named. */
  projectRef: z.strictObject({ name: dnsLabel }).optional(),
  allocation: z
    .strictObject({
      minPrefixLength: prefixLength.optional(),
      maxPrefixLength: prefixLength.optional(),
      strategy: z.enum(['FirstFit', 'BestFit']).optional(),
    })
    .optional(),
  reservations: z
    .strictObject({ leading: count, trailing: count, unitPrefixLength: prefixLength })
    .optional(),
  excludedCIDRs: z
    .array(z.strictObject({ cidr, reason: z.string().max(1_024) }))
    .max(1_024)
    .optional(),
  maxRetentionLease: z
    .string()
    .refine((text) => durationMs(text) !== undefined, 'must be a duration such as 24h or 720h')
    .optional(),
  draining: z.boolean().optional(),
});
export type IPPoolSpec = z.infer<typeof ipPoolSpec>;
