import type { EventData, ObjectRef, Subnet } from '../ledger/events.ts';
import { digestOf } from './digest.ts';
import { intervalOf, isV6, liesIn, meet } from './intervals.ts';
import {
  checkLeaseOver,
  checkRest,
  leaseAnnounced,
  leaseBegun,
  NaiveAllocations,
  type NaiveLease,
} from './naive-allocations.ts';
import {
  finalizersOf,
  type NaiveObject,
  NaiveObjects,
  type SpecifiedObject,
} from './naive-objects.ts';
import type { Holder } from './naive-pool.ts';
import { check } from './violation.ts';

interface Holding {
  readonly pool: string;
  readonly block: string;
  readonly quarantineMs: number;
  readonly leaseMs: number | null;
  readonly grantId: string | undefined;
}

export interface NaiveInterface extends NaiveObject {
  readonly holder: Holder;
  readonly holdings: readonly Holding[];
  readonly context: string;
  readonly isRetainable: boolean;
  /** Digests of what never changes: all but the MTU and the claim, and the addresses alone. */
  readonly spec: number;
  readonly addresses: number;
  mtu: number;
  /** Digest of what a provider has told of it. */
  told: number;
  released: number;
  claim: ObjectRef | undefined;
  lease: NaiveLease | undefined;
}

export interface NaiveClaim extends NaiveObject {
  readonly spec: number;
  bound: string | undefined;
  /** Why it waits, and for what. */
  wait: { readonly reason: string; readonly cause: string } | undefined;
}

interface Context extends NaiveObject {
  readonly name: string;
  readonly network: string;
  readonly location: string;
  readonly grantId: string;
  interfaces: number;
  subnets: readonly Subnet[];
}

export interface NaiveNetwork extends SpecifiedObject {
  ipv4Range: string | undefined;
  ipv6Prefix: string | undefined;
}

const UNTOLD = digestOf([undefined, undefined]);

interface Allocating extends Holding {
  readonly holder: Holder;
  readonly claim: string;
}

/** One life of a project, as its events tell it. */
export class NaiveProject {
  readonly name: string;
  readonly generation: string;
  readonly claims = new NaiveObjects<NaiveClaim>('NetworkInterfaceClaim');
  readonly interfaces = new NaiveObjects<NaiveInterface>('NetworkInterface');
  readonly contexts = new NaiveObjects<Context>('NetworkContext');
  readonly networks = new NaiveObjects<NaiveNetwork>('Network');
  readonly blocks = new NaiveAllocations();
  /** What has been allocated for an interface that is not there yet. */
  #allocating: Allocating[] = [];
  /** Claims whose interface has gone and who have yet to go. */
  #bereft: ObjectRef[] = [];

  constructor(name: string, generation: string) {
    this.name = name;
    this.generation = generation;
  }

  requestClaim(data: EventData<'ClaimRequested'>): void {
    const { uid, metadata, spec } = data;
    const of = { uid, spec: digestOf(spec), finalizers: finalizersOf(metadata) };
    this.claims.create(data, { ...of, deleting: false, bound: undefined, wait: undefined });
  }

  queueClaim(data: EventData<'ClaimQueued'>): void {
    const claim = this.claims.find(data);
    const expected = `claim ${data.name} has no interface when it waits`;
    check('binding', claim.bound === undefined, expected, () => `it has ${claim.bound}`);
    check('object', !claim.deleting, `claim ${data.name} waits`, 'it is being deleted');
    claim.wait = { reason: data.reason, cause: data.cause };
  }

  /** A claim that goes leaves no interface bound. */
  deleteClaim(data: EventData<'ClaimDeleted'>): void {
    const { bound } = this.claims.end(data);
    const nic = bound === undefined ? undefined : this.interfaces.get(bound);
    const isLeft = nic?.claim?.uid === data.uid && !nic.deleting;
    const expected = `claim ${data.name} goes and leaves nothing bound`;
    check('binding', !isLeft, expected, `interface ${bound} is bound to it`);
  }

