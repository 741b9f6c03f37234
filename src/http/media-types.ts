import { StatusError, shown } from './status.ts';

export const JSON_TYPE = 'application/json';
export const MERGE_PATCH_TYPE = 'application/merge-patch+json';
export const JSON_PATCH_TYPE = 'application/json-patch+json';
export const APPLY_PATCH_TYPE = 'application/apply-patch+yaml';
/** Only where it says what a merge patch says. */
export const STRATEGIC_MERGE_PATCH_TYPE = 'application/strategic-merge-patch+json';
export const PATCH_TYPES = [JSON_PATCH_TYPE, MERGE_PATCH_TYPE, APPLY_PATCH_TYPE] as const;

/** JSON as it is, where no other form is named. */
export const PLAIN = '';
const ONLY_PLAIN = [PLAIN] as const;

/**
 * The forms of JSON that an Accept header takes, the most welcome first. A form is named by the
 * parameters of the JSON type, `as`, `g` and `v`, here in one text: `meta.k8s.io/v1/Table`. Other
 * parameters than these and `q` do not matter.
 */
function acceptedForms(accept: string | undefined): readonly string[] {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === JSON_TYPE) {
    return ONLY_PLAIN;
  }
  return accept
    .split(',')
    .flatMap(formOf)
    .sort((one, other) => other.quality - one.quality)
    .map(({ form }) => form);
}

const NO_FORM_RANGES = new Set(['application/*', '*/*']);

function formOf(range: string) {
  const [type = '', ...rest] = range.split(';').map((part) => part.trim());
  const name = type.toLowerCase();
  if (name !== JSON_TYPE && !NO_FORM_RANGES.has(name)) return [];
  const parameters = new Map(
    rest.map((parameter) => {
      const [key = '', value = ''] = parameter.split('=', 2);
      return [key.trim().toLowerCase(), value.trim()];
    }),
  );
  const quality = Number(parameters.get('q') ?? 1);
  if (!(quality > 0)) return [];
  const as = name === JSON_TYPE ? parameters.get('as') : undefined;
  const form = as && `${parameters.get('g') ?? ''}/${parameters.get('v') ?? ''}/${as}`;
  return [{ form: form ?? PLAIN, quality }];
}

/** Refuses a request that takes no JSON: there is nothing else to answer with. */
export function requireJsonAnswer(accept: string | undefined): void {
  if (acceptedForms(accept).length === 0) throw notAcceptable([PLAIN]);
}

/** The form that a client likes best of those that are offered. */
export function chosenForm<Form extends string>(
  accept: string | undefined,
  offered: readonly Form[],
): Form {
  for (const form of acceptedForms(accept)) {
    const found = offered.find((one) => one === form);
    if (found !== undefined) return found;
  }
  throw notAcceptable(offered);
}

function notAcceptable(offered: readonly string[]): StatusError {
  const types = offered.map((form) => {
    if (form === PLAIN) return JSON_TYPE;
    const [group, version, as] = form.split('/');
    return `${JSON_TYPE};as=${as};v=${version};g=${group}`;
  });
  const message = `only the following media types are accepted: ${types.join(', ')}`;
  return new StatusError('NotAcceptable', message);
}
/** The media type of a body without its parameters; a body without a type is JSON. */
export function bodyTypeOf(contentType: string | undefined): string {
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
  const type = bodyTypeOf(contentType);
  if (type === supported) return;
  const named = type === '' ? 'an empty media type' : type;
  const message = `${named} is not supported here: the supported media type is ${supported}`;
  throw new StatusError('UnsupportedMediaType', message);
}

/** The refusal of a patch of another type, in upstream's words: kubectl adds which one it was. */
export function unsupportedPatch(): StatusError {
  const unknown = 'the body of the request was in an unknown format';
  const message = `${unknown} - accepted media types include: ${PATCH_TYPES.join(', ')}`;
  return new StatusError('UnsupportedMediaType', message);
}

/** What is wrong with how a body is encoded: it has to be sent as it is. */
export function encodingProblem(contentEncoding: string | undefined): StatusError | undefined {
  if (contentEncoding === undefined || contentEncoding.toLowerCase() === 'identity')
    return undefined;
  const message = `a body in Content-Encoding ${shown(contentEncoding)} is not read: send it as it is`;
  return new StatusError('UnsupportedMediaType', message, undefined, {
    'accept-encoding': 'identity',
  });
}
