import { IMMUTABLE_CLASS_FIELDS, ipClassSpec } from '../../../ledger/ip-class.ts';
import { dnsLabel } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { CATEGORIES, IPAM } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';

const isMutable = (field: string) => !IMMUTABLE_CLASS_FIELDS.some((one) => one === field);

/** Kinds of address. The default of a family is marked by an annotation. */
export const ipClasses = defineKind({
  ...IPAM,
  kind: 'IPClass',
  plural: 'ipclasses',
  singular: 'ipclass',
  shortNames: [],
  categories: [CATEGORIES.ipam],
  namespaced: false,
  columns: PRINTER_COLUMNS.IPClass,
  nameSchema: dnsLabel,
  description:
    'A kind of address: how long its blocks are, what they are taken from, and what becomes of them.',
  specSchema: ipClassSpec,
  writes: {
    projectOf: () => undefined,
    mutableFields: Object.keys(ipClassSpec.shape).filter(isMutable),
    create: ({ name, spec, metadata }) => ({
      project: undefined,
      command: { type: 'CreateClass', name, spec, metadata },
    }),
    update: ({ name, spec, metadata }, expect) => ({
      project: undefined,
      command: { type: 'UpdateClass', name, spec, metadata, expect },
    }),
    remove: ({ name }, expect, views) => ({
      project: undefined,
      command: { type: 'DeleteClass', name, expect, standing: views.usesOfClass(name) },
    }),
  },
});
