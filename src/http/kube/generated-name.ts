import { hash } from 'node:crypto';

/** Upstream's alphabet: no vowels, so that no words arise, and no digits that look like letters. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_CHARS = 5;
/** Upstream cuts a longer prefix, so that every generated name is a DNS label. */
const PREFIX_CHARS_MAX = 58;

/**
 * The name of an object that was created with `generateName`. It follows from the command's id, so
 * that a request that is sent again under its Idempotency-Key means the same object.
 */
export function generatedName(prefix: string, commandId: string): string {
  const digest = hash('sha256', `generateName\n${commandId}`, 'buffer');
  let name = prefix.slice(0, PREFIX_CHARS_MAX);
  for (const byte of digest.subarray(0, SUFFIX_CHARS)) name += ALPHABET[byte % ALPHABET.length];
  return name;
}
