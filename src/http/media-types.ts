import { StatusError } from './status.ts';

export const JSON_TYPE = 'application/json';
export const MERGE_PATCH_TYPE = 'application/merge-patch+json';

const JSON_RANGES = new Set([JSON_TYPE, 'application/*', '*/*']);
const EXCLUDED = /^q=0(\.0*)?$/;

/**
 * Whether an Accept header takes JSON. Representations such as tables are asked for by parameters
 * of the JSON type with plain JSON as a fallback, so parameters other than `q` do not matter.
 */
function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === JSON_TYPE)
    return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return JSON_RANGES.has(type) && !parameters.some((parameter) => EXCLUDED.test(parameter));
  });
}

/** Refuses a request that takes no JSON: there is nothing else to answer with. */
export function requireJsonAnswer(accept: string | undefined): void {
  if (acceptsJson(accept)) return;
  const message = `only the following media types are accepted: ${JSON_TYPE}`;
  throw new StatusError('NotAcceptable', message);
}

/** The media type of a body without its parameters; a body without a type is JSON. */
function bodyType(contentType: string | undefined): string {
  if (contentType === undefined || contentType === JSON_TYPE) return JSON_TYPE;
  const [type = '', ...parameters] = contentType
    .split(';')
    .map((part) => part.trim().toLowerCase());
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=');
    if (name === 'charset' && value.replaceAll('"', '') !== 'utf-8') {
      throw new StatusError('UnsupportedMediaType', `${parameter} is not supported: send UTF-8`);
    }
  }
  return type;
}

/** Refuses a body of another type, naming the one that is supported. */
export function requireBodyType(contentType: string | undefined, supported: string): void {
  const type = bodyType(contentType);
  if (type === supported) return;
  const named = type === '' ? 'an empty media type' : type;
  const message = `${named} is not supported here: the supported media type is ${supported}`;
  throw new StatusError('UnsupportedMediaType', message);
}
