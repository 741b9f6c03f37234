import type { Condition } from '../../ledger/events.ts';
import type { KubeObject } from '../../views/views.ts';
import { isObject } from '../json-body.ts';
import { humanDuration } from './human-duration.ts';
import { valueAt } from './value-at.ts';

/** What a cell shows. */
export type Cell = string | number | boolean;

/** A column of the tables that clients show people. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
  readonly description: string;
  /** Whether it is shown only to those who ask for more (`kubectl get -o wide`). */
  readonly isWide?: boolean;
  /** What it shows of an object at an instant. */
  cell(object: KubeObject, nowMs: number): Cell;
}

/** What is shown where there is nothing, so that every row has a word in every column. */
const NONE = '<none>';

type Reads = (object: KubeObject) => unknown;

/** A column of what is read of an object: a text, a number, or several, with commas. */
export function column(name: string, description: string, read: string | Reads): Column {
  const reads = typeof read === 'string' ? (object: KubeObject) => valueAt(object, read) : read;
  return { name, type: 'string', description, cell: (object) => cellOf(reads(object)) };
}

/** A column of a field that is a number or a flag; 0 or false where it is absent. */
export function typedColumn(
  name: string,
  type: 'integer' | 'boolean',
  description: string,
  path: string,
): Column {
  const absent = type === 'integer' ? 0 : false;
  return { name, type, description, cell: (object) => (valueAt(object, path) ?? absent) as Cell };
}

/** The same column for those who ask for more. */
export function wide(shown: Column): Column {
  return { ...shown, isWide: true };
}

/** Clients give this format, too, to the column that names an object. */
export const NAME: Column = column('Name', 'Unique among objects of its kind.', 'metadata.name');

export const AGE: Column = {
  name: 'Age',
  type: 'string',
  description: 'How long it has existed.',
  cell: ({ metadata }, nowMs) => humanDuration(nowMs - Date.parse(metadata.creationTimestamp)),
};

/** The status of a condition. */
export function conditionColumn(type: string, description: string): Column {
  return column(type, description, (object) => conditionAt(object, type)?.status);
}

/** A condition of an object by its type. */
export function conditionAt({ status }: KubeObject, type: string): Condition | undefined {
  const conditions = (status?.conditions ?? []) as readonly Condition[];
  return conditions.find((one) => one.type === type);
}

/** The items of a list, or the value of a field of each. */
export function each(path: string, field?: string): Reads {
  return (object) => {
    const list = valueAt(object, path);
    if (!Array.isArray(list) || field === undefined) return list;
    return list.map((item) => (isObject(item) ? item[field] : undefined));
  };
}

function cellOf(value: unknown): Cell {
  if (Array.isArray(value)) return value.length === 0 ? NONE : value.join(',');
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : NONE;
}
