import type { FastifyRequest } from 'fastify';
import { limits } from '../../limits.ts';
import { queryValue } from '../query.ts';
import type { StatusCause } from '../status.ts';
import { invalidValue } from './field-errors.ts';

/** Who writes fields, as `managedFields` names it. */
export interface FieldManager {
  readonly manager: string;
  /** Whether the request says so: else it is taken from the name of the program. */
  readonly isNamed: boolean;
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

/** The field manager of a request, as upstream finds it. */
export function fieldManagerOf(http: FastifyRequest): FieldManager {
  const named = queryValue(http, 'fieldManager');
  if (named) return { manager: named, isNamed: true };
  const [program = ''] = (http.headers['user-agent'] ?? '').split('/', 1);
  const printable = program.replace(/[^\x20-\x7e]/g, '').slice(0, limits.fieldManagerBytesMax);
  return { manager: printable || 'unknown', isNamed: false };
}

/** What is wrong with the name of a field manager. */
export function fieldManagerProblems({ manager }: FieldManager): StatusCause[] {
  const field = 'fieldManager';
  if (Buffer.byteLength(manager) > limits.fieldManagerBytesMax) {
    const message = `Too long: may not be more than ${limits.fieldManagerBytesMax} bytes`;
    return [{ reason: 'FieldValueTooLong', message, field }];
  }
  if (PRINTABLE.test(manager)) return [];
  return [invalidValue(field, manager, 'should only contain printable characters')];
}
