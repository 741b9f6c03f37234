import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../src/service.ts';
import type { Answer } from '../http/real-service.ts';
import { CLAIMS, claim, INTERFACES } from '../http/world.ts';
import { kurrentUrl } from '../store/kurrent-server.ts';
import { KurrentLedgers, send } from './kurrent-ledgers.ts';

const url = await kurrentUrl();
/** Their clocks are up to ten seconds apart. */
const AHEAD_MS = [0, -5_000, 5_000];

describe.skipIf(url === undefined)(
  'several ledgers on one KurrentDB, with clocks that differ',
  () => {
    const several = new KurrentLedgers(url as string);
    const ledgers = several.services;

    beforeAll(async () => {
      for (const aheadMs of AHEAD_MS) await several.start({ aheadMs });
      await several.makeProject();
    });

    afterAll(() => several.close());

    it('give no address twice, lose no claim, and tell the same', async () => {
      const answers = await Promise.all(
        ledgers.flatMap((ledger, index) =>
          Array.from({ length: 100 }, (_, n) =>
            send(ledger, 'POST', CLAIMS, claim(`c-${index}-${n}`)),
          ),
        ),
      );
      expect(answers.filter(({ code }) => code !== 201)).toEqual([]);
      const given = answers.flatMap(({ body }) => body.status.addresses);
      const addresses = given.map(({ address }: { address: string }) => address);
      expect(new Set(addresses).size).toBe(addresses.length);
      const version = Math.max(...answers.map(({ body }) => Number(body.metadata.resourceVersion)));
      for (const ledger of ledgers) {
        const path = `${CLAIMS}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
        const { body } = await send(ledger, 'GET', path);
        const listed = body.items.flatMap((item: Answer['body']) => item.status.addresses);
        const told = listed.map(({ address }: { address: string }) => address);
        expect(told.toSorted()).toEqual(addresses.toSorted());
      }
    });

    it('let one of those who take the same name have it', async () => {
      const answers = await Promise.all(
        ledgers.map((ledger) => send(ledger, 'POST', CLAIMS, claim('wanted'))),
      );
      expect(answers.map(({ code }) => code).toSorted()).toEqual([201, 409, 409]);
    });

    it('show each what another one has just answered', async () => {
      for (let n = 0; n < 30; n += 1) {
        const [writer, reader] = [n, n + 1].map((at) => ledgers[at % ledgers.length] as Service);
        const { body } = await send(writer as Service, 'POST', CLAIMS, claim(`seen-${n}`));
        const seen = await send(reader as Service, 'GET', `${INTERFACES}/seen-${n}`);
        expect(seen.body.spec.addresses[0].address).toBe(body.status.addresses[0].address);
        const gone = await send(reader as Service, 'DELETE', `${CLAIMS}/seen-${n}`);
        expect(gone.code).toBe(200);
        expect((await send(writer as Service, 'GET', `${CLAIMS}/seen-${n}`)).code).toBe(404);
      }
    });

    it('show the past alike, though each has a clock of its own', async () => {
      const asks = ledgers.map((ledger) => send(ledger, 'GET', CLAIMS));
      const [{ body }] = (await Promise.all(asks)) as [Answer];
      const path = `${CLAIMS}?asOf=${body.metadata.resourceVersion}`;
      const pasts = await Promise.all(ledgers.map((ledger) => send(ledger, 'GET', path)));
      expect(pasts[0]?.body.items.length).toBeGreaterThan(0);
      for (const past of pasts) expect(past.body).toEqual(pasts[0]?.body);
    });
  },
);
