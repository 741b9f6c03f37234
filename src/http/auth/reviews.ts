import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Identity } from '../../security/identity.ts';
import type { HttpDeps } from '../deps.ts';
import { readJsonObject } from '../json-body.ts';
import type { ServedResource } from '../kube/discovery.ts';
import { bodyOf } from '../kube/exchange.ts';
import { causesOf } from '../kube/field-errors.ts';
import { refuseRepeated } from '../kube/field-validation.ts';
import { JSON_TYPE, requireBodyType } from '../media-types.ts';
import { jsonSchema } from '../openapi.ts';
import { type Message, PROTOBUF_TYPE, readProtobuf } from '../protobuf.ts';
import { sendJsonText } from '../replies.ts';
import { invalid } from '../status.ts';
import { AUTHENTICATED } from './enforce.ts';
import { grantFor } from './grant.ts';
import { PERMISSIONS, VERBS, type Verb } from './permissions.ts';

const VERSION = 'v1';
const GVK = 'x-kubernetes-group-version-kind';

/** A question of a client about itself, which is answered and nowhere kept. */
interface Review<Spec> {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly spec: z.ZodType<Spec>;
  /** Field numbers of the kind in upstream's `generated.proto`. */
  readonly message: Message;
  status(spec: Spec, identity: Identity, deps: HttpDeps): object;
}

const text = (what: string) => z.string().default('').describe(what);
const resourceAttributes = z.looseObject({
  namespace: text('The namespace; all of them if it is empty.'),
  verb: text('What is done, such as get or create; `*` is everything.'),
  group: text('The API group; empty for the core one.'),
  resource: text('The resource, in the plural.'),
  subresource: text('The part of it that is meant, such as status.'),
  name: text('The name of one object; any if it is empty.'),
});
const accessSpec = z.looseObject({
  resourceAttributes: resourceAttributes.optional().describe('What is done to which objects.'),
  nonResourceAttributes: z
    .looseObject({ path: text('The path.'), verb: text('The method, in lower case.') })
    .optional()
    .describe('What is done to a path, where it is no object.'),
});

const SPEC_FIELD = 2;

const accessReview: Review<z.infer<typeof accessSpec>> = {
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  spec: accessSpec.refine(
    (spec) =>
      (spec.resourceAttributes === undefined) !== (spec.nonResourceAttributes === undefined),
    'exactly one of resourceAttributes and nonResourceAttributes must be given',
  ),
  message: {
    [SPEC_FIELD]: [
      'spec',
      {
        1: [
          'resourceAttributes',
          {
            ...{ 1: ['namespace', 'text'], 2: ['verb', 'text'], 3: ['group', 'text'] },
            ...{ 5: ['resource', 'text'], 6: ['subresource', 'text'], 7: ['name', 'text'] },
          },
        ],
        2: ['nonResourceAttributes', { 1: ['path', 'text'], 2: ['verb', 'text'] }],
      },
    ],
  },
  status: (spec, identity, { views }) => {
    const { verb, ...action } = actionIn(spec);
    const verbs = verb === '*' ? VERBS : [verb];
    const allowed = verbs.every((one) => grantFor(identity, { ...action, verb: one }, views));
    return { allowed, ...(allowed ? {} : { reason: `no permission of role ${identity.role}` }) };
  },
};

function actionIn({ resourceAttributes: of, nonResourceAttributes }: z.infer<typeof accessSpec>) {
  if (of === undefined) {
    const { path = '', verb = '' } = nonResourceAttributes ?? {};
    return { verb: verb.toLowerCase() as Verb | '*', resource: path };
  }
  const plural = of.group === '' ? of.resource : `${of.resource}.${of.group}`;
  const resource = of.subresource === '' ? plural : `${plural}/${of.subresource}`;
  const namespace = of.namespace || undefined;
  return { verb: of.verb as Verb | '*', resource, namespace, name: of.name || undefined };
}

const rulesSpec = z.looseObject({ namespace: text('The namespace that the rules are of.') });

const rulesReview: Review<z.infer<typeof rulesSpec>> = {
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  spec: rulesSpec,
  message: { [SPEC_FIELD]: ['spec', { 1: ['namespace', 'text'] }] },
  status: ({ namespace }, identity, { views }) => {
    const rules = PERMISSIONS.filter(({ role }) => role === identity.role).flatMap((row) =>
      row.resources
        .filter((resource) => {
          const [verb = 'get'] = row.verbs;
          const isOf = { verb, resource: resource === '*' ? '/' : resource };
          return grantFor(identity, { ...isOf, namespace, name: namespace }, views) !== undefined;
        })
        .map((resource) => ({ resource, verbs: row.verbs })),
    );
    return {
      resourceRules: rules.flatMap(({ resource, verbs }) => resourceRule(resource, verbs)),
      nonResourceRules: rules.flatMap(({ resource, verbs }) => pathRule(resource, verbs)),
      incomplete: false,
    };
  },
};

