import { expect, it } from 'vitest';
import { NaiveGrants } from '../../src/verify/naive-grants.ts';

const RESTS_UNTIL_MS = 1_000;

function afterUse(): NaiveGrants {
  const grants = new NaiveGrants();
  const generation = 'first-life';
  const subject = 'edge 198.51.100.0/32';
  grants.give('g', { kind: 'hold', project: 'alpha', generation, subject, key: 'web-0' });
  grants.commit('g', 'alpha', generation, subject);
  grants.end('g', subject, RESTS_UNTIL_MS);
  return grants;
}

it('lets a project abandon what it has used once nobody has to wait for it any more', () => {
  expect(() => afterUse().abandon('g', 'alpha', RESTS_UNTIL_MS - 1)).toThrow('is not used');
  expect(() => afterUse().abandon('g', 'alpha', RESTS_UNTIL_MS)).not.toThrow();
});
