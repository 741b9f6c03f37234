import { limits } from '../../limits.ts';
import { badRequest, shown } from '../status.ts';
import { labelValueProblem, qualifiedNameProblem } from './metadata.ts';

/** Whether an object's labels satisfy a selector. */
export type LabelMatch = (labels: Readonly<Record<string, string>>) => boolean;

/** One requirement: `key`, `!key`, `key=value`, `key!=value`, `key in (a,b)`, `key notin (a,b)`. */
const WORD = '[^\\s!=(),]';
const ABSENT = `!\\s*(?<absent>${WORD}+)`;
const COMPARED = `\\s*(?<operator>==|=|!=)\\s*(?<value>${WORD}*)`;
const AMONG = '\\s+(?<set>in|notin)\\s*\\((?<values>[^()]*)\\)';
const PRESENT = `(?<present>${WORD}+)(?:${COMPARED}|${AMONG})?`;
const REQUIREMENT = new RegExp(`^\\s*(?:${ABSENT}|${PRESENT})\\s*(?:,|$)`);

/**
 * Reads a label selector.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(text: string): LabelMatch {
  const requirements: LabelMatch[] = [];
  let rest = text;
  while (rest.trim() !== '') {
    const match = REQUIREMENT.exec(rest);
    if (match?.groups === undefined) throw selectorProblem(text, `at "${shown(rest)}"`);
    if (requirements.length === limits.selectorTermsMax) {
      throw selectorProblem(text, `it has more than ${limits.selectorTermsMax} requirements`);
    }
    requirements.push(requirementOf(match.groups, text));
    const isLast = !match[0].endsWith(',');
    rest = rest.slice(match[0].length);
    if (!isLast && rest.trim() === '') throw selectorProblem(text, 'it ends with a comma');
  }
  return (labels) => requirements.every((satisfies) => satisfies(labels));
}

function requirementOf(
  groups: Readonly<Record<string, string | undefined>>,
  text: string,
): LabelMatch {
  const { absent, present, operator, value, set, values } = groups;
  const key = absent ?? present ?? '';
  const keyProblem = qualifiedNameProblem(key);
  if (keyProblem !== undefined) throw selectorProblem(text, `key "${shown(key)}": ${keyProblem}`);
  if (absent !== undefined) return (labels) => !Object.hasOwn(labels, key);
  if (operator === undefined && set === undefined) return (labels) => Object.hasOwn(labels, key);
  const wanted =
    set === undefined ? [value ?? ''] : (values ?? '').split(',').map((one) => one.trim());
  for (const one of wanted) {
    const problem = labelValueProblem(one);
    if (problem !== undefined) throw selectorProblem(text, `value "${shown(one)}": ${problem}`);
  }
  const among = new Set<string | undefined>(wanted);
  const isWanted: LabelMatch = (labels) => among.has(labels[key]);
  const isNegated = operator === '!=' || set === 'notin';
  return isNegated ? (labels) => !isWanted(labels) : isWanted;
}

function selectorProblem(text: string, problem: string) {
  return badRequest(`unable to parse the label selector "${shown(text)}": ${problem}`);
}
