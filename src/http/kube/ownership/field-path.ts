import { isObject } from '../../json-body.ts';

/**
 * The way to a field, in the steps of FieldsV1: `f:name` of an object, `k:{"type":"Ready"}` of a
 * list whose items have keys, `v:"x"` of a list that is a set. The steps are joined as those of a
 * JSON pointer are, so that sets of fields are sets of texts.
 */
export type FieldPath = string;
export type FieldSet = ReadonlySet<FieldPath>;

/** Fields as `managedFields` has them: a tree of steps, `.` where an inner node is owned, too. */
export interface FieldsV1 {
  readonly [step: string]: FieldsV1;
}

export function under(parent: FieldPath, step: string): FieldPath {
  const escaped = step.replaceAll('~', '~0').replaceAll('/', '~1');
  return parent === '' ? escaped : `${parent}/${escaped}`;
}

function stepsOf(path: FieldPath): string[] {
  return path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Every path that one of the fields lies below. */
export function innerPaths(fields: FieldSet): FieldSet {
  const inner = new Set<FieldPath>(['']);
  for (const field of fields) {
    let end = field.lastIndexOf('/');
    while (end !== -1 && !inner.has(field.slice(0, end))) {
      inner.add(field.slice(0, end));
      end = field.lastIndexOf('/', end - 1);
    }
  }
  return inner;
}

/** A set of fields as a tree. */
export function fieldsV1Of(fields: FieldSet): FieldsV1 {
  interface Node {
    [step: string]: Node;
  }
  const root: Node = {};
  const owned = new Set<Node>();
  // A path stands before those below it.
  for (const path of [...fields].sort()) {
    let node = root;
    for (const step of stepsOf(path)) {
      if (owned.has(node)) node['.'] ??= {};
      node[step] ??= {};
      node = node[step];
    }
    owned.add(node);
  }
  return root;
}

/** The set of fields that a tree stands for; undefined when it is none. */
export function fieldSetOf(tree: unknown): FieldSet | undefined {
  const fields = new Set<FieldPath>();
  return isObject(tree) && collect(tree, '', fields) ? fields : undefined;
}

const STEP = /^(?:f:|k:\{.*\}$|v:.|i:\d+$)/s;

function collect(tree: Record<string, unknown>, path: FieldPath, fields: Set<FieldPath>): boolean {
  const steps = Object.keys(tree);
  if (path !== '' && (steps.length === 0 || steps.includes('.'))) fields.add(path);
  return steps.every((step) => {
    const child = tree[step];
    if (!isObject(child)) return false;
    if (step === '.') return path !== '' && Object.keys(child).length === 0;
    return STEP.test(step) && collect(child, under(path, step), fields);
  });
}

/** A path as Kubernetes prints it: `.status.conditions[type="Ready"].status`. */
export function printedPath(path: FieldPath): string {
  return stepsOf(path).map(printedStep).join('');
}

function printedStep(step: string): string {
  const rest = step.slice(2);
  if (step.startsWith('f:')) return `.${rest}`;
  if (step.startsWith('v:')) return `[=${rest}]`;
  if (step.startsWith('i:')) return `[${rest}]`;
  const keys = parsedKeys(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return `[${keys.join(',')}]`;
}

function parsedKeys(text: string): [string, unknown][] {
  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return [];
  }
}
