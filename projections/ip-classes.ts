import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_CLASS_ANNOTATION } from '../src/ledger/names.ts';
import type { ObjectProjection } from '../src/views/projection.ts';
import { IPAM, newMetadata, nextGeneration, terminating, withMetadata } from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'IPClass';

/** Kinds of address. */
export const ipClasses: ObjectProjection = {
  name: 'ip_classes',
  version: 2,
  kind: KIND,
  namespaced: false,
  on: {
    IPClassCreated: {
      names: byName,
      next: (_, { data }) => {
        // A class of the plan is marked by its event alone.
        const kept = data.isDefault ? { annotations: { [DEFAULT_CLASS_ANNOTATION]: 'true' } } : {};
        const metadata = newMetadata(data, '', data.metadata, kept);
        return { apiVersion: IPAM, kind: KIND, metadata, spec: data.spec };
      },
    },
    IPClassUpdated: changes(byName, (ipClass, { data }) => {
      const { spec, metadata } = data;
      const changed = isDeepStrictEqual(spec, ipClass.spec)
        ? ipClass
        : { ...nextGeneration(ipClass), spec };
      return metadata === undefined ? changed : withMetadata(changed, metadata, {});
    }),
    ObjectMetadataChanged: changes(ofKind(KIND), (ipClass, { data }) =>
      withMetadata(ipClass, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (ipClass, { data }) => terminating(ipClass, data.at)),
    IPClassDeleted: ends,
  },
};
