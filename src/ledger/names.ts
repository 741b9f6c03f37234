import { z } from 'zod';

/** RFC 1123 label: namespaces, networks, locations, classes, pools. */
export const dnsLabel = z
  .string()
  .max(63, 'must be no more than 63 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must consist of lower case letters, digits or "-", and start and end with a letter or digit',
  );

/** RFC 1123 subdomain: claims, interfaces, IPClaims, contexts. */
export const dnsSubdomain = z
  .string()
  .max(253, 'must be no more than 253 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must consist of lower case letters, digits, "-" or ".", and start and end with a letter or ' +
      'digit',
  );

/** Whom something is open to: a project by its name, or `*` for every one. */
export const projectOrEvery = z.union([z.literal('*'), dnsLabel], {
  error: 'must be the name of a project, or "*" for every one',
});

/** The namespace of records that belong to no project. Built in. */
export const SYSTEM_NAMESPACE = 'netalloc-system';

/** Namespaces that nobody can create. */
export function isReservedNamespace(name: string): boolean {
  return name.startsWith('kube-') || name.startsWith('netalloc-');
}

/** The annotation that makes a class the default of its family. */
export const DEFAULT_CLASS_ANNOTATION = 'ipam.miloapis.com/is-default-class';
