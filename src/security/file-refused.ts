/** A file that decides who is let in and cannot be used; the message names it and says why. */
export class SecurityFileRefused extends Error {
  override readonly name = 'SecurityFileRefused';
}