/** The verbs that are methods of paths, and those of them that no object knows. */
const OF_PATHS: readonly Verb[] = ['get', 'post', 'put', 'patch', 'delete'];
const OF_PATHS_ONLY: readonly Verb[] = ['post', 'put'];

function resourceRule(resource: string, allowed: readonly Verb[]) {
  if (resource.startsWith('/')) return [];
  const verbs = allowed.filter((verb) => !OF_PATHS_ONLY.includes(verb));
  if (resource === '*') return [{ verbs, apiGroups: ['*'], resources: ['*'] }];
  const [, plural = '', group = '', subresource = ''] =
    /^([^./]+)(?:\.([^/]+))?(\/.+)?$/.exec(resource) ?? [];
  return [{ verbs, apiGroups: [group], resources: [plural + subresource] }];
}

function pathRule(resource: string, allowed: readonly Verb[]) {
  if (resource !== '*' && !resource.startsWith('/')) return [];
  const verbs = allowed.filter((verb) => OF_PATHS.includes(verb));
  return [{ verbs, nonResourceURLs: [resource] }];
}

const subjectReview: Review<object> = {
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  spec: z.looseObject({}),
  message: {},
  status: (_spec, { subject, role }) => ({
    userInfo: { username: subject, groups: [`netalloc:${role}`, 'system:authenticated'] },
  }),
};

/** The reviews as discovery tells of them. */
export const REVIEW_RESOURCES = [accessReview, rulesReview, subjectReview].map(
  ({ group, kind, plural }): ServedResource => ({
    ...{ group, version: VERSION, kind, plural, singular: kind.toLowerCase(), namespaced: false },
    ...{ shortNames: [], categories: [], verbs: ['create'], subresources: [] },
  }),
);

/** The reviews as documents describe them, by their kinds. */
export const REVIEW_SCHEMAS = {
  [accessReview.kind]: reviewSchema(accessReview),
  [rulesReview.kind]: reviewSchema(rulesReview),
  [subjectReview.kind]: reviewSchema(subjectReview),
};

/** Adds the reviews by which clients learn who they are and what they may do. */
export function addReviews(app: FastifyInstance, deps: HttpDeps): void {
  addReview(app, deps, accessReview);
  addReview(app, deps, rulesReview);
  addReview(app, deps, subjectReview);
}

function addReview<Spec>(app: FastifyInstance, deps: HttpDeps, review: Review<Spec>): void {
  const { group, kind, plural } = review;
  const apiVersion = `${group}/${VERSION}`;
  const body = z.object({ spec: review.spec });
  const route = { schema: routeSchema(review), ...AUTHENTICATED };
  app.post(`/apis/${apiVersion}/${plural}`, route, (request, reply) => {
    const { metadata = {}, spec = {} } = readReview(request, review);
    const parsed = body.safeParse({ spec });
    if (!parsed.success) throw invalid(review, '', causesOf(parsed.error.issues, { spec }));
    const status = review.status(parsed.data.spec, request.grant.identity, deps);
    sendJsonText(reply, 201, JSON.stringify({ kind, apiVersion, metadata, spec, status }));
  });
}

/** The route by which a review is asked for. */
function routeSchema({ group, kind }: Pick<Review<never>, 'group' | 'kind'>) {
  const itself = { $ref: `${kind}#` };
  return {
    ...{ [GVK]: { group, version: VERSION, kind }, 'x-kubernetes-action': 'post' },
    tags: [`${group}/${VERSION}`],
    summary: `ask for a ${kind}`,
    consumes: [JSON_TYPE, PROTOBUF_TYPE],
    body: itself,
    response: { 201: { description: 'OK', ...itself } },
  };
}

/** A review as documents describe it. */
function reviewSchema<Spec>({ group, kind, spec }: Pick<Review<Spec>, 'group' | 'kind' | 'spec'>) {
  const isNeeded = !spec.safeParse({}).success;
  const asked = spec.describe('What is asked.');
  const whole = z.object({
    apiVersion: z.string().optional().describe('The group and version of its kind.'),
    kind: z.string().optional().describe('What it is.'),
    metadata: z.looseObject({}).optional().describe('Means nothing here.'),
    spec: isNeeded ? asked : asked.optional(),
    status: z.looseObject({}).optional().describe('The answer.'),
  });
  const description = 'A question of a client about itself, which is answered and not kept.';
  return { ...jsonSchema(whole), description, [GVK]: [{ group, version: VERSION, kind }] };
}

function readReview(request: FastifyRequest, { message }: Pick<Review<never>, 'message'>) {
  const body = bodyOf(request.body);
  const type = request.headers['content-type'];
  if (type === PROTOBUF_TYPE) return readProtobuf(body, message);
  requireBodyType(type, JSON_TYPE);
  return readJsonObject(body, refuseRepeated);
}
