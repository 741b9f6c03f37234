import type { LedgerAnswer, LedgerRequest } from '../../src/application/request.ts';
import type { LedgerPort } from '../../src/http/deps.ts';
import { type Expectation, expectationProblem } from '../../src/ledger/decision.ts';
import type { LedgerEvent, StoredMetadata } from '../../src/ledger/events.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import type { PlatformCommand } from '../../src/ledger/platform/decide.ts';
import type { AuthoredPoolCommand } from '../../src/ledger/pool/life.ts';
import type { ProjectCommand } from '../../src/ledger/project/decide.ts';
import type { Rejection } from '../../src/ledger/rejections.ts';
import { presenceName } from '../../src/ledger/streams.ts';
import type {
  AnsweredCommand,
  KubeObject,
  ListQuery,
  ObjectChanges,
  ObjectPage,
  ViewedObject,
  Views,
} from '../../src/views/views.ts';

type Command = ProjectCommand | PlatformCommand | AuthoredPoolCommand;

/** What a command does to one object in the fake: its new state, or undefined when it goes. */
interface Effect {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject | undefined;
}

interface Recorded extends Effect {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
}

const LOCATION_LABEL = 'networking.datumapis.com/location';
const AT = '2026-03-01T12:00:00Z';
const NETWORKING = 'networking.datumapis.com/v1alpha';

/**
 * A ledger and its views in memory, as far as the HTTP surface can tell: objects with revisions,
 * expectations, finalizers and keys, and no addressing at all.
 */
export class FakeLedger implements LedgerPort {
  readonly history: Recorded[] = [];
  readonly sent: { project: string | undefined; command: Command; request: LedgerRequest }[] = [];
  reasons: string[] = [];
  interfacesAtLocations = 0;
  /** Runs before the next command is decided: to get in its way. */
  before: (() => void)[] = [];
  readonly #answered = new Map<string, AnsweredCommand>();

  get commands(): Command[] {
    return this.sent.map(({ command }) => command);
  }

  ready(): string[] {
    return this.reasons;
  }

  async project(name: string, command: ProjectCommand, request: LedgerRequest) {
    return this.#decide(name, command, request);
  }

  async platform(command: PlatformCommand, request: LedgerRequest) {
    return this.#decide(undefined, command, request);
  }

  async authoredPool(command: AuthoredPoolCommand, request: LedgerRequest) {
    return this.#decide(undefined, command, request);
  }

  /** Puts an object there as if the ledger had made it. */
  put(kind: string, namespace: string, name: string, rest: Partial<KubeObject> = {}): KubeObject {
    const { metadata, ...others } = rest;
    const object = newObject(kind, namespace, name, uuidOf(kind, namespace, name), metadata ?? {});
    return this.#record([{ kind, namespace, name, object: { ...object, ...others } }])[0]!.object!;
  }

  drop(kind: string, namespace: string, name: string): void {
    this.#record([{ kind, namespace, name, object: undefined }]);
  }

  latest(kind: string, namespace: string, name: string): Recorded | undefined {
    return this.history.findLast(
      (one) => one.kind === kind && one.namespace === namespace && one.name === name,
    );
  }

  readonly views = new FakeViews(this);

  answered(commandId: string): AnsweredCommand | undefined {
    return this.#answered.get(commandId);
  }

