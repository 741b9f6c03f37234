import { referredTo, type Schema, structural } from './structural.ts';

/** The document of all routes, as far as these documents are made of it. */
export interface WholeDocument {
  readonly info: object;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
export type PathItem = Readonly<Record<string, Operation>>;

export interface Operation extends Schema {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content; readonly required?: boolean };
  readonly responses?: Readonly<Record<string, Response>>;
}
export interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Schema;
}
export interface Response {
  readonly description: string;
  readonly content?: Content;
}
export type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** The API group and version that a path is of, as the index names them: `apis/G/V` or `api/V`. */
export function groupVersionOf(path: string): string | undefined {
  return /^\/(api\/[^/]+|apis\/[^/]+\/[^/]+)(?:\/|$)/.exec(path)?.[1];
}

/**
 * A document for each version of each group, with what is referred to in it.
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
 */
export function openApiV3(whole: WholeDocument): ReadonlyMap<string, object> {
  const documents = new Map<string, Record<string, PathItem>>();
  for (const [path, item] of Object.entries(whole.paths)) {
    const version = groupVersionOf(path);
    if (version === undefined) continue;
    const paths = documents.get(version) ?? {};
    paths[path] = withSchemas(item, structural);
    documents.set(version, paths);
  }
  return new Map(
    [...documents].map(([version, paths]) => {
      const components = { schemas: componentsOf(paths, whole.components.schemas) };
      return [version, { openapi: '3.0.0', info: whole.info, paths, components }];
    }),
  );
}

/** The components that paths refer to, and those that these do. */
function componentsOf(paths: object, all: WholeDocument['components']['schemas']) {
  const schemas: Record<string, Schema> = {};
  for (let names = referredTo(paths); names.length > 0; ) {
    const found = names.filter((name) => schemas[name] === undefined);
    for (const name of found) schemas[name] = structural(all[name] as Schema);
    names = found.flatMap((name) => referredTo(schemas[name]));
  }
  return schemas;
}

function withSchemas(item: PathItem, change: (schema: Schema) => Schema): PathItem {
  const contentOf = (content: Content): Content =>
    Object.fromEntries(
      Object.entries(content).map(([type, { schema }]) => [type, { schema: change(schema) }]),
    );
  const operationOf = (operation: Operation): Operation => {
    const { parameters, requestBody, responses = {} } = operation;
    return {
      ...operation,
      ...(parameters && {
        parameters: parameters.map((one) => ({ ...one, schema: change(one.schema) })),
      }),
      ...(requestBody && {
        requestBody: { ...requestBody, content: contentOf(requestBody.content) },
      }),
      responses: Object.fromEntries(
        Object.entries(responses).map(([code, response]) => {
          const { content } = response;
          return [code, content ? { ...response, content: contentOf(content) } : response];
        }),
      ),
    };
  };
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => [method, operationOf(operation)]),
  );
}
