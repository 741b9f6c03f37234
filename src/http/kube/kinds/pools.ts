import { z } from 'zod';
import { family, ipClassSpec } from '../../../ledger/ip-class.ts';
import { dnsLabel, dnsSubdomain } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { IPAM } from './groups.ts';

/** Pools and classes come from the addressing plan and from what is carved on demand. */
export const ipPools = defineKind({
  ...IPAM,
  kind: 'IPPool',
  plural: 'ippools',
  singular: 'ippool',
  shortNames: [],
  namespaced: false,
  nameSchema: dnsSubdomain,
  specSchema: z.looseObject({ ipFamily: family, cidr: z.string().optional() }),
});

export const ipClasses = defineKind({
  ...IPAM,
  kind: 'IPClass',
  plural: 'ipclasses',
  singular: 'ipclass',
  shortNames: [],
  namespaced: false,
  nameSchema: dnsLabel,
  specSchema: ipClassSpec,
});