  /** Who holds the block from now on. Texts that are there already are not kept once more. */
  allocate(data: EventData<'AddressAllocated'>, pool: string): Holder {
    const { block, policy, claim, grant } = data;
    const { name, uid } = data.interface;
    this.claims.find(claim);
    const isNew = !this.interfaces.has(name);
    const expected = `interface ${name} is a new one when it is given ${block}`;
    check('binding', isNew, expected, 'it is there already');
    const { quarantineMs, retentionLeaseMs: leaseMs } = policy;
    const last = this.#allocating.at(-1)?.holder;
    const made = { kind: 'NetworkInterface', namespace: this.name, name, uid };
    const holder = last?.uid === uid ? last : made;
    const of = { pool, block, quarantineMs, leaseMs, grantId: grant?.id };
    this.#allocating.push({ ...of, holder, claim: claim.uid });
    return holder;
  }

  release(data: EventData<'AddressReleased'>): void {
    const { pool, block, at, availableAt, endsGrant } = data;
    const { name } = data.interface;
    const nic = this.interfaces.find(data.interface);
    const { finalizers } = nic;
    const held = `${name} keeps its addresses while finalizers hold it`;
    check('release', finalizers.length === 0, held, () => `${block} goes, of ${finalizers}`);
    const holding = nic.holdings.find((one) => one.pool === pool && one.block === block);
    const blocks = () => nic.holdings.map((one) => `${one.block} of ${one.pool}`).join(', ');
    const found = () => `it releases ${block} of ${pool}`;
    check('release', holding !== undefined, () => `${name} holds ${blocks()}`, found);
    const ended = endsGrant?.grantId;
    const expected = `${block} ends grant ${holding.grantId}`;
    check('grant', holding.grantId === ended, expected, `${ended} is ended`);
    checkRest(block, holding.quarantineMs, at, availableAt);
    nic.released += 1;
  }

  publish(data: EventData<'InterfaceReady'>): void {
    const { name, uid, claim, spec, networkContext } = data;
    const allocated = this.#allocating;
    this.#allocating = [];
    const other = allocated.find((one) => one.holder.uid !== uid || one.claim !== claim.uid);
    const whose = `interface ${name} has what was allocated for it`;
    check('release', other === undefined, whose, () => `${other?.block} was for another`);
    checkShown(name, spec, allocated);
    const context = this.#context(networkContext);
    const { network, location } = spec;
    const isThere = context.network === network.name && context.location === location.name;
    const expected = `${name} stands in ${network.name}.${location.name}`;
    check('object', isThere, expected, networkContext);
    const { mtu, ...fixed } = spec;
    const holdings = allocated.map(({ holder: _holder, claim: _claim, ...holding }) => holding);
    const own = allocated[0]?.holder;
    const holder = own ?? { kind: 'NetworkInterface', namespace: this.name, name, uid };
    const isRetainable = spec.reclaimPolicy === 'Retain';
    const of = { uid: holder.uid, holder, holdings, context: context.name, isRetainable, mtu };
    const addresses = digestOf([spec.addresses, spec.externalAddresses ?? []]);
    const free = { deleting: false, finalizers: [], released: 0, lease: undefined, told: UNTOLD };
    const nic = { ...of, spec: digestOf(fixed), addresses, ...free, claim: undefined };
    this.interfaces.create(data, nic);
    context.interfaces += 1;
    this.#bind(name, claim);
  }

  rebind(data: EventData<'InterfaceRebound'>): void {
    this.interfaces.find(data);
    this.#bind(data.name, data.claim);
  }

  retain(data: EventData<'InterfaceRetained'>): void {
    const { name, claim, at, expiresAt } = data;
    const nic = this.interfaces.find(data);
    this.#checkClaimOf(name, nic, claim);
    check('retention', nic.isRetainable, `${name} goes with its claim`, 'it is retained');
    const leases = nic.holdings.flatMap(({ leaseMs }) => (leaseMs === null ? [] : [leaseMs]));
    const shortest = leases.length === 0 ? null : Math.min(...leases);
    nic.lease = leaseBegun(`interface ${name}`, at, shortest, expiresAt);
    nic.claim = undefined;
  }

  expire(data: EventData<'RetentionExpiring'>): void {
    if (data.kind === 'IPAllocation') {
      this.blocks.expire(data);
      return;
    }
    const nic = this.interfaces.find(data);
    nic.lease = leaseAnnounced(data, nic.claim !== undefined, nic.lease);
  }

