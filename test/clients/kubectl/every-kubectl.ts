import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, ask } from '../ask.ts';
import { makeLocations, makeProjects } from '../project.ts';
import { SecuredLedger } from '../secured-ledger.ts';
import { type FoundKubectl, foundKubectls, OLDEST_MINOR } from './found-kubectls.ts';
import { Kubectl } from './kubectl.ts';

export interface KubectlTests {
  readonly found: FoundKubectl;
  /** The project that is this kubectl's alone; it has a network `default`. */
  readonly project: string;
  /** The kubectl of the operator. */
  readonly kubectl: () => Kubectl;
  /** The same one for who may write claims of the project and no more. */
  readonly ofCompute: () => Kubectl;
  /** What a kubectl cannot send itself, sent as the operator. */
  readonly send: (method: string, path: string, body?: unknown, type?: string) => Promise<Answer>;
}

/** Runs tests with every kubectl of this machine, over TLS; a missing 1.20 is told, or fails. */
export function withEveryKubectl(tests: (world: KubectlTests) => void): void {
  vi.setConfig({ testTimeout: 120_000 });
  const kubectls = foundKubectls();
  console.info(`kubectl: ${kubectls.map(({ version }) => version).join(', ') || 'none'}`);
  const hasOldest = kubectls.some(({ minor }) => minor === OLDEST_MINOR);
  if (!hasOldest) {
    console.warn('\nNOT TESTED: kubectl 1.20. ".ci/fetch-kubectl" brings it from Debian.\n');
  }
  it('is not run without the oldest one in CI', () => {
    expect(hasOldest || !process.env.CI).toBe(true);
  });
  let ledger: SecuredLedger;
  let operator: KubeConfig;
  let compute: KubeConfig;
  beforeAll(async () => {
    ledger = await SecuredLedger.start();
    const passage = await ledger.passage();
    operator = ledger.operator(passage);
    await makeLocations(operator, 'dfw', 'lhr');
    const projects = kubectls.map(projectOf);
    await makeProjects(operator, ...projects);
    compute = await ledger.access({ role: 'compute', subject: 'compute', projects }, passage);
  });
  afterAll(() => ledger.remove());
  // Kubectls side by side, which takes half the time; the tests of one build on each other.
  describe.concurrent.each(kubectls)('kubectl $version', (found) => {
    const project = projectOf(found);
    const as = (name: string, access: KubeConfig) =>
      new Kubectl(found, join(ledger.data, `${name}-${project}`), access, project);
    let kubectl: Kubectl;
    beforeAll(() => {
      kubectl = as('operator', operator);
    });
    const world: KubectlTests = {
      ...{ found, project },
      kubectl: () => kubectl,
      ofCompute: () => as('compute', compute),
      send: (method, path, body, type) => ask(operator, method, path, body, type),
    };
    describe.sequential('in order', () => tests(world));
  });
}

function projectOf({ version }: FoundKubectl): string {
  return version.replaceAll(/[.+]/g, '-');
}

export const NETWORKING = 'networking.datumapis.com/v1alpha';
export const IPAM = 'ipam.miloapis.com/v1alpha1';

export function claim(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: NETWORKING,
    kind: 'NetworkInterfaceClaim',
    metadata: { name, ...metadata },
    spec: { network: { name: 'default' }, location: { name: 'dfw' }, ...spec },
  };
}

export function network(name: string, spec: object = {}, metadata: object = {}) {
  return { apiVersion: NETWORKING, kind: 'Network', metadata: { name, ...metadata }, spec };
}

/** Several objects as one file. */
export function listOf(...items: object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}
