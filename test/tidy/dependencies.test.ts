import { expect, it } from 'vitest';
import { importsOf, sourcesIn } from './sources.ts';

/**
 * One direction of dependencies. A part may import itself and the parts named here; where a part of
 * another folder is meant, the whole path is given.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/addressing': [],
  'src/ledger': ['src/addressing', 'src/limits.ts'],
  'src/store': ['src/limits.ts'],
  'src/snapshots': ['src/addressing', 'src/limits.ts', 'src/store/store.ts'],
  projections: [
    'src/addressing',
    'src/ledger/events.ts',
    'src/ledger/identifiers.ts',
    'src/ledger/names.ts',
    'src/ledger/streams.ts',
    'src/views/projection.ts',
    'src/views/views.ts',
  ],
  'src/views': [
    'projections',
    'src/addressing',
    'src/ledger/events.ts',
    'src/ledger/identifiers.ts',
    'src/ledger/names.ts',
    'src/ledger/streams.ts',
    'src/limits.ts',
    'src/store',
  ],
  'src/application': [
    'src/addressing',
    'src/ledger',
    'src/limits.ts',
    'src/snapshots/snapshots.ts',
    'src/store',
    'src/views/views.ts',
  ],
  'src/http': [
    'src/addressing',
    'src/application/request.ts',
    'src/ledger',
    'src/limits.ts',
    'src/security/file-refused.ts',
    'src/security/identity.ts',
    'src/security/token-request.ts',
    'src/store/store.ts',
    'src/store/stream-subscription.ts',
    'src/views/views.ts',
  ],
  'src/intake': [
    'src/application/request.ts',
    'src/http',
    'src/ledger',
    'src/limits.ts',
    'src/security/identity.ts',
    'src/store',
    'src/views/views.ts',
  ],
  'src/operations': [
    'src/application/request.ts',
    'src/limits.ts',
    'src/store/facts.ts',
    'src/store/messages.ts',
    'src/store/store.ts',
    'src/views/views.ts',
  ],
  'src/security': ['src/ledger/durations.ts', 'src/limits.ts'],
  'src/cli': [
    'src/config.ts',
    'src/http/kube/kinds/claims.ts',
    'src/http/ledger/claims-batch.ts',
    'src/intake/claim-messages.ts',
    'src/ledger/events.ts',
    'src/ledger/plan.ts',
    'src/ledger/streams.ts',
    'src/limits.ts',
    'src/security',
    'src/service.ts',
    'src/store',
    'src/transfer',
    'src/verify',
    'src/views/views-file.ts',
  ],
  'src/verify': ['src/ledger/events.ts', 'src/limits.ts', 'src/store', 'src/transfer'],
  'src/transfer': ['src/limits.ts', 'src/store'],
};

/** The files that put the parts together. */
const COMPOSITION = ['src/main.ts', 'src/service.ts', 'src/config.ts', 'src/limits.ts'];

const sources = sourcesIn('src', 'projections');

function partOf(path: string): string | undefined {
  return Object.keys(ALLOWED).find((part) => path.startsWith(`${part}/`));
}

it('gives every source file a part', () => {
  const strays = sources.map(({ path }) => path).filter((path) => !partOf(path));
  expect(strays.toSorted()).toEqual(COMPOSITION.toSorted());
});

it('imports in one direction only', () => {
  const wrong = sources.flatMap((source) => {
    const part = partOf(source.path);
    if (part === undefined) return [];
    const allowed = [part, ...(ALLOWED[part] as string[])];
    return importsOf(source)
      .filter((target) => !allowed.some((one) => target === one || target.startsWith(`${one}/`)))
      .map((target) => `${source.path} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

it('sees the imports that it judges', () => {
  const text = "import { a,\n  b } from '../store/store.ts';\nexport * from './c.ts';";
  expect(importsOf({ path: 'src/ledger/x.ts', text })).toEqual([
    'src/store/store.ts',
    'src/ledger/c.ts',
  ]);
});
