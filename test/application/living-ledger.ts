import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import { Recovery } from '../../src/application/recovery.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import type { Snapshots } from '../../src/snapshots/snapshots.ts';
import type { Store } from '../../src/store/store.ts';
import { openViews } from '../../src/views/open-views.ts';
import { request } from './world.ts';

/** A ledger with its views and its recovery on a store, in real time. */
export async function startLedger(
  store: Store,
  plan: AddressingPlan = builtInPlan(),
  snapshots?: Snapshots,
) {
  const clock = () => new Date();
  const log = pino({ level: 'silent' });
  const views = await openViews({ store, directory: undefined, clock, log });
  const ledger = await Ledger.open(
    {
      ...{ store, snapshots, log, clock, random: () => 0 },
      newId: () => request().commandId,
      viewed: (position) => views.reached(position),
      answered: (commandId) => views.answered(commandId),
    },
    plan,
    false,
  );
  await views.ready;
  const recovery = new Recovery({ ledger, views, log, clock });
  views.onApplied((events) => recovery.react(events));
  await recovery.start();
  const stop = async () => {
    await recovery.close();
    await ledger.close();
    await views.close();
  };
  /** The reason of an object's condition, or "True". */
  const verdict = (kind: string, project: string, name: string, type: string) => {
    const status = views.get(kind, project, name)?.object.status as
      | { conditions: { type: string; status: string; reason: string }[] }
      | undefined;
    const condition = status?.conditions.find((one) => one.type === type);
    return condition?.status === 'True' ? 'True' : condition?.reason;
  };
  return { ledger, views, stop, verdict };
}

/** The built-in plan with small pools and short quarantines. */
export function tinyPlan(changes: Readonly<Record<string, object>>, cidr = 'fd20::/20') {
  const plan = builtInPlan();
  for (const entry of plan.classes) Object.assign(entry.spec, changes[entry.name]);
  plan.pools = plan.pools.map((pool) => ({ ...pool, cidr }));
  return plan;
}
