import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig, SETTINGS } from '../../src/config.ts';
import { ROOT } from '../tidy/sources.ts';

// Containers do not run in these tests. What can be wrong in the files without them is looked for.

interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly profiles?: readonly string[];
  readonly environment: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[]; readonly retries: number };
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const { version, dependencies } = JSON.parse(read('package.json'));
const { services, volumes } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, object>;
};
const every = Object.entries(services);
const ledgers = every.filter(([, { build }]) => build !== undefined);
const nodes = every.filter(([, { build }]) => build === undefined);

describe('docker-compose.yml', () => {
  it('has a ledger on one node by default, and two on a cluster of three', () => {
    const names = (isDefault: boolean) =>
      every
        .filter(([, { profiles }]) => (profiles === undefined) === isDefault)
        .map(([name]) => name);
    expect(names(true)).toEqual(['netalloc', 'kurrentdb']);
    expect(names(false)).toHaveLength(5);
  });

  it.each(every)('pins, bounds and watches %s', (_name, service) => {
    expect(service.image).toMatch(/(?::\d+\.\d+\.\d+(?:-[\w.-]+)?|@sha256:[0-9a-f]{64})$/);
    expect(service.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const volume of service.volumes) {
      const [name = '', path = ''] = volume.split(':');
      expect(Object.keys(volumes)).toContain(name);
      expect(path).toMatch(/^\/var\/lib\//);
    }
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(condition).toBe('service_healthy');
      expect(services[needed]?.profiles).toEqual(service.profiles);
    }
  });

  it.each(ledgers)('gives %s settings that serve knows and takes', (_name, service) => {
    const env = service.environment as Record<string, string>;
    const known = Object.values(SETTINGS).map((setting) => setting.env);
    expect(known).toEqual(expect.arrayContaining(Object.keys(env)));
    const config = readConfig([], env);
    expect(service.volumes.map((volume) => volume.split(':')[1])).toContain(config.data);
    const hosts = /^esdb:\/\/([^?]+)\?/.exec(config.store)?.[1]?.split(',') ?? [];
    const needed = Object.keys(service.depends_on ?? {});
    expect(hosts.map((host) => host.replace(':2113', ''))).toEqual(needed);
    expect(service).toMatchObject({ image: `netalloc:${version}`, read_only: true });
  });

  it('gives each node of the cluster its own name and the others as seeds', () => {
    const cluster = nodes.filter(([, { profiles }]) => profiles?.includes('cluster'));
    expect(cluster).toHaveLength(3);
    for (const [name, { environment }] of cluster) {
      const others = cluster.map(([other]) => other).filter((other) => other !== name);
      expect(environment).toMatchObject({
        KURRENTDB_CLUSTER_SIZE: '3',
        KURRENTDB_NODE_HOST_ADVERTISE_AS: name,
        KURRENTDB_REPLICATION_HOST_ADVERTISE_AS: name,
        KURRENTDB_GOSSIP_SEED: others.map((other) => `${other}:2113`).join(','),
      });
    }
  });

  it('shares no volume but the tokens, and has no secret in it', () => {
    const mounted = every.flatMap(([, service]) => service.volumes.map((one) => one.split(':')[0]));
    const shared = mounted.filter((name, index) => mounted.indexOf(name) !== index);
    expect(shared).toEqual(['cluster-tokens']);
    expect(mounted.toSorted()).toEqual([...Object.keys(volumes), ...shared].toSorted());
    const text = read('docker-compose.yml');
    expect(text).not.toMatch(/password|secret|:\/\/[^/\s]*@/i);
  });
});

describe('the Dockerfile', () => {
  const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const of = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.split(/\s+/));

  it('is made and run by the Node that the project pins', () => {
    const images = of('FROM').map(([, image]) => image);
    expect(images).toHaveLength(2);
    expect(new Set(images)).toEqual(new Set([`node:${dependencies.node}-bookworm-slim`]));
  });

  it('runs as a user without rights', () => {
    expect(of('USER')).toEqual([['USER', '1000:1000']]);
    const last = lines.findLastIndex((line) => line.startsWith('USER'));
    expect(lines.slice(last).some((line) => line.startsWith('RUN'))).toBe(false);
    for (const [, { user }] of ledgers) expect(user).toBe('1000:1000');
  });

  it('copies what there is, and what is not kept from it', () => {
    const copied = of('COPY')
      .filter(([, from]) => !from?.startsWith('--from'))
      .flatMap((words) => words.slice(1, -1));
    const kept = read('.dockerignore').split('\n');
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) {
      expect(existsSync(join(ROOT, path))).toBe(true);
      expect(kept).toContain(`!${path}`);
    }
  });
});
