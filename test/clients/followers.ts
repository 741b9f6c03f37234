import { CustomObjectsApi, type KubeConfig, makeInformer, Watch } from '@kubernetes/client-node';
import { type Held, keyOf, Witness } from './witness.ts';

/** A kind of object, as its paths name it. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Undefined for all namespaces. */
  readonly namespace?: string | undefined;
}

const networking = (plural: string, namespace?: string): Resource => {
  return { group: 'networking.datumapis.com', version: 'v1alpha', plural, namespace };
};
export const claimsOf = (project: string) => networking('networkinterfaceclaims', project);
export const interfacesOf = (project?: string) => networking('networkinterfaces', project);
export const networksOf = (project: string) => networking('networks', project);

/** Who keeps a picture of all objects of a kind, and how it is told what happens to them. */
export interface Follower {
  readonly name: string;
  readonly witness: Witness;
  /** How often it has had to begin anew: with a list, or with all objects in a watch. */
  readonly begun: number;
  start(): void;
  stop(): Promise<void>;
}

interface Page {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: Held[];
}

/** All objects of a kind, page by page; `turned` is told after each of them. */
export async function listed(
  config: KubeConfig,
  { group, version, plural, namespace }: Resource,
  limit = 500,
  turned: (page: number) => Promise<void> = async () => {},
): Promise<Page> {
  const api = config.makeApiClient(CustomObjectsApi);
  const items: Held[] = [];
  let page: Page | undefined;
  for (let pages = 1; page === undefined || page.metadata.continue; pages += 1) {
    const from = page === undefined ? {} : { _continue: page.metadata.continue as string };
    const asked = { group, version, plural, limit, ...from };
    page = (await (namespace === undefined
      ? api.listCustomObjectForAllNamespaces({ ...asked, resourcePlural: plural })
      : api.listNamespacedCustomObject({ ...asked, namespace }))) as Page;
    items.push(...page.items);
    await turned(pages);
  }
  return { metadata: page.metadata, items };
}

export function pathOf({ group, version, plural, namespace }: Resource): string {
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `/apis/${group}/${version}${within}/${plural}`;
}

/** How long a client waits before it begins again after a failure. */
const AGAIN_MS = 200;

/**
 * The informer of `@kubernetes/client-node`: a list, and a watch from where that ends. It stops at
 * failures; as its documentation says, whoever uses it starts it again.
 */
export function listWatchInformer(
  config: KubeConfig,
  resource: Resource,
  turned?: (page: number) => Promise<void>,
): Follower {
  const witness = new Witness();
  let begun = 0;
  let again: NodeJS.Timeout | undefined;
  const list = () => {
    begun += 1;
    return listed(config, resource, 500, turned);
  };
  const informer = makeInformer<Held>(config, pathOf(resource), list);
  informer.on('add', (object) => witness.added(object));
  informer.on('update', (object) => witness.updated(object));
  informer.on('delete', (object) => witness.deleted(object));
  informer.on('error', () => {
    again = setTimeout(() => informer.start(), AGAIN_MS);
  });
  return {
    name: `informer of ${resource.plural}`,
    witness,
    get begun() {
      return begun;
    },
    start: () => {
      informer.start();
    },
    stop: async () => {
      clearTimeout(again);
      await informer.stop();
    },
  };
}

type Outcome = 'expired' | 'ended';
type Query = Record<string, string | boolean | number | undefined>;

/**
 * What informers of client-go do since 0.35, over the watch of `@kubernetes/client-node`: a watch
 * that sends what there is, marks its end, and is moved on by bookmarks.
 */
export class WatchListReflector implements Follower {
  readonly name: string;
  readonly witness = new Witness();
  begun = 0;
  /** Where it has come to; undefined before it has all objects. */
  version: string | undefined;
  readonly #config: KubeConfig;
  readonly #path: string;
  readonly #timeoutSeconds: number;
  #isStopped = false;
  #request: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(config: KubeConfig, resource: Resource, timeoutSeconds = 300) {
    this.name = `reflector of ${resource.plural}`;
    this.#config = config;
    this.#path = pathOf(resource);
    this.#timeoutSeconds = timeoutSeconds;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#request?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let asked: Query = this.#beginning();
    while (!this.#isStopped) {
      const outcome = await this.#watch(asked);
      if (outcome === 'ended') await new Promise((done) => setTimeout(done, AGAIN_MS));
      asked =
        outcome === 'expired' || this.version === undefined
          ? this.#beginning()
          : { resourceVersion: this.version };
    }
  }

  #beginning(): Query {
    // A version means here that the objects are to be no older than that.
    const match = { resourceVersionMatch: 'NotOlderThan', resourceVersion: this.version };
    return { sendInitialEvents: true, ...match };
  }

  async #watch(asked: Query): Promise<Outcome> {
    let initial: Map<string, Held> | undefined;
    if (asked.sendInitialEvents) {
      this.begun += 1;
      initial = new Map();
    }
    let outcome: Outcome = 'ended';
    const over = Promise.withResolvers<void>();
    const options = { allowWatchBookmarks: true, timeoutSeconds: this.#timeoutSeconds };
    const told = (type: string, object: Held & { readonly code?: number }) => {
      if (type === 'ERROR') {
        if (object.code === 410) outcome = 'expired';
        else this.witness.faults.push(`the watch was told ${JSON.stringify(object)}`);
      } else if (initial === undefined) this.#takeLive(type, object);
      else if (type === 'ADDED') initial.set(keyOf(object), object);
      else if (endsInitial(object)) {
        this.#replace(initial);
        initial = undefined;
        this.version = object.metadata.resourceVersion;
      } else this.witness.faults.push(`${type} came before the initial objects had ended`);
    };
    const done = () => over.resolve();
    const watch = new Watch(this.#config);
    this.#request = await watch.watch(this.#path, { ...asked, ...options }, told, done);
    if (this.#isStopped) this.#request.abort();
    await over.promise;
    return outcome;
  }

  #takeLive(type: string, object: Held): void {
    if (type === 'ADDED') this.witness.added(object);
    else if (type === 'MODIFIED') this.witness.updated(object);
    else if (type === 'DELETED') this.witness.deleted(object);
    const { resourceVersion } = object.metadata;
    if (this.version !== undefined && BigInt(resourceVersion) < BigInt(this.version)) {
      this.witness.faults.push(`${type} at ${resourceVersion} came after ${this.version}`);
    }
    this.version = resourceVersion;
  }

  /** Takes all objects that there are in place of those that there were. */
  #replace(present: ReadonlyMap<string, Held>): void {
    const before = new Map(this.witness.objects.map((object) => [keyOf(object), object]));
    for (const [key, object] of before) if (!present.has(key)) this.witness.deleted(object);
    for (const [key, object] of present) {
      const known = before.get(key);
      if (known === undefined) this.witness.added(object);
      else if (known.metadata.resourceVersion !== object.metadata.resourceVersion) {
        this.witness.updated(object);
      }
    }
  }
}

function endsInitial({ metadata }: Held & { metadata: { annotations?: object } }): boolean {
  return Object.hasOwn(metadata.annotations ?? {}, 'k8s.io/initial-events-end');
}
