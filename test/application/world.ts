import { pino } from 'pino';
import { Ledger } from '../../src/application/ledger.ts';
import type { LedgerAnswer, LedgerRequest } from '../../src/application/request.ts';
import type { ClaimSpec, LedgerEvent } from '../../src/ledger/events.ts';
import { uuidOf } from '../../src/ledger/identifiers.ts';
import { type AddressingPlan, builtInPlan } from '../../src/ledger/plan.ts';
import type { RecordedEvent, Store } from '../../src/store/store.ts';

let ids = 0;
const newId = () => uuidOf('test', ids++);

/** A ledger on a store, whose views are taken to be always up to date. */
export async function ledgerOn(
  store: Store,
  plan: AddressingPlan = builtInPlan(),
  clock = () => new Date('2026-01-01T00:00:00Z'),
) {
  const ledger = await Ledger.open(
    {
      store,
      log: pino({ level: 'silent' }),
      clock,
      newId,
      random: () => 0,
      viewed: async () => {},
      answered: () => undefined,
    },
    plan,
    false,
  );
  for (const { name } of plan.pools) await ledger.settlePool(name);
  return ledger;
}

export function request(dryRun = false): LedgerRequest {
  const commandId = newId();
  const actor = { issuer: 'test', subject: 'me', role: 'operator' };
  return { commandId, correlationId: commandId, actor, dryRun };
}

export const commands = {
  namespace: { type: 'CreateNamespace', metadata: {} },
  network: (name = 'default') => ({
    type: 'CreateNetwork' as const,
    name,
    metadata: {},
    spec: {
      ipFamilies: ['IPv6' as const, 'IPv4' as const],
      mtu: 1460,
      ipam: { mode: 'Auto' as const },
    },
  }),
  location: (name: string) => ({
    type: 'CreateLocation' as const,
    name,
    spec: { projects: ['*'], draining: false },
    metadata: {},
  }),
  claim: (name: string, location: string, spec: Partial<ClaimSpec> = {}) => ({
    type: 'RequestClaim' as const,
    name,
    metadata: {},
    spec: {
      network: { name: 'default' },
      location: { name: location },
      interfaceName: 'eth0',
      attachmentMode: 'Netns' as const,
      ipFamilies: ['IPv6' as const, 'IPv4' as const],
      reclaimPolicy: 'Delete' as const,
      ...spec,
    },
  }),
} as const;

/** The events of an answer; fails on anything but a decision. */
export function eventsOf(answer: LedgerAnswer): readonly LedgerEvent[] {
  if (answer.outcome !== 'decided') throw new Error(JSON.stringify(answer));
  return answer.events;
}

export async function everything(store: Store): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readAll(0n)) events.push(event);
  return events;
}
