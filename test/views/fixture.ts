import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import type { Condition } from '../../src/ledger/events.ts';
import type { AddressingPlan } from '../../src/ledger/plan.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { FollowingViews } from '../../src/views/following-views.ts';
import { openViews } from '../../src/views/open-views.ts';
import type { KubeObject } from '../../src/views/views.ts';
import { commands, Driver } from './driver.ts';

export const CLAIM = 'NetworkInterfaceClaim';
export const NIC = 'NetworkInterface';

const quiet = { info: () => {}, warn: () => {} };

export interface Opened {
  readonly driver: Driver;
  readonly views: FollowingViews;
  /** Resolves when the views have everything that is in the log. */
  readonly caughtUp: () => Promise<void>;
  /** An object that must be there, as readers see it. */
  readonly object: (kind: string, name: string, namespace?: string) => KubeObject;
}

/** Opens views for a test, which closes them when it ends. */
export async function follow(
  store: Store,
  clock: () => Date,
  directory?: string,
  more: { waitMsMax?: number; log?: typeof quiet } = {},
): Promise<FollowingViews> {
  const views = await openViews({ store, directory, clock, log: quiet, ...more });
  onTestFinished(() => views.close());
  return views;
}

/** A log with its views, and unless told otherwise a project `alpha` with a network `net`. */
export async function opened(withNetwork = true, plan?: AddressingPlan): Promise<Opened> {
  const driver = await Driver.begin((clock) => new MemoryStore({ clock }), plan);
  if (withNetwork) {
    await driver.project('alpha', commands.createNamespace);
    await driver.project('alpha', commands.createNetwork());
  }
  const views = await follow(driver.store, driver.clock);
  const caughtUp = async () => views.reached(await driver.store.head());
  await caughtUp();
  const object = (kind: string, name: string, namespace = 'alpha') => {
    const viewed = views.get(kind, namespace, name);
    if (viewed === undefined) throw new Error(`there is no ${kind} ${namespace}/${name}`);
    return viewed.object;
  };
  return { driver, views, caughtUp, object };
}

/** The conditions of an object, as `status/reason` by type. */
export function conditionsOf(object: KubeObject): Record<string, string> {
  const conditions = (object.status?.conditions ?? []) as Condition[];
  return Object.fromEntries(
    conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]),
  );
}

/** One condition of an object. */
export function conditionOf(object: KubeObject, type: string): Condition {
  const conditions = (object.status?.conditions ?? []) as Condition[];
  const found = conditions.find((condition) => condition.type === type);
  if (found === undefined) throw new Error(`there is no condition ${type}`);
  return found;
}

/** Every row of every table of a views file. */
export function dump(path: string): Record<string, unknown[]> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all()
      .map(({ name }) => name as string);
    return Object.fromEntries(
      tables.map((name) => {
        const rows = database.prepare(`SELECT * FROM ${name}`).all();
        return [name, rows.map((row) => JSON.stringify(row, bytesAsText))];
      }),
    );
  } finally {
    database.close();
  }
}

function bytesAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
