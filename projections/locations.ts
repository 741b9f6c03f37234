import { isDeepStrictEqual } from 'node:util';
import type { ObjectProjection } from '../src/views/projection.ts';
import type { KubeObject } from '../src/views/views.ts';
import { conditionsOf, judged, type Verdict, withConditions } from './shape/conditions.ts';
import {
  NETWORKING,
  newMetadata,
  nextGeneration,
  terminating,
  withMetadata,
} from './shape/metadata.ts';
import { byName, changes, ends, ofKind } from './shape/touches.ts';

const KIND = 'Location';

/** Places where workloads run. */
export const locations: ObjectProjection = {
  name: 'locations',
  version: 1,
  kind: KIND,
  namespaced: false,
  on: {
    LocationCreated: {
      names: byName,
      next: (_, { data }) => {
        const metadata = newMetadata(data, '', data.metadata);
        return shown({ apiVersion: NETWORKING, kind: KIND, metadata, spec: data.spec }, data.at);
      },
    },
    LocationUpdated: changes(byName, (location, { data }) => {
      const { spec, metadata } = data;
      const changed = isDeepStrictEqual(spec, location.spec)
        ? location
        : { ...nextGeneration(location), spec };
      const kept = metadata === undefined ? changed : withMetadata(changed, metadata, {});
      return shown(kept, data.at);
    }),
    ObjectMetadataChanged: changes(ofKind(KIND), (location, { data }) =>
      withMetadata(location, data.metadata, {}),
    ),
    DeletionRequested: changes(ofKind(KIND), (location, { data }) =>
      shown(terminating(location, data.at), data.at),
    ),
    LocationDeleted: ends,
  },
};

function shown(location: KubeObject, at: string): KubeObject {
  const { generation } = location.metadata;
  return withConditions(
    location,
    judged(conditionsOf(location), [readiness(location)], generation, at),
  );
}

/** It answers for what stands there in any case; the reason says whether it takes new claims. */
function readiness({ metadata, spec }: KubeObject): Verdict {
  const ready = { type: 'Ready', status: 'True' } as const;
  if (metadata.deletionTimestamp !== undefined) {
    return { ...ready, reason: 'Terminating', message: 'is being deleted; takes no new claims' };
  }
  return spec?.draining === true
    ? { ...ready, reason: 'Draining', message: 'takes no new claims; what is there stays' }
    : { ...ready, reason: 'Available', message: 'takes claims' };
}
