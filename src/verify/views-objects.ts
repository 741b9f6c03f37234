import { isV6 } from './intervals.ts';
import type { NaiveLedger } from './naive-ledger.ts';
import { SYSTEM_NAMESPACE } from './naive-ledger.ts';
import type { NaiveObject } from './naive-objects.ts';
import type { NaivePool, TakenBlock } from './naive-pool.ts';
import type { NaiveClaim, NaiveInterface, NaiveProject } from './naive-project.ts';
import { Digest, type Fields, type Row, type Table } from './views-table.ts';

/** An object as the views store it. */
interface Stored {
  // biome-ignore lint/suspicious/noExplicitAny: what the views hold is what is being examined.
  readonly [part: string]: any;
}

interface ObjectTable<T> {
  readonly name: string;
  /** The objects that there have to be, each with its namespace; empty for cluster scope. */
  readonly all: () => Iterable<readonly [namespace: string, objects: ReadonlyMap<string, T>]>;
  readonly in: (namespace: string) => ReadonlyMap<string, T> | undefined;
  readonly shown: (object: Stored) => Fields;
  readonly expected: (object: T, name: string, namespace: string) => Fields;
}

/** The tables whose rows are objects of the API. */
export function objectTables(ledger: NaiveLedger): readonly Table[] {
  return [
    ...clusterTables(ledger),
    networksOf(ledger),
    contextsOf(ledger),
    claimsOf(ledger),
    interfacesOf(ledger),
    ipClaimsOf(ledger),
    poolsOf(ledger),
    allocationsOf(ledger),
  ];
}

function tableOf<T extends NaiveObject>(table: ObjectTable<T>): Table {
  const { name, all, shown, expected } = table;
  return {
    name,
    sql: `SELECT namespace, name, object FROM ${name}`,
    read: (row) => {
      const { object, ...told } = readObject(row);
      const present = table.in(told.namespace)?.get(told.name);
      return {
        key: keyOf(told.namespace, told.name),
        shown: { ...identityOf(object), ...shown(object) },
        expected: present && {
          ...{ uid: present.uid, deleting: present.deleting },
          finalizers: present.finalizers,
          ...expected(present, told.name, told.namespace),
        },
      };
    },
    *keys() {
      for (const [namespace, objects] of all()) {
        for (const one of objects.keys()) yield keyOf(namespace, one);
      }
    },
  };
}