  #decide(project: string | undefined, command: Command, request: LedgerRequest): LedgerAnswer {
    this.before.shift()?.();
    this.sent.push({ project, command, request });
    const stream = project === undefined ? 'platform' : `project.${project}`;
    const done = request.idempotency && this.#answered.get(request.commandId);
    if (done !== undefined) return { outcome: 'repeated', ...done };
    const effects = this.#effectsOf(project, command, request.commandId);
    if ('reason' in effects) return { outcome: 'rejected', rejection: effects };
    const firstRevision = this.#lastRevision(stream) + 1;
    const events = effects as unknown as LedgerEvent[];
    const recorded = request.dryRun ? [] : this.#record(effects, stream);
    const last = recorded.at(-1);
    const { requestHash, code } = request.idempotency ?? {};
    const revision = last?.revision ?? firstRevision - 1;
    const position = last?.position ?? this.views.position;
    if (last !== undefined && requestHash !== undefined && code !== undefined) {
      const answer = { stream, requestHash, code, revision, position };
      this.#answered.set(request.commandId, answer);
    }
    return { outcome: 'decided', stream, events, firstRevision, revision, position };
  }

  #lastRevision(stream: string): number {
    return this.history.findLast((one) => one.stream === stream)?.revision ?? -1;
  }

  #record(effects: readonly Effect[], given?: string): Recorded[] {
    return effects.map((effect, index) => {
      // Of several changes to one object a command shows the last only, as the views do.
      const isShown = !effects.slice(index + 1).some((later) => isSame(later, effect));
      const { kind, namespace, name } = isShown ? effect : { ...effect, kind: 'passed over' };
      const own = kind === 'Namespace' ? name : namespace;
      const stream = given ?? (own === '' ? 'platform' : `project.${own}`);
      const position = BigInt(this.history.length + 1);
      const revision = this.#lastRevision(stream) + 1;
      const object = effect.object && withVersion(effect.object, position);
      const recorded = { ...effect, kind, object, stream, revision, position };
      this.history.push(recorded);
      return recorded;
    });
  }

  #effectsOf(project: string | undefined, command: Command, id: string): Effect[] | Rejection {
    if (command.type === 'CreateNamespace') {
      return this.#create('Namespace', '', project ?? '', id, command.metadata, {});
    }
    const namespace = project ?? '';
    const kind = kindOf(command);
    if (namespace !== '' && kind !== 'Namespace' && !this.#has('Namespace', '', namespace)) {
      const subject = { kind: 'Namespace', name: namespace };
      return { reason: 'NotFound', subject, message: 'not found' };
    }
    switch (command.type) {
      case 'RequestClaim': {
        const { name, spec, metadata } = command;
        const claim = this.#create(kind, namespace, name, id, metadata, spec);
        if ('reason' in claim) return claim;
        const nic = newObject('NetworkInterface', namespace, name, uuidOf(id, 'nic'), {});
        const made = { ...nic, spec: { ...spec, claimRef: { name } }, status: SEEDED };
        return [...claim, { kind: 'NetworkInterface', namespace, name, object: labelled(made) }];
      }
      case 'CreateNetworkContext': {
        const { network, location, metadata, subnets } = command;
        const spec = { network: { name: network }, location: { name: location } };
        const full = subnets === undefined ? spec : { ...spec, subnets };
        return this.#create(kind, namespace, presenceName(network, location), id, metadata, full);
      }
      case 'CreateNetwork':
      case 'CreateLocation':
        return this.#create(kind, namespace, command.name, id, command.metadata, command.spec);
      default:
        return this.#change(kind, namespace, command, project);
    }
  }

  #has(kind: string, namespace: string, name: string): boolean {
    return this.latest(kind, namespace, name)?.object !== undefined;
  }

  #create(
    kind: string,
    namespace: string,
    name: string,
    id: string,
    metadata: StoredMetadata,
    spec: object,
  ): Effect[] | Rejection {
    if (this.#has(kind, namespace, name)) {
      return { reason: 'AlreadyExists', subject: { kind, name }, message: 'already exists' };
    }
    const made = newObject(kind, namespace, name, uuidOf(id, kind), metadata);
    const object = labelled({ ...made, spec: spec as KubeObject['spec'] & object });
    return [{ kind, namespace, name, object }];
  }

  #change(
    kind: string,
    project: string,
    command: Command,
    own: string | undefined,
  ): Effect[] | Rejection {
    const namespace = kind === 'Namespace' ? '' : project;
    const name = kind === 'Namespace' ? (own ?? '') : (command as { name: string }).name;
    const viewed = this.latest(kind, namespace, name);
    if (viewed?.object === undefined) {
      return { reason: 'NotFound', subject: { kind, name }, message: 'not found' };
    }
    const { object, revision } = viewed;
    const expect = (command as { expect: Expectation }).expect;
    const record = { name, uid: object.metadata.uid, revision };
    const stale = expectationProblem(kind, record, expect);
    if (stale !== undefined) return stale;
    const changed = changedBy(command, object);
    if (changed === object) return [];
    const effect = { kind, namespace, name, object: changed };
    const isEnding =
      changed.metadata.deletionTimestamp !== undefined && !changed.metadata.finalizers?.length;
    if (!isEnding) return [effect];
    const gone = { ...effect, object: undefined };
    return command.type === 'ChangeMetadata' ? [effect, gone] : [gone];
  }
}

const SEEDED = {
  phase: 'Bound',
  conditions: ['Allocated', 'Prepared', 'Programmed'].map((type) => ({
    type,
    status: type === 'Allocated' ? 'True' : 'Unknown',
    reason: type === 'Allocated' ? 'Allocated' : 'Pending',
    message: '',
    lastTransitionTime: AT,
  })),
};

function isSame(a: Effect, b: Effect): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

function kindOf(command: Command): string {
  if (command.type === 'ChangeMetadata') return command.kind;
  if (command.type === 'ReportInterfaceStatus') return 'NetworkInterface';
  const kind = command.type.replace(/^(Create|Update|Delete|Request)/, '');
  if (kind === 'Claim') return 'NetworkInterfaceClaim';
  return kind === 'Interface' ? 'NetworkInterface' : kind;
}