  /** What concerns an interface names the claim that it has, or none. */
  followClaim(data: EventData<'InterfaceStatusReported' | 'InterfaceUpdated'>): NaiveInterface {
    const nic = this.interfaces.find(data);
    if (data.claim !== null) this.#checkClaimOf(data.name, nic, data.claim);
    return nic;
  }

  /** What no claim holds leaves by a deletion that somebody asked for, or at its lease's end. */
  deleteInterface(data: EventData<'InterfaceDeleted'>, isAskedFor: boolean): void {
    const { name, at, networkContext } = data;
    const nic = this.interfaces.end(data);
    const { released, holdings, context, claim } = nic;
    const expected = `interface ${name} has released its ${holdings.length} addresses when it goes`;
    check('release', released === holdings.length, expected, `it has released ${released}`);
    check('object', context === networkContext, `${name} stands in ${context}`, networkContext);
    this.#context(networkContext).interfaces -= 1;
    if (claim === undefined) {
      if (!isAskedFor && !nic.deleting) checkLeaseOver(`interface ${name}`, nic.lease, at);
      return;
    }
    const policy = `interface ${name} is retained when its claim goes`;
    check('retention', !nic.isRetainable || nic.deleting, policy, 'it is deleted');
    this.#bereft.push(claim);
  }

  requestDeletion(data: EventData<'DeletionRequested'>, isAskedFor: boolean): void {
    const { kind, name, at } = data;
    const objects = this.#objectsOf(kind);
    objects.requestDeletion(data);
    if (kind !== 'NetworkInterface') return;
    const { claim, lease } = this.interfaces.find(data);
    if (claim === undefined && !isAskedFor) checkLeaseOver(`interface ${name}`, lease, at);
  }

  changeMetadata(data: EventData<'ObjectMetadataChanged'>): void {
    this.#objectsOf(data.kind).changeMetadata(data);
  }

  createNetwork(data: EventData<'NetworkCreated'>): void {
    const { uid, spec, metadata } = data;
    const ranges = { ipv4Range: undefined, ipv6Prefix: undefined };
    const of = { uid, spec, finalizers: finalizersOf(metadata), deleting: false };
    this.networks.create(data, { ...of, ...ranges });
  }

  updateNetwork(data: EventData<'NetworkUpdated'>): void {
    const network = this.networks.find(data);
    network.spec = data.spec;
    if (data.metadata !== undefined) network.finalizers = finalizersOf(data.metadata);
  }

  deleteNetwork(data: EventData<'NetworkDeleted'>): void {
    const used = [...this.contexts].find(([, { network }]) => network === data.name);
    const expected = `network ${data.name} goes after its contexts`;
    check('object', used === undefined, expected, () => `${used?.[0]} is there`);
    this.networks.end(data);
  }

  /** A network's own range: the first one of each family. */
  giveNetworkRange(name: string, prefix: string): void {
    const network = this.networks.get(name);
    check('object', network !== undefined, `${prefix} is for a network`, `there is no ${name}`);
    if (isV6(prefix)) network.ipv6Prefix ??= prefix;
    else network.ipv4Range ??= prefix;
  }

  addContext(data: EventData<'NetworkContextCreated'>): void {
    const { name, uid, network, location, grantId, metadata, subnets } = data;
    this.networks.find(network);
    const of = { name, network: network.name, location: location.name, grantId, subnets };
    const object = { uid, deleting: false, finalizers: finalizersOf(metadata) };
    this.contexts.create(data, { ...object, ...of, interfaces: 0 });
  }

  deleteContext(data: EventData<'NetworkContextDeleted'>): Context {
    const { name, endsGrant } = data;
    const context = this.contexts.end(data);
    const { interfaces } = context;
    const found = `${interfaces} interfaces are in it`;
    check('object', interfaces === 0, `${name} goes when it is empty`, found);
    const isLast = ![...this.contexts.values()].some(({ grantId }) => grantId === context.grantId);
    const expected = `${name} ${isLast ? 'ends' : 'leaves'} the join at ${context.location}`;
    check('grant', isLast === (endsGrant !== undefined), expected, 'it does not');
    return context;
  }

