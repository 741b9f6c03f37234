import type { Resource } from '../../status.ts';
import type { Kind } from '../kind.ts';
import { claimsFor } from './claims.ts';
import { interfaces } from './interfaces.ts';
import { ipAllocations } from './ip-allocations.ts';
import { ipClaims } from './ip-claims.ts';
import { ipClasses } from './ip-classes.ts';
import { ipPools } from './ip-pools.ts';
import { coreEvents, groupEvents } from './kube-events.ts';
import { locations } from './locations.ts';
import { namespaces } from './namespaces.ts';
import { networkContexts } from './network-contexts.ts';
import { networks } from './networks.ts';

/** Every kind that is served, in the order in which discovery lists them. */
export function servedKinds(defaultLocation: string | undefined): readonly Kind[] {
  return [
    namespaces,
    coreEvents,
    networks,
    networkContexts,
    locations,
    claimsFor(defaultLocation),
    interfaces,
    ipPools,
    ipClasses,
    ipClaims,
    ipAllocations,
    groupEvents,
  ];
}

const resources = new Map<string, Resource>(servedKinds(undefined).map((one) => [one.viewed, one]));

/** The resource of a kind, as refusals name it; a kind that is not served stands for itself. */
export function resourceOf(kind: string): Resource {
  return resources.get(kind) ?? { group: '', kind, plural: kind.toLowerCase() };
}
