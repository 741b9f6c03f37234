import type { ApiClient } from './api-client.ts';
import { tableLines } from './text-table.ts';

/** What the demo reads of an object; the rest does not matter to it. */
interface Seen {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, never>> & {
    readonly addresses?: readonly { readonly address: string }[];
    readonly location?: { readonly name: string };
    readonly claimRef?: { readonly name: string };
  };
  readonly status?: {
    readonly phase?: string;
    readonly addresses?: readonly { readonly address: string }[];
    readonly conditions?: readonly Condition[];
    readonly subnets?: readonly Subnet[];
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Subnet {
  readonly prefix: string;
  readonly gateway: string;
  readonly held: string;
  readonly free: string;
}

const GROUP = '/apis/networking.datumapis.com/v1alpha';

/** A client that says what it does. */
export class DemoClient {
  readonly #api: ApiClient;
  readonly #print: (text: string) => void;
  readonly locations = `${GROUP}/locations`;

  constructor(api: ApiClient, print: (text: string) => void) {
    this.#api = api;
    this.#print = print;
  }

  /** The path of a kind of the demo's project, or of one object. */
  of(plural: string, name?: string): string {
    const path = `${GROUP}/namespaces/alpha/${plural}`;
    return name === undefined ? path : `${path}/${name}`;
  }

  async create(path: string, body: unknown): Promise<void> {
    const made: Seen = await this.#api.ask('POST', path, body);
    this.#print(`   created ${made.kind} ${made.metadata.name}${stateOf(made)}`);
  }

  async delete(path: string): Promise<void> {
    const { code, body } = await this.#api.send('DELETE', path);
    const name = path.split('/').at(-1);
    const verdict = code === 200 ? 'deleted' : `refused with ${code}: ${body.message}`;
    this.#print(`   DELETE ${name}: ${verdict}`);
  }

  /** Waits for a claim to be bound, and says so. */
  async settled(path: string): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const claim: Seen = await this.#api.ask('GET', path);
      if (claim.status?.addresses?.length) {
        this.#print(`   ${claim.metadata.name} is served now${stateOf(claim)}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${path} was not bound`);
  }

  async showInterfaces(): Promise<void> {
    const list = await this.#list('networkinterfaces');
    this.#table(
      ['INTERFACE', 'LOCATION', 'PHASE', 'CLAIM', 'ADDRESSES'],
      list.map((nic) => [
        nic.metadata.name,
        nic.spec.location?.name ?? '',
        nic.status?.phase ?? '',
        nic.spec.claimRef?.name ?? '-',
        (nic.spec.addresses ?? []).map(({ address }) => address).join('  '),
      ]),
    );
  }

  async showContexts(): Promise<void> {
    const list = await this.#list('networkcontexts');
    this.#table(
      ['CONTEXT', 'SUBNET', 'GATEWAY', 'HELD', 'FREE'],
      list.flatMap((context) =>
        (context.status?.subnets ?? []).map(({ prefix, gateway, held, free }) => [
          context.metadata.name,
          prefix,
          gateway,
          held,
          free,
        ]),
      ),
    );
  }

  async #list(plural: string): Promise<Seen[]> {
    return (await this.#api.ask('GET', this.of(plural))).items;
  }

  #table(head: string[], rows: string[][]): void {
    for (const line of tableLines(head, rows)) this.#print(`   ${line}`);
  }
}

function stateOf(object: Seen): string {
  const addresses = object.status?.addresses ?? [];
  if (addresses.length > 0) return `: ${addresses.map(({ address }) => address).join(', ')}`;
  const bound = object.status?.conditions?.find(({ type }) => type === 'Bound');
  return bound?.status === 'False' ? `: waits, ${bound.reason} (${bound.message})` : '';
}
