import type { ObjectProjection } from '../src/views/projection.ts';
import { IPAM, newMetadata } from './shape/metadata.ts';
import { byName } from './shape/touches.ts';

const KIND = 'IPClass';
const IS_DEFAULT = 'ipam.miloapis.com/is-default-class';

/** Kinds of address. */
export const ipClasses: ObjectProjection = {
  name: 'ip_classes',
  version: 1,
  kind: KIND,
  namespaced: false,
  on: {
    IPClassCreated: {
      names: byName,
      next: (_, { data }) => {
        const kept = data.isDefault ? { annotations: { [IS_DEFAULT]: 'true' } } : {};
        const metadata = newMetadata(data, '', data.metadata, kept);
        return { apiVersion: IPAM, kind: KIND, metadata, spec: data.spec };
      },
    },
  },
};
