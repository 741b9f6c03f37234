import { isObject } from '../../json-body.ts';
import {
  type Content,
  groupVersionOf,
  type Operation,
  type Parameter,
  type Response,
  type WholeDocument,
} from './openapi-v3.ts';
import { referredTo, type Schema, structural } from './structural.ts';

/** All groups in one document, for clients that know no later form. */
export function openApiV2({ info, paths, components }: WholeDocument) {
  const kubernetes = Object.entries(paths).filter(([path]) => groupVersionOf(path) !== undefined);
  const items = kubernetes.map(([path, item]) => {
    const operations = Object.entries(item).map(([method, one]) => [method, operationOf(one)]);
    return [path, Object.fromEntries(operations)];
  });
  const { schemas } = components;
  const names = new Set(referredTo(kubernetes));
  for (const name of names) for (const one of referredTo(schemas[name])) names.add(one);
  return {
    swagger: '2.0',
    info,
    paths: Object.fromEntries(items),
    definitions: Object.fromEntries(
      [...names].map((name) => [name, schemaOf(schemas[name] ?? {})]),
    ),
  };
}

function operationOf({ parameters = [], requestBody, responses = {}, ...operation }: Operation) {
  const body = requestBody === undefined ? [] : [bodyOf(requestBody.content)];
  return {
    ...operation,
    ...(requestBody && { consumes: Object.keys(requestBody.content) }),
    produces: ['application/json'],
    parameters: [...parameters.map(parameterOf), ...body],
    responses: Object.fromEntries(
      Object.entries(responses).map(([code, response]) => [code, responseOf(response)]),
    ),
  };
}

function parameterOf({ schema, ...parameter }: Parameter) {
  const { type = 'string', enum: values } = structural(schema);
  return { ...parameter, type, ...(values === undefined ? {} : { enum: values }) };
}

function bodyOf(content: Content) {
  return { in: 'body', name: 'body', required: true, ...withSchema(content) };
}

function responseOf({ description, content }: Response) {
  return { description, ...(content && withSchema(content)) };
}

/** A document of this form has one schema for a body, whatever its type. */
function withSchema(content: Content) {
  const [first] = Object.values(content);
  return first === undefined ? {} : { schema: schemaOf(first.schema) };
}

function schemaOf(schema: Schema): Schema {
  return withDefinitions(structural(schema)) as Schema;
}

/** Here components are definitions, and a description may stand beside a reference. */
function withDefinitions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDefinitions);
  if (!isObject(value)) return value;
  const { allOf, $ref, ...rest } = value;
  const [only] = Array.isArray(allOf) ? (allOf as Schema[]) : [];
  const target = $ref ?? only?.$ref;
  const entries = Object.entries(rest).map(([key, one]) => [key, withDefinitions(one)]);
  const own = Object.fromEntries(entries);
  if (typeof target !== 'string') return own;
  return { ...own, $ref: target.replace('#/components/schemas/', '#/definitions/') };
}
