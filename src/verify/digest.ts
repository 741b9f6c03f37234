import { hash } from 'node:crypto';

const DIGEST_BYTES = 6;

/**
 * A number for a JSON value, whatever the order of its keys: two of one number are taken for the
 * same, so that a spec that nobody changes need not be kept to be compared later.
 */
export function digestOf(value: unknown): number {
  return hash('sha256', canonical(value), 'buffer').readUIntBE(0, DIGEST_BYTES);
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields: string[] = [];
  for (const name of Object.keys(value).sort()) {
    const field = (value as Record<string, unknown>)[name];
    if (field !== undefined) fields.push(`${JSON.stringify(name)}:${canonical(field)}`);
  }
  return `{${fields.join()}}`;
}
