import type { Logger } from 'pino';
import { limits } from '../limits.ts';
import type { Position, RecordedEvent, Store } from '../store/store.ts';
import { Counter, Histogram, Metrics } from './metrics.ts';
import { ObservedStore } from './observed-store.ts';
import { Outage } from './outage.ts';

/** What is known of the views here. */
interface Followed {
  readonly position: Position;
  onApplied(handler: (events: readonly RecordedEvent[]) => void): unknown;
}

/** How long a certificate lasts. */
interface Lasting {
  readonly certificate: 'authority' | 'server';
  readonly daysLeft: number;
}

/** How a running ledger is seen from outside: what it measures, and whether it is ready. */
export class Operations {
  /** The store as the rest of the process uses it. */
  readonly store: ObservedStore;
  readonly #metrics = new Metrics();
  readonly #outage: Outage;
  readonly #clock: () => Date;

  constructor(store: Store, log: Pick<Logger, 'warn' | 'info'>, clock: () => Date) {
    this.#clock = clock;
    this.#outage = new Outage(log, clock);
    this.store = new ObservedStore(store, this.#outage);
    const { appends, appendSeconds } = this.store;
    const metrics = this.#metrics;
    const latency = 'How long an append took until it was answered';
    metrics.histogram('netalloc_append_seconds', latency, appendSeconds);
    const outcomes = 'Appends by what became of them; a conflict is another ledger being first';
    metrics.counter('netalloc_appends_total', outcomes, appends, 'outcome');
    const isUp = () => (this.#outage.isOn ? 0 : 1);
    metrics.gauge('netalloc_store_up', 'Whether the store has answered when last asked', isUp);
    const count = () => this.#outage.count;
    metrics.gauge('netalloc_store_outages', 'How often the store has gone away', count);
    metrics.gauge('netalloc_store_position', 'Position of the last event in the log', () =>
      this.#head().catch(() => undefined),
    );
    const memory = () => process.memoryUsage.rss();
    metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes', memory);
    const cpu = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
    metrics.gauge('process_cpu_seconds', 'User and system time of the process so far', cpu);
  }

  /** Measures how the views follow the log from now on. */
  follow(views: Followed): void {
    const applied = new Counter();
    const lag = new Histogram();
    views.onApplied((events) => {
      const nowMs = this.#clock().getTime();
      for (const { recordedAt } of events) {
        applied.count();
        lag.observe(Math.max(nowMs - Date.parse(recordedAt), 0) / 1_000);
      }
    });
    const metrics = this.#metrics;
    const at = 'Position up to which the views of this process have followed the log';
    metrics.gauge('netalloc_views_position', at, () => views.position);
    metrics.counter('netalloc_views_events_total', 'Events that the views have applied', applied);
    const behind = 'From when an event was recorded, by the clock of the store, to its application';
    metrics.histogram('netalloc_views_lag_seconds', behind, lag);
  }

  /** Shows from now on how long the certificates last that clients rely on. */
  watch(lasting: () => readonly Lasting[]): void {
    const left = (one: Lasting['certificate']) => () =>
      lasting().find(({ certificate }) => certificate === one)?.daysLeft;
    const metrics = this.#metrics;
    const authority = 'Days until the authority ends that clients check the server against';
    metrics.gauge('netalloc_tls_authority_days_left', authority, left('authority'));
    const server = "Days until the server's certificate ends; one of our own is renewed before";
    metrics.gauge('netalloc_tls_server_days_left', server, left('server'));
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.#metrics.text();
  }

  /** Why commands cannot be served now; nothing when they can. */
  async unready(): Promise<readonly string[]> {
    try {
      await this.#head();
      return [];
    } catch (fault) {
      return [`store: ${(fault as Error).message}`];
    }
  }

  /** The log's head, in less time than whoever asks for health is patient. */
  async #head(): Promise<Position> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const message = `no answer in ${limits.readyStoreMsMax} ms`;
    const timer = setTimeout(() => reject(new Error(message)), limits.readyStoreMsMax);
    try {
      return await Promise.race([this.store.head(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