function keyOf(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

function readObject(row: Row) {
  const [namespace, name] = [row.namespace as string, row.name as string];
  return { namespace, name, object: JSON.parse(row.object as string) as Stored };
}

function identityOf({ metadata }: Stored): Fields {
  return {
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined,
    finalizers: metadata.finalizers ?? [],
  };
}

function clusterTables({ namespaces, locations, classes }: NaiveLedger): readonly Table[] {
  const cluster = <T>(objects: ReadonlyMap<string, T>) => ({
    all: () => [['', objects] as const],
    in: () => objects,
  });
  const spec = {
    shown: (object: Stored) => ({ spec: object.spec }),
    expected: (object: { readonly spec: unknown }) => ({ spec: object.spec }),
  };
  const namespace = tableOf({
    ...{ name: 'namespaces', ...cluster(namespaces) },
    shown: ({ status }) => ({ phase: status.phase }),
    expected: ({ deleting }) => ({ phase: deleting ? 'Terminating' : 'Active' }),
  });
  return [
    { ...namespace, sql: `${namespace.sql} WHERE name <> '${SYSTEM_NAMESPACE}'` },
    tableOf({ name: 'locations', ...cluster(locations), ...spec }),
    tableOf({ name: 'ip_classes', ...cluster(classes), ...spec }),
  ];
}

/** The objects of one kind in all projects. */
function ofProjects<T>(
  { projects }: NaiveLedger,
  of: (project: NaiveProject) => ReadonlyMap<string, T>,
): Pick<ObjectTable<T>, 'all' | 'in'> {
  return {
    *all() {
      for (const [name, project] of projects) yield [name, of(project)];
    },
    in: (namespace) => {
      const project = projects.get(namespace);
      return project && of(project);
    },
  };
}

function networksOf(ledger: NaiveLedger): Table {
  return tableOf({
    ...{ name: 'networks', ...ofProjects(ledger, ({ networks }) => networks) },
    shown: ({ spec, status }) => ({ spec, ...rangesOf(status.ipam) }),
    expected: ({ spec, ...ranges }) => ({ spec, ...rangesOf(ranges) }),
  });
}

function rangesOf({ ipv4Range, ipv6Prefix }: Stored): Fields {
  return { ipv4Range, ipv6Prefix };
}

function contextsOf(ledger: NaiveLedger): Table {
  return tableOf({
    ...{ name: 'network_contexts', ...ofProjects(ledger, ({ contexts }) => contexts) },
    shown: ({ spec, status }) => {
      const { network, location } = spec;
      return { network: network.name, location: location.name, subnets: status.subnets };
    },
    expected: ({ network, location, subnets }) => ({ network, location, subnets }),
  });
}

function claimsOf(ledger: NaiveLedger): Table {
  return tableOf<NaiveClaim>({
    ...{ name: 'claims', ...ofProjects(ledger, ({ claims }) => claims) },
    shown: ({ spec, status }) => ({
      spec,
      interface: status.networkInterfaceRef?.name,
      bound: conditionOf(status, 'Bound'),
      addresses: [status.addresses, status.externalAddresses ?? []],
    }),
    expected: ({ spec, bound, wait }, _name, namespace) => {
      const nic = ledger.projects.get(namespace)?.interfaces.get(bound ?? '');
      const waiting = wait === undefined ? 'Unknown Pending' : `False ${wait.reason}`;
      return {
        ...{ spec: new Digest(spec), interface: bound },
        bound: bound === undefined ? waiting : 'True Bound',
        ...(nic === undefined ? {} : { addresses: new Digest(nic.addresses) }),
      };
    },
  });
}

function conditionOf({ conditions }: Stored, type: string): string | undefined {
  const found = conditions.find((one: Stored) => one.type === type);
  return found && `${found.status} ${found.reason}`;
}

function interfacesOf(ledger: NaiveLedger): Table {
  return tableOf<NaiveInterface>({
    ...{ name: 'interfaces', ...ofProjects(ledger, ({ interfaces }) => interfaces) },
    shown: ({ spec, status }) => {
      const { claimRef, mtu, ...fixed } = spec;
      const { phase, networkContextRef, attachmentRef, vpc, retention } = status;
      const isRetained = retention !== undefined;
      const told = [attachmentRef, vpc];
      return {
        spec: fixed,
        claimRef,
        mtu,
        phase,
        isRetained,
        told,
        context: networkContextRef.name,
      };
    },
    expected: ({ spec, claim, mtu, context, told }) => ({
      ...{ spec: new Digest(spec), claimRef: claim, mtu, context },
      phase: claim === undefined ? 'Available' : 'Bound',
      isRetained: claim === undefined,
      told: new Digest(told),
    }),
  });
}

function ipClaimsOf(ledger: NaiveLedger): Table {
  return tableOf({
    ...{ name: 'ip_claims', ...ofProjects(ledger, ({ blocks }) => blocks.claims) },
    shown: ({ spec, status }) => {
      const { allocatedCIDR, poolRef, boundAllocationRef } = status;
      return { spec, allocatedCIDR, pool: poolRef?.name, allocation: boundAllocationRef?.name };
    },
    expected: ({ spec }, name, namespace) => {
      const held = ledger.projects.get(namespace)?.blocks.allocations.get(name);
      const bound = held && { allocatedCIDR: held.block, pool: held.pool, allocation: name };
      return { spec: new Digest(spec), ...bound };
    },
  });
}

/** Pools that operators author show their spec, those made on demand what they were made of. */
function poolsOf({ authoredPools, pools }: NaiveLedger): Table {
  const isMade = (name: string) => name.includes('.');
  return {
    name: 'ip_pools',
    sql: 'SELECT namespace, name, object FROM ip_pools',
    read: (row) => {
      const { name, object } = readObject(row);
      const { spec, status } = object;
      if (!isMade(name)) {
        const authored = authoredPools.get(name);
        return {
          key: name,
          shown: { ...identityOf(object), spec },
          expected: authored && { ...authored },
        };
      }
      const ranges = [status.allocatedCIDR, ...(spec.additionalCIDRs ?? [])];
      const shown = { ranges, className: spec.classRef.name, scope: spec.scope };
      const pool = pools.get(name);
      return { key: name, shown, expected: pool && madeOf(pool) };
    },
    *keys() {
      yield* authoredPools.keys();
      for (const name of pools.keys()) if (isMade(name)) yield name;
    },
  };
}

function madeOf({ ranges, className, scope }: NaivePool): Fields {
  return { ranges: ranges.map(({ text }) => text), className, scope };
}

const PURPOSES: Readonly<Record<string, string>> = { Reserved: 'Reservation', Carved: 'PoolCarve' };

/** Records of IPClaims' blocks, and of what is withheld or carved in any pool. */
function allocationsOf(ledger: NaiveLedger): Table {
  const { pools, projects } = ledger;
  const keyOfBlock = (purpose: string, pool: string, cidr: string) => `${purpose} ${pool} ${cidr}`;
  return {
    name: 'ip_allocations',
    sql: 'SELECT namespace, name, object FROM ip_allocations',
    read: (row) => {
      const { namespace, name, object } = readObject(row);
      const { spec, status } = object;
      const { allocatedCIDR, phase } = status;
      const [pool, purpose] = [spec.poolRef?.name, spec.purpose];
      if (purpose !== 'Claim') {
        const block = blockIn(pools.get(pool), allocatedCIDR);
        const isThere = block !== undefined && PURPOSES[block.state] === purpose;
        const { kind } = spec.holder;
        return {
          key: keyOfBlock(purpose, pool, allocatedCIDR),
          shown: { phase, holder: `${kind} ${spec.holder.name}` },
          expected: isThere
            ? { phase: 'Held', holder: `${block.holder.kind} ${block.holder.name}` }
            : undefined,
        };
      }
      const held = projects.get(namespace)?.blocks.allocations.get(name);
      return {
        key: keyOf(namespace, name),
        shown: { uid: object.metadata.uid, allocatedCIDR, pool, phase, claim: spec.holder.uid },
        expected: held && {
          ...{ uid: held.uid, allocatedCIDR: held.block, pool: held.pool, claim: held.claim },
          phase: held.claim === undefined ? 'Retained' : 'Held',
        },
      };
    },
    *keys() {
      for (const [namespace, { blocks }] of projects) {
        for (const name of blocks.allocations.keys()) yield keyOf(namespace, name);
      }
      for (const pool of pools.values()) {
        for (const block of pool.blocks) {
          const purpose = PURPOSES[block.state];
          if (purpose !== undefined) yield keyOfBlock(purpose, pool.name, pool.textOf(block));
        }
      }
    },
  };
}

function blockIn(pool: NaivePool | undefined, cidr: string): TakenBlock | undefined {
  return isV6(cidr) === (pool?.family === 6) ? pool?.find(cidr) : undefined;
}
