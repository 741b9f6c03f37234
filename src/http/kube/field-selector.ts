import { limits } from '../../limits.ts';
import type { KubeObject } from '../../views/views.ts';
import { badRequest, shown } from '../status.ts';
import type { Kind } from './kind.ts';
import { valueAt } from './value-at.ts';

/** What a field selector asks for. */
export interface FieldSelector {
  matches(object: KubeObject): boolean;
  /** The only name that can match, where the selector says it. */
  readonly name: string | undefined;
  /** Whether it asks for what the kind shows on demand. */
  readonly isOnDemand: boolean;
}

const COMMON_FIELDS = ['metadata.name', 'metadata.namespace'];
/** A term: commas, equal signs and backslashes of the value are escaped by a backslash. */
const TERM = /^(?<field>[^=!,\\]+)(?<operator>==|=|!=)(?<value>(?:\\[\\,=]|[^\\,=])*)(?:,|$)/;

/** Reads a field selector; a field that the kind cannot be selected by is refused. */
export function parseFieldSelector(text: string, kind: Kind): FieldSelector {
  const terms: { field: string; value: string; isNegated: boolean }[] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const match = TERM.exec(rest);
    if (match?.groups === undefined) {
      throw badRequest(
        `invalid field selector "${shown(text)}": cannot be read at "${shown(rest)}"`,
      );
    }
    if (terms.length === limits.selectorTermsMax) {
      throw badRequest(`a field selector may have no more than ${limits.selectorTermsMax} terms`);
    }
    const { field = '', operator, value = '' } = match.groups;
    if (!COMMON_FIELDS.includes(field) && !kind.selectableFields?.includes(field)) {
      throw badRequest(`field label not supported: ${shown(field)}`);
    }
    const unescaped = value.replace(/\\(.)/g, '$1');
    terms.push({ field, value: unescaped, isNegated: operator === '!=' });
    rest = rest.slice(match[0].length);
  }
  const name = terms.find((term) => term.field === 'metadata.name' && !term.isNegated)?.value;
  const { shownOnDemand } = kind;
  const isOnDemand = terms.some(
    ({ field, value, isNegated }) =>
      !isNegated && field === shownOnDemand?.field && value === shownOnDemand.value,
  );
  const matches = (object: KubeObject) =>
    terms.every(({ field, value, isNegated }) => (fieldOf(object, field) === value) !== isNegated);
  return { matches, name, isOnDemand };
}

/** The text of a field; one that an object lacks is empty. */
function fieldOf(object: KubeObject, field: string): string {
  const value = valueAt(object, field);
  return typeof value === 'string' ? value : '';
}
