import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import type { OperatorFiles } from '../security/secured.ts';
import { startService } from '../service.ts';
import { ApiClient } from './api-client.ts';
import type { Command } from './commands.ts';
import { DemoClient } from './demo-client.ts';

/** Plays a workload's life against a throw-away data directory and shows what happens. */
export const demo: Command = {
  summary: "play a workload's life against a throw-away data directory",
  async run(args, line) {
    if (args.length > 0) {
      line.print('Usage: netalloc demo');
      return args.includes('--help') ? 0 : 1;
    }
    const directory = await mkdtemp(join(tmpdir(), 'netalloc-demo-'));
    const flags = ['--listen', '127.0.0.1:0', '--data', directory];
    const service = await startService(readConfig(flags, {}), line.worldOf('error', 0));
    try {
      const api = ApiClient.of((service.operator as OperatorFiles).kubeconfig);
      await play(new DemoClient(api, line.print), line.print);
      return 0;
    } finally {
      await service.close();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function play(client: DemoClient, print: (text: string) => void): Promise<void> {
  const [first, second, third] = await workloadFile<unknown[]>('locations.json');
  const claim = JSON.stringify(await workloadFile('claim.json'));
  const claimFor = (location: string, replica: number) =>
    JSON.parse(
      claim
        .replaceAll('<workload>', 'web')
        .replaceAll('<location>', location)
        .replaceAll('<replica>', String(replica)),
    );
  const nic = (location: string, replica: number) => `web-${location}-${replica}`;

  print('1. A project, its network, and two locations. A location is data: no code, no restart.');
  await client.create('/api/v1/namespaces', await workloadFile('project.json'));
  await client.create(client.of('networks'), await workloadFile('network.json'));
  for (const location of [first, second]) await client.create(client.locations, location);

  print('\n2. Compute claims an interface for each of two replicas in each location.');
  for (const location of ['us-central-1', 'eu-west-1']) {
    for (const replica of [0, 1]) {
      await client.create(client.of('networkinterfaceclaims'), claimFor(location, replica));
    }
  }
  await client.showInterfaces();

  print('\n3. us-central-1 is scaled down to one. The policy is Retain: the addresses are kept.');
  await client.delete(client.of('networkinterfaceclaims', nic('us-central-1', 1)));
  await client.showInterfaces();

  print('\n4. And back to two: the claim of the same name finds the same interface.');
  await client.create(client.of('networkinterfaceclaims'), claimFor('us-central-1', 1));
  await client.showInterfaces();

  print('\n5. A third location comes online while everything runs.');
  await client.create(client.of('networkinterfaceclaims'), claimFor('us-west-1', 0));
  await client.create(client.locations, third);
  await client.settled(client.of('networkinterfaceclaims', nic('us-west-1', 0)));
  await client.showInterfaces();

  print('\n6. The network cannot be deleted while interfaces stand in it.');
  await client.delete(client.of('networks', 'default'));

  print('\n7. What the network takes at each location, and how much of it is left.');
  await client.showContexts();
}

async function workloadFile<T = unknown>(name: string): Promise<T> {
  const text = await readFile(new URL(`./workload/${name}`, import.meta.url), 'utf8');
  return JSON.parse(text) as T;
}
