import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Condition, ProviderStatus } from '../../ledger/events.ts';
import { keyedList } from '../../ledger/list-types.ts';
import type { ReportInterfaceStatus } from '../../ledger/project/interfaces.ts';
import { limits } from '../../limits.ts';
import type { KubeObject, ObjectKey, ViewedObject } from '../../views/views.ts';
import { isObject } from '../json-body.ts';
import { invalid } from '../status.ts';
import { type Answer, expectationOf, requireCurrent } from './carry-out.ts';
import type { Exchange } from './exchange.ts';
import { readBySchema } from './field-validation.ts';
import type { Kind } from './kind.ts';
import { requireName, requireNamespace, requireType } from './object-body.ts';
import { ObjectOwners } from './object-owners.ts';
import { shapeOf } from './ownership/shape.ts';
import { refuseDuplicates } from './spec-fields.ts';
import { sizeProblems } from './stored-metadata.ts';
import { type Change, changeObject } from './update.ts';
import {
  type Configuration,
  namedConfiguration,
  type Replacement,
  type WrittenBody,
  writtenObject,
} from './written-body.ts';

/** The conditions of an interface that a provider reports; all others are the ledger's. */
const REPORTED_CONDITIONS = ['Prepared', 'Programmed'];

/** Those conditions as the ledger has made them. */
const SEEDS = REPORTED_CONDITIONS.map((type) => {
  const message = 'waiting for the provider';
  return { type, status: 'Unknown', reason: 'Pending', message } as const;
});

const reportedCondition = z.strictObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z
    .string()
    .max(1_024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/, 'must be a word in CamelCase'),
  message: z.string().max(limits.conditionMessageCharsMax).default(''),
  lastTransitionTime: z.iso.datetime({ offset: true }).nullish(),
  observedGeneration: z.int().min(0).optional(),
});

const conditions = z
  .array(z.looseObject({ type: z.string() }))
  .max(32)
  .superRefine((list, context) => {
    const types = list.map(({ type }) => type);
    refuseDuplicates(types, context);
    list.forEach((condition, index) => {
      if (!REPORTED_CONDITIONS.includes(condition.type)) return;
      const issues = reportedCondition.safeParse(condition).error?.issues ?? [];
      for (const issue of issues) context.addIssue({ ...issue, path: [index, ...issue.path] });
    });
  })
  .meta(keyedList('type'));

const text = z.string().min(1).max(253);
const statusBody = z.looseObject({
  conditions: conditions.default([]),
  attachmentRef: z.strictObject({ apiGroup: text, kind: text, name: text }).nullish(),
  vpc: text.nullish(),
});
type StatusBody = z.infer<typeof statusBody>;

/** The body of a status report: an interface whose spec and labels mean nothing here. */
const reportBody = z.strictObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z
    .looseObject({
      name: z.string().optional(),
      namespace: z.string().nullish(),
      uid: z.string().nullish(),
      resourceVersion: z.string().nullish(),
    })
    .default({}),
  spec: z.unknown().optional(),
  status: statusBody,
});

const shape = shapeOf(reportBody);

/** Records what a provider reports about an interface. */
export function reportStatus(
  exchange: Exchange,
  kind: Kind,
  key: ObjectKey,
  written: WrittenBody,
): Promise<Answer> {
  return changeObject(exchange, kind, key, (current) => {
    const { object } = current;
    const { managedFields: present } = object.metadata;
    const place = { apiVersion: kind.apiVersion, subresource: 'status' };
    const owners = new ObjectOwners(exchange, present, shape, place);
    const before = ownableStatus(reportedStatus(object));
    const applying =
      'configuration' in written ? applyingStatus(owners, key, written, before) : undefined;
    const body = applying?.body ?? writtenObject(written as Replacement, current);
    requireType(kind, body);
    const read = readBySchema(reportBody, body, kind, key.name, exchange);
    requireNamespace(key.namespace, read.metadata.namespace);
    requireName(key, read.metadata.name);
    requireCurrent(kind, current, read.metadata);
    const status = statusAsReported(exchange, read.status, object);
    const after = ownableStatus(status);
    const managedFields = applying?.managedFields(after) ?? owners.afterUpdate(before, after);
    const causes = sizeProblems({ ...object.metadata, managedFields });
    if (causes.length > 0) throw invalid(kind, key.name, causes);
    return reportOf(key, { status, managedFields }, current);
  });
}

