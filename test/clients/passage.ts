import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What stands between clients and a ledger: it passes bytes on as they are, and a test may cut the
 * connections, hold back what the ledger sends, or let nobody through.
 */
export class Passage {
  /** Where the ledger listens. */
  port: number;
  readonly #server: Server;
  /** The connections: a client's, and the one to the ledger. */
  readonly #pairs = new Map<Socket, Socket>();
  #isOpen = true;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((client) => this.#let(client));
  }

  static async open(port: number): Promise<Passage> {
    const passage = new Passage(port);
    passage.#server.listen(0, '127.0.0.1');
    await once(passage.#server, 'listening');
    return passage;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets every connection, as a network does that has forgotten them. */
  cut(): void {
    for (const [client, ledger] of this.#pairs) {
      client.resetAndDestroy();
      ledger.resetAndDestroy();
    }
  }

  /** Cuts every connection and lets no new one through. */
  shut(): void {
    this.#isOpen = false;
    this.cut();
  }

  reopen(): void {
    this.#isOpen = true;
  }

  /** Takes nothing more of what the ledger sends on the connections that there are. */
  hold(): void {
    for (const ledger of this.#pairs.values()) ledger.unpipe().pause();
  }

  /** Passes on what was held back, and what is to come. */
  letGo(): void {
    for (const [client, ledger] of this.#pairs) ledger.pipe(client);
  }

  async close(): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #let(client: Socket): void {
    client.on('error', () => {});
    if (!this.#isOpen) {
      client.resetAndDestroy();
      return;
    }
    const ledger = connect(this.port, '127.0.0.1');
    ledger.on('error', () => client.destroy());
    this.#pairs.set(client, ledger);
    client.on('close', () => {
      this.#pairs.delete(client);
      ledger.destroy();
    });
    ledger.on('close', () => client.end());
    client.pipe(ledger);
    ledger.pipe(client);
  }
}