  checkClosed(): void {
    const { claims, interfaces, contexts, networks } = this;
    const left = [claims, interfaces, contexts, networks].flatMap((one) => [...one.keys()]);
    left.push(...this.blocks.left);
    const expected = `project ${this.name} closes when nothing is left`;
    check('object', left.length === 0, expected, () => `${left.slice(0, 5)} are there`);
  }

  /** After each command: nothing was allocated that no interface shows, and no claim was robbed. */
  checkWhole(): void {
    const [left] = this.#allocating;
    const bereft = this.#bereft.find(({ name, uid }) => {
      const claim = this.claims.get(name);
      return claim?.uid === uid && !claim.deleting;
    });
    this.#allocating = [];
    this.#bereft = [];
    const shown = 'an interface shows what a command has allocated';
    check('binding', left === undefined, shown, () => `${left?.block} is held by nobody`);
    const expected = `claim ${bereft?.name} keeps its interface while it lives`;
    check('binding', bereft === undefined, expected, 'the interface is deleted');
  }

  /** What each waiting claim waits for. */
  get causes(): string[] {
    return [...this.claims.values()].flatMap(({ wait }) => wait?.cause ?? []);
  }

  #objectsOf(kind: string): NaiveObjects<NaiveObject> {
    const { claims, interfaces, contexts, networks, blocks } = this;
    const all: NaiveObjects<NaiveObject>[] = [claims, interfaces, contexts, networks];
    const found = [...all, blocks.claims, blocks.allocations].find((one) => one.kind === kind);
    check('object', found !== undefined, 'a kind of object of a project', kind);
    return found;
  }

  /** One binding per claim, one claim per interface. */
  #bind(nicName: string, ref: ObjectRef): void {
    const { name } = ref;
    const claim = this.claims.find(ref);
    const isFree = claim.bound === undefined;
    check('binding', isFree, `claim ${name} has no interface yet`, () => `it has ${claim.bound}`);
    check('binding', !claim.deleting, `claim ${name} can be bound`, 'it is being deleted');
    const nic = this.interfaces.get(nicName) as NaiveInterface;
    const expected = `interface ${nicName} has no claim yet`;
    check('binding', nic.claim === undefined, expected, () => `it has ${nic.claim?.name}`);
    check('binding', !nic.deleting, `interface ${nicName} can be bound`, 'it is being deleted');
    claim.bound = nicName;
    claim.wait = undefined;
    nic.claim = { name, uid: claim.uid };
    nic.lease = undefined;
  }

  #checkClaimOf(nicName: string, { claim }: NaiveInterface, ref: ObjectRef): void {
    const expected = () => `interface ${nicName} has claim ${claim?.name} of uid ${claim?.uid}`;
    check('binding', claim?.uid === ref.uid, expected, () => `${ref.name} of uid ${ref.uid}`);
  }

  #context(name: string): Context {
    const context = this.contexts.get(name);
    check('object', context !== undefined, `there is a context ${name}`, 'there is none');
    return context;
  }
}

/** An interface shows what it was allocated, one address a family, one of them primary. */
function checkShown(
  name: string,
  { addresses, externalAddresses = [] }: EventData<'InterfaceReady'>['spec'],
  allocated: readonly Holding[],
): void {
  const shown = [...addresses, ...externalAddresses].map(({ address }) => address);
  const blocks = allocated.map(({ block }) => block);
  const isSame = texts(shown) === texts(blocks);
  check('release', isSame, `${name} shows ${blocks.join(', ')}`, shown.join(', '));
  const families = new Set(addresses.map(({ family }) => family));
  const isOneEach = families.size === addresses.length;
  check('binding', isOneEach, `${name} has one address a family`, shown.join(', '));
  const primaries = addresses.filter(({ primary }) => primary).length;
  check('binding', primaries === 1, `one address of ${name} is primary`, `${primaries} are`);
  for (const { address, subnet, gateway } of addresses) {
    check('range', liesIn(subnet, address), `${address} lies in ${subnet}`, 'it does not');
    const isFree = !meet(intervalOf(address), intervalOf(gateway));
    check('overlap', isFree, `${address} of ${name} is no gateway`, `the gateway is ${gateway}`);
  }
}

function texts(blocks: readonly string[]): string {
  const text = (block: string) => {
    const { first, last } = intervalOf(block);
    return `${first}-${last}`;
  };
  return blocks.map(text).sort().join();
}
