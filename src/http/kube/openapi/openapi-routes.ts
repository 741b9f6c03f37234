import type { FastifyInstance } from 'fastify';
import { AUTHENTICATED } from '../../auth/enforce.ts';
import { type Document, documentOf, jsonDocument, sendDocument } from '../../documents.ts';
import { requireJsonAnswer } from '../../media-types.ts';
import { encodeOpenApiV2 } from './gnostic.ts';
import { openApiV2 } from './openapi-v2.ts';
import { openApiV3, type WholeDocument } from './openapi-v3.ts';

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';
/** The type as older clients ask for it, too. */
const PROTOBUF_RANGE = /application\/com\.github\.proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/;

interface Documents {
  readonly v2: Document;
  readonly v2Protobuf: Document;
  readonly v3: ReadonlyMap<string, Document>;
  readonly v3Index: Document;
}

/**
 * Adds the documents that Kubernetes clients check and explain objects by. They are made of that of
 * all routes, when one is first asked for.
 */
export function addKubeOpenApi(app: FastifyInstance, whole: () => WholeDocument): void {
  let made: Documents | undefined;
  const documents = () => {
    made ??= documentsOf(whole());
    return made;
  };
  const route = { schema: { hide: true }, ...AUTHENTICATED };
  app.get('/openapi/v2', route, (request, reply) => {
    const { accept = '' } = request.headers;
    reply.header('vary', 'accept');
    const isProtobuf = PROTOBUF_RANGE.test(accept);
    if (!isProtobuf) requireJsonAnswer(accept);
    sendDocument(request, reply, isProtobuf ? documents().v2Protobuf : documents().v2);
  });
  app.get('/openapi/v3', route, (request, reply) => {
    requireJsonAnswer(request.headers.accept);
    sendDocument(request, reply, documents().v3Index);
  });
  app.get<{ Params: { '*': string }; Querystring: { hash?: string } }>(
    '/openapi/v3/*',
    route,
    (request, reply) => {
      requireJsonAnswer(request.headers.accept);
      const document = documents().v3.get(request.params['*']);
      if (document === undefined) return reply.callNotFound();
      // Under this address there is never anything else.
      const isNamed = request.query.hash === document.hash;
      reply.header('cache-control', isNamed ? 'public, immutable' : 'no-cache');
      sendDocument(request, reply, document);
    },
  );
}

function documentsOf(whole: WholeDocument): Documents {
  const v2 = openApiV2(whole);
  const v3 = new Map(
    [...openApiV3(whole)].map(([version, document]) => [version, jsonDocument(document)]),
  );
  const paths = Object.fromEntries(
    [...v3].map(([version, { hash }]) => {
      return [version, { serverRelativeURL: `/openapi/v3/${version}?hash=${hash}` }];
    }),
  );
  return {
    v2: jsonDocument(v2),
    v2Protobuf: documentOf(encodeOpenApiV2(v2), PROTOBUF),
    v3,
    v3Index: jsonDocument({ paths }),
  };
}
