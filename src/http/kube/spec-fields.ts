import { z } from 'zod';
import { formatPrefix, type Prefix, parsePrefix } from '../../addressing/prefix.ts';
import { dnsLabel } from '../../ledger/names.ts';
import { limits } from '../../limits.ts';
import { jsonBytes } from './metadata.ts';

/** Fields that several kinds have in their specs. */
export const reference = z.strictObject({ name: dnsLabel.describe('Its name.') });

/** The families of a claim or network, the primary one first. */
export const ipFamilies = z
  .array(z.enum(['IPv6', 'IPv4']))
  .min(1)
  .max(2)
  .superRefine(refuseDuplicates);

/** Reports every item of a list that stands in it before. */
export function refuseDuplicates(list: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  list.forEach((item, index) => {
    const key = JSON.stringify(item);
    if (seen.has(key)) {
      const params = { reason: 'FieldValueDuplicate' };
      context.addIssue({ code: 'custom', message: 'is given twice', path: [index], params });
    }
    seen.add(key);
  });
}

/** A prefix in canonical text, so that one range never has two names. */
function prefixField(problemOf: (prefix: Prefix) => string | undefined) {
  return z.string().superRefine((text, context) => {
    const message = prefixProblem(text, problemOf);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

function prefixProblem(
  text: string,
  problemOf: (prefix: Prefix) => string | undefined,
): string | undefined {
  try {
    const prefix = parsePrefix(text);
    const canonical = formatPrefix(prefix);
    return text === canonical ? problemOf(prefix) : `must be written as ${canonical}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A range of one family. */
export const subnetPrefix = {
  IPv4: prefixField(({ family }) => (family === 'IPv4' ? undefined : 'must be an IPv4 prefix')),
  IPv6: prefixField(({ family }) => (family === 'IPv6' ? undefined : 'must be an IPv6 prefix')),
} as const;

/** The range of a network's IPv4 plan. Where it may lie depends on the pools of its project. */
export const ipv4Range = prefixField(({ family, length }) => {
  if (family !== 'IPv4') return 'must be an IPv4 prefix';
  return length >= 8 && length <= 20 ? undefined : 'must be a /8 to /20';
});

/** The range of a network's IPv6 subnets. */
export const ipv6Range = prefixField((prefix) =>
  prefix.family === 'IPv6' && prefix.length === 48 ? undefined : 'must be an IPv6 /48',
);

/** Reports a free object or map that is larger than what one field may hold. */
export function refuseLarge(value: unknown, context: z.RefinementCtx): void {
  const bytes = jsonBytes(value);
  if (bytes <= limits.freeObjectBytesMax) return;
  const message = `may take no more than ${limits.freeObjectBytesMax} bytes`;
  const params = { reason: 'FieldValueTooLong', shown: `${bytes} bytes` };
  context.addIssue({ code: 'custom', message, params });
}
