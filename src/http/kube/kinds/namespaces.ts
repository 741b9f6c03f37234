import { z } from 'zod';
import { dnsLabel, isReservedNamespace } from '../../../ledger/names.ts';
import { defineKind } from '../kind.ts';
import { OBJECT_META } from '../object-meta-message.ts';
import { IPV6_RANGE_ANNOTATION } from './groups.ts';
import { PRINTER_COLUMNS } from './printer-columns.ts';
import { namespaceStatus } from './shown-schemas.ts';

/** Namespaces are the projects. Their spec holds nothing of ours; clients send upstream's. */
export const namespaces = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  namespaced: false,
  columns: PRINTER_COLUMNS.Namespace,
  nameSchema: dnsLabel,
  description: "A project: what is in it is nobody else's.",
  statusSchema: namespaceStatus,
  specSchema: z
    .strictObject({
      finalizers: z.array(z.string()).nullish().describe("Upstream's; they mean nothing here."),
    })
    .nullish(),
  message: { 1: ['metadata', OBJECT_META], 2: ['spec', { 1: ['finalizers', 'texts'] }] },
  writes: {
    projectOf: ({ name }) => name,
    nameForbidden: (name) =>
      isReservedNamespace(name)
        ? 'names that begin with kube- or netalloc- are reserved'
        : undefined,
    ignoresSpec: true,
    deletesSingly: true,
    ledgerAnnotations: [IPV6_RANGE_ANNOTATION],
    create: ({ name, metadata }) => ({
      project: name,
      command: { type: 'CreateNamespace', metadata },
    }),
    remove: ({ name }, expect) => ({
      project: name,
      command: { type: 'DeleteNamespace', expect },
    }),
  },
});
