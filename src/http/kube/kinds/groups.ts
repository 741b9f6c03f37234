/** The API groups that are served beside the core one. Outsiders rely on these names. */
export const NETWORKING = { group: 'networking.datumapis.com', version: 'v1alpha' } as const;
export const IPAM = { group: 'ipam.miloapis.com', version: 'v1alpha1' } as const;

/** Kinds that are asked for together: those of a group, and all that a project has. */
export const CATEGORIES = { networking: 'networking', ipam: 'ipam', ofProject: 'all' } as const;

/** The label that the ledger keeps on claims and interfaces. */
export const LOCATION_LABEL = 'networking.datumapis.com/location';

/** The annotation that the ledger keeps on namespaces. */
export const IPV6_RANGE_ANNOTATION = 'networking.datumapis.com/ipv6-range';