/** What is applied to a status: a condition that its manager says no more is as it was seeded. */
function applyingStatus(
  owners: ObjectOwners,
  key: ObjectKey,
  { configuration, force }: Configuration,
  live: OwnableStatus,
) {
  const { metadata, status: sent = {}, ...others } = namedConfiguration(configuration, key);
  const { value, managedFields } = owners.apply(live, { status: sent }, force);
  const { status } = structuredClone(value) as { status: unknown };
  const conditions = isObject(status) ? (status.conditions ?? []) : [];
  if (isObject(status) && Array.isArray(conditions)) {
    const seeds = SEEDS.filter(({ type }) => !conditions.some((one) => one?.type === type));
    status.conditions = [...conditions, ...seeds];
  }
  return { body: { ...others, metadata, status }, managedFields };
}

interface OwnableStatus {
  readonly status: Partial<ProviderStatus>;
}

/** What providers have said in a status; what the ledger has seeded is nobody's. */
function ownableStatus({ conditions, ...others }: ProviderStatus): OwnableStatus {
  const said = conditions.filter(
    ({ status, reason }) => !(status === 'Unknown' && reason === 'Pending'),
  );
  return { status: { ...others, ...(said.length === 0 ? {} : { conditions: said }) } };
}

function statusAsReported(
  exchange: Exchange,
  sent: StatusBody,
  object: KubeObject,
): ProviderStatus {
  warnOfIgnored(exchange, sent, object);
  const now = `${exchange.deps.clock().toISOString().slice(0, 19)}Z`;
  return {
    conditions: reportedConditions(sent, object, now),
    ...(sent.attachmentRef ? { attachmentRef: sent.attachmentRef } : {}),
    ...(sent.vpc ? { vpc: sent.vpc } : {}),
  };
}

function reportOf(
  { namespace, name }: ObjectKey,
  report: Required<Pick<ReportInterfaceStatus, 'status' | 'managedFields'>>,
  current: ViewedObject,
): Change {
  const { object } = current;
  const { managedFields = [] } = object.metadata;
  const present = { status: reportedStatus(object), managedFields };
  if (isDeepStrictEqual(report, present)) return { command: undefined, object };
  const expect = expectationOf(current);
  const said = isDeepStrictEqual(report.managedFields, managedFields)
    ? { status: report.status }
    : report;
  const command = { type: 'ReportInterfaceStatus', name, expect, ...said } as const;
  return { command: { project: namespace, command }, object };
}

/**
 * A condition that is not sent stays as it is: two controllers may report one each. The instant of
 * its last transition moves with its status alone.
 */
function reportedConditions(sent: StatusBody, object: KubeObject, now: string): Condition[] {
  return REPORTED_CONDITIONS.flatMap((type) => {
    const before = conditionsOf(object).find((one) => one.type === type);
    const given = sent.conditions.find((one) => one.type === type);
    if (given === undefined) return before === undefined ? [] : [before];
    const { lastTransitionTime, ...condition } = reportedCondition.parse(given);
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return [{ ...condition, lastTransitionTime: kept ?? lastTransitionTime ?? now }];
  });
}

/** The part of an object's status that its provider has reported. */
function reportedStatus(object: KubeObject): ProviderStatus {
  const { attachmentRef, vpc } = (object.status ?? {}) as Partial<ProviderStatus>;
  return {
    conditions: REPORTED_CONDITIONS.flatMap(
      (type) => conditionsOf(object).find((one) => one.type === type) ?? [],
    ),
    ...(attachmentRef === undefined ? {} : { attachmentRef }),
    ...(vpc === undefined ? {} : { vpc }),
  };
}

function conditionsOf({ status }: KubeObject): readonly Condition[] {
  return (status?.conditions ?? []) as readonly Condition[];
}

/** Whatever else a status holds is the ledger's. What is sent back unchanged is no attempt. */
function warnOfIgnored(exchange: Exchange, sent: StatusBody, object: KubeObject): void {
  const { conditions, attachmentRef, vpc, ...others } = sent;
  for (const [field, value] of Object.entries(others)) {
    if (isDeepStrictEqual(value, object.status?.[field])) continue;
    exchange.warn(`status.${field} is kept by the ledger: it was ignored`);
  }
  for (const condition of conditions) {
    if (REPORTED_CONDITIONS.includes(condition.type)) continue;
    const before = conditionsOf(object).find((one) => one.type === condition.type);
    if (isDeepStrictEqual(condition, before)) continue;
    const why =
      before === undefined
        ? `is none of ${REPORTED_CONDITIONS.join(' and ')}`
        : 'is kept by the ledger';
    exchange.warn(`condition "${condition.type}" ${why}: it was ignored`);
  }
}
