import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AUTHENTICATED } from '../auth/enforce.ts';
import { type Document, jsonDocument, sendDocument } from '../documents.ts';
import { chosenForm, JSON_TYPE, PLAIN } from '../media-types.ts';
import {
  AGGREGATED_VERSIONS,
  aggregatedDiscovery,
  coreVersions,
  groupDocument,
  groupList,
  namedGroups,
  resourceList,
  rootOf,
  type ServedResource,
  versionDocument,
} from './discovery.ts';

/** Adds the documents by which clients learn what is served. */
export function addDiscovery(
  app: FastifyInstance,
  resources: readonly ServedResource[],
  version: string,
): void {
  const add = (url: string, send: (request: FastifyRequest, reply: FastifyReply) => void) => {
    const schema = { tags: ['discovery'], summary: `Discovery: ${url}` };
    app.get(url, { schema, ...AUTHENTICATED }, send);
  };
  const addOne = (url: string, value: object) => {
    const document = jsonDocument(value);
    add(url, (request, reply) => {
      sendDocument(request, reply, document);
    });
  };
  const addNegotiated = (url: string, plain: object, groups: readonly string[]) => {
    const documents = withAggregated(plain, resources, groups);
    const forms = [...documents.keys()];
    add(url, (request, reply) => {
      const document = documents.get(chosenForm(request.headers.accept, forms)) as Document;
      sendDocument(request, reply.header('vary', 'accept'), document);
    });
  };
  const groups = namedGroups(resources);
  addOne('/version', versionDocument(version));
  addNegotiated('/api', coreVersions(), ['']);
  addNegotiated('/apis', groupList(resources), groups);
  for (const group of groups) addOne(`/apis/${group}`, groupDocument(resources, group));
  const versions = new Map(resources.map((resource) => [rootOf(resource), resource]));
  for (const [root, one] of versions) addOne(root, resourceList(resources, one));
  const none = jsonDocument(NO_CUSTOM_RESOURCES);
  app.get(CUSTOM_RESOURCES, { schema: { hide: true }, ...AUTHENTICATED }, (request, reply) => {
    sendDocument(request, reply, none);
  });
}

/**
 * kubectl asks whether a kind that cannot be patched is a custom one, before it validates an object
 * of it. No kind here is; nothing else of that group is served, and discovery does not name it.
 */
const CUSTOM_RESOURCES = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NO_CUSTOM_RESOURCES = {
  kind: 'CustomResourceDefinitionList',
  apiVersion: 'apiextensions.k8s.io/v1',
  metadata: { resourceVersion: '0' },
  items: [],
};

/** A document of groups, and those that have all of their resources in it, by their forms. */
function withAggregated(
  plain: object,
  resources: readonly ServedResource[],
  groups: readonly string[],
): ReadonlyMap<string, Document> {
  const as = 'APIGroupDiscoveryList';
  return new Map([
    [PLAIN, jsonDocument(plain)],
    ...AGGREGATED_VERSIONS.map((version) => {
      const type = `${JSON_TYPE};g=apidiscovery.k8s.io;v=${version};as=${as}`;
      const document = jsonDocument(aggregatedDiscovery(resources, groups, version), type);
      return [`apidiscovery.k8s.io/${version}/${as}`, document] as const;
    }),
  ]);
}