function changedBy(command: Command, object: KubeObject): KubeObject {
  if (command.type === 'ReportInterfaceStatus') {
    const { conditions, ...reported } = command.status;
    const kept = SEEDED.conditions.slice(0, 1);
    return {
      ...object,
      status: { phase: 'Bound', ...reported, conditions: [...kept, ...conditions] },
    };
  }
  if (command.type.startsWith('Delete')) {
    if (object.metadata.deletionTimestamp !== undefined) return object;
    return { ...object, metadata: { ...object.metadata, deletionTimestamp: AT } };
  }
  const { metadata, spec } = command as { metadata: StoredMetadata; spec?: KubeObject['spec'] };
  const { labels, annotations, finalizers, ownerReferences, ...identity } = object.metadata;
  const changed = { ...object, metadata: { ...identity, ...metadata } };
  return labelled(spec === undefined ? changed : { ...changed, spec });
}

function labelled(object: KubeObject): KubeObject {
  if (!object.kind.startsWith('NetworkInterface')) return object;
  const { location } = object.spec as { location: { name: string } };
  const labels = { ...object.metadata.labels, [LOCATION_LABEL]: location.name };
  return { ...object, metadata: { ...object.metadata, labels } };
}

function newObject(
  kind: string,
  namespace: string,
  name: string,
  uid: string,
  metadata: Partial<KubeObject['metadata']>,
): KubeObject {
  const apiVersion = kind === 'Namespace' ? 'v1' : NETWORKING;
  const place = namespace === '' ? {} : { namespace };
  const identity = { name, ...place, uid, resourceVersion: '', generation: 1 };
  return { apiVersion, kind, metadata: { ...identity, creationTimestamp: AT, ...metadata } };
}

function withVersion(object: KubeObject, position: bigint): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(position) } };
}

class FakeViews implements Views {
  readonly #ledger: FakeLedger;

  constructor(ledger: FakeLedger) {
    this.#ledger = ledger;
  }

  get position(): bigint {
    return this.#ledger.history.at(-1)?.position ?? 0n;
  }

  get(kind: string, namespace: string, name: string): ViewedObject | undefined {
    return viewed(this.#ledger.latest(kind, namespace, name));
  }

  getAtRevision(kind: string, namespace: string, name: string, revision: number) {
    const stream = this.#ledger.latest(kind, namespace, name)?.stream;
    return viewed(
      this.#ledger.history.findLast(
        (one) =>
          one.stream === stream &&
          one.revision <= revision &&
          one.kind === kind &&
          one.namespace === namespace &&
          one.name === name,
      ),
    );
  }

  getAt(kind: string, namespace: string, name: string, position: bigint) {
    const { items } = this.list(kind, { namespace, asOf: position, limit: Infinity });
    return items.find((one) => one.name === name);
  }

  positionAt = () => this.position;
  recordedAtMs = () => undefined;
  commandEnd = (position: bigint) => position;

  list(kind: string, query: ListQuery): ObjectPage {
    const { namespace, after, limit, at = query.asOf, matches } = query;
    const latest = new Map<string, Recorded>();
    for (const one of this.#ledger.history) {
      if (one.kind !== kind || (at !== undefined && one.position > at)) continue;
      if (namespace !== undefined && one.namespace !== namespace) continue;
      latest.set(`${one.namespace}\n${one.name}`, one);
    }
    const from = after === undefined ? '' : `${after.namespace}\n${after.name}`;
    const items = [...latest.entries()]
      .filter(([key]) => key > from)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, one]) => viewed(one) ?? [])
      .filter(({ object }) => matches?.(object) ?? true);
    const page = items.slice(0, limit);
    return { items: page, next: items.length > limit ? page.at(-1) : undefined };
  }

  preview(_stream: string, firstRevision: number, events: readonly LedgerEvent[]) {
    const effects = events as unknown as Effect[];
    return effects.flatMap((effect, index) => {
      if (effects.slice(index + 1).some((later) => isSame(later, effect))) return [];
      const revision = firstRevision + index;
      return viewed({ ...effect, stream: '', revision, position: this.position }) ?? [];
    });
  }

  answered(commandId: string): AnsweredCommand | undefined {
    return this.#ledger.answered(commandId);
  }

  usesOfClass(): number {
    return 0;
  }

  standingAt(): number {
    return this.#ledger.interfacesAtLocations;
  }

  changes(): ObjectChanges {
    throw new Error('the fake knows no changes: watches are tested over the real ledger');
  }

  readonly kubeEvents = {
    keep: () => {
      throw new Error('the fake keeps no Events: they are tested over the real ledger');
    },
    isOwn: () => false,
  };

  async reached(): Promise<void> {}
  async close(): Promise<void> {}
  poolCounts = () => undefined;
  openGrants = () => [];
  openGrant = () => undefined;
  unfinishedProjects = () => [];
  projectsWaitingFor = () => [];
  projectsAtDeletedLocations = () => [];
  projectsDueBy = () => [];
  nextDueAfter = () => undefined;
}

function viewed(recorded: Recorded | undefined): ViewedObject | undefined {
  if (recorded?.object === undefined) return undefined;
  return { ...recorded, object: recorded.object, text: JSON.stringify(recorded.object) };
}
