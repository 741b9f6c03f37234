import { z } from 'zod';
import { isObject } from '../../json-body.ts';

/**
 * How values are divided into fields that can be owned apart. Objects are, by key; a list is one
 * field, unless its schema says that it is a set, or that its items are known by keys of theirs.
 */
export interface Shape {
  readonly list?: 'set' | { readonly keys: readonly string[] };
  readonly items?: Shape;
  readonly fields?: ReadonlyMap<string, Shape>;
}

/** The shape of what a schema describes. */
export function shapeOf(schema: z.ZodType): Shape {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  return shapeIn(json) ?? {};
}

/** Undefined where nothing is out of the ordinary. */
function shapeIn(schema: unknown): Shape | undefined {
  if (!isObject(schema)) return undefined;
  const variants = [schema.anyOf, schema.oneOf, schema.allOf].find(Array.isArray);
  if (variants !== undefined) return variants.map(shapeIn).find((shape) => shape !== undefined);
  const list = listIn(schema);
  const items = shapeIn(schema.items);
  const fields = fieldsIn(schema.properties);
  if (list === undefined && items === undefined && fields === undefined) return undefined;
  return {
    ...(list === undefined ? {} : { list }),
    ...(items === undefined ? {} : { items }),
    ...(fields === undefined ? {} : { fields }),
  };
}

function listIn(schema: Record<string, unknown>): Shape['list'] {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return 'set';
    case 'map':
      return { keys: schema['x-kubernetes-list-map-keys'] as string[] };
    default:
      return undefined;
  }
}

function fieldsIn(properties: unknown): Shape['fields'] {
  if (!isObject(properties)) return undefined;
  const shapes = Object.entries(properties).flatMap(([name, schema]): [string, Shape][] => {
    const shape = shapeIn(schema);
    return shape === undefined ? [] : [[name, shape]];
  });
  return shapes.length === 0 ? undefined : new Map(shapes);
}
