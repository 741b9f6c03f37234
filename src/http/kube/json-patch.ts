import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { limits } from '../../limits.ts';
import { isObject } from '../json-body.ts';
import { badRequest, StatusError, shown } from '../status.ts';
import { jsonBytes } from './metadata.ts';

/** A JSON patch (RFC 6902): operations on parts of a value, named by JSON pointers (RFC 6901). */

const pointer = z.string().regex(/^(?:\/(?:[^~]|~[01])*)?$/s, 'must be a JSON pointer');
const value = z.unknown().refine((given) => given !== undefined, 'is required');
const operation = z.discriminatedUnion('op', [
  z.object({ op: z.literal('add'), path: pointer, value }),
  z.object({ op: z.literal('replace'), path: pointer, value }),
  z.object({ op: z.literal('test'), path: pointer, value }),
  z.object({ op: z.literal('remove'), path: pointer }),
  z.object({ op: z.literal('move'), path: pointer, from: pointer }),
  z.object({ op: z.literal('copy'), path: pointer, from: pointer }),
]);
export type JsonPatchOperation = z.infer<typeof operation>;

/** Reads the operations of a patch. What is no patch is refused, and what has too many of them. */
export function readJsonPatch(body: readonly unknown[]): readonly JsonPatchOperation[] {
  const max = limits.jsonPatchOperationsMax;
  if (body.length > max) {
    const message = `The allowed maximum operations in a JSON patch is ${max}, got ${body.length}`;
    throw new StatusError('RequestEntityTooLarge', message);
  }
  return body.map((one, index) => {
    const parsed = operation.safeParse(one);
    if (parsed.success) return parsed.data;
    const { path = [], message } = parsed.error.issues[0] ?? {};
    const where = path.length === 0 ? '' : ` ${path.join('.')}:`;
    throw badRequest(`operation ${index} of the JSON patch:${where} ${message}`);
  });
}

/** The value with all operations applied in order; the given one stays as it is. */
export function jsonPatched(value: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const document: Record<string, unknown> = { root: structuredClone(value) };
  let copiedBytes = 0;
  operations.forEach((one, index) => {
    try {
      if (one.op === 'copy') {
        copiedBytes += jsonBytes(place(document, one.from).get());
        if (copiedBytes > limits.bodyBytesMax) throw new Inapplicable('it copies too much');
      }
      apply(document, one);
    } catch (error) {
      if (!(error instanceof Inapplicable)) throw error;
      const what = `operation ${index} (${one.op} ${JSON.stringify(shown(one.path))})`;
      throw new StatusError(
        'Invalid',
        `the JSON patch cannot be applied: ${what}: ${error.message}`,
      );
    }
  });
  return document.root;
}

/** Why an operation cannot be carried out on the value that it meets. */
class Inapplicable extends Error {}

function apply(document: Record<string, unknown>, one: JsonPatchOperation): void {
  const to = place(document, one.path);
  switch (one.op) {
    case 'test':
      if (!isDeepStrictEqual(to.get(), one.value)) throw new Inapplicable('the value is another');
      break;
    case 'remove':
      to.remove();
      break;
    case 'replace':
      to.get();
      to.set(structuredClone(one.value));
      break;
    case 'add':
      to.add(structuredClone(one.value));
      break;
    case 'copy':
      to.add(structuredClone(place(document, one.from).get()));
      break;
    case 'move':
      move(document, one.from, one.path);
      break;
  }
}

function move(document: Record<string, unknown>, from: string, path: string): void {
  if (path.startsWith(`${from}/`)) throw new Inapplicable('it would go into itself');
  const origin = place(document, from);
  const moved = origin.get();
  origin.remove();
  place(document, path).add(moved);
}

/** A place in a document, which may be one where something can be added. */
interface Place {
  get(): unknown;
  set(value: unknown): void;
  add(value: unknown): void;
  remove(): void;
}

function place(document: Record<string, unknown>, pointer: string): Place {
  const steps = ['root', ...pointer.split('/').slice(1)].map((step) =>
    step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
  const last = steps.pop() as string;
  let holder: unknown = document;
  for (const step of steps)
    holder = (Array.isArray(holder) ? inList : inObject)(holder, step).get();
  return Array.isArray(holder) ? inList(holder, last) : inObject(holder, last);
}

function inObject(holder: unknown, key: string): Place {
  if (!isObject(holder)) throw new Inapplicable('there is nothing at its path');
  if (key === '__proto__') throw new Inapplicable(`the key "${key}" is not allowed`);
  const requireKey = () => {
    if (!Object.hasOwn(holder, key)) throw new Inapplicable('there is nothing at its path');
  };
  const set = (value: unknown) => {
    holder[key] = value;
  };
  return {
    get: () => {
      requireKey();
      return holder[key];
    },
    set,
    add: set,
    remove: () => {
      requireKey();
      delete holder[key];
    },
  };
}

function inList(holder: unknown, step: string): Place {
  const list = holder as unknown[];
  const isIndex = /^(?:0|[1-9]\d{0,8})$/.test(step);
  if (!isIndex && step !== '-') throw new Inapplicable(`"${shown(step)}" is no index of a list`);
  const index = isIndex ? Number(step) : list.length;
  const requireUpTo = (end: number) => {
    if (index >= end) throw new Inapplicable('the list is shorter');
  };
  return {
    get: () => {
      requireUpTo(list.length);
      return list[index];
    },
    set: (value) => {
      list[index] = value;
    },
    add: (value) => {
      requireUpTo(list.length + 1);
      list.splice(index, 0, value);
    },
    remove: () => {
      requireUpTo(list.length);
      list.splice(index, 1);
    },
  };
}
