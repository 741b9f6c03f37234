import { resolve } from 'node:path';
import { type Config, describeSettings, readConfig } from '../config.ts';
import { limits } from '../limits.ts';
import { type Service, startService } from '../service.ts';
import type { Command } from './commands.ts';

/** Runs the service until a signal or a fault ends it. */
export const serve: Command = {
  summary: 'run the service',
  async run(args, line) {
    if (args.includes('--help') || args.includes('-h')) {
      line.print(`Usage: netalloc serve [flags]\n\n${describeSettings()}`);
      return 0;
    }
    const config = readConfig(args, line.env);
    const world = line.worldOf(config.logLevel, config.timeOffsetSeconds);
    const signal = line.untilSignal();
    const starting = startService(config, world);
    const early = await Promise.race([signal, starting]);
    if (typeof early === 'string') {
      line.print(`${early}: ended before it was ready`);
      return 1;
    }
    const service = early;
    const where = config.store === 'memory' ? 'memory only, lost at the end' : resolve(config.data);
    line.print(`netalloc ${world.version}`);
    line.print(`listening on ${service.url}`);
    line.print(`data: ${where}`);
    if (isRemote(config.store)) line.print(`log: ${withoutPassword(config.store)}`);
    for (const text of howToGetIn(service, config)) line.print(text);
    const ended = await Promise.race([signal, service.failed]);
    if (!(ended instanceof Error)) line.print(`${ended}: finishing what was accepted`);
    const isClosed = await Promise.race([service.close().then(() => true), pause()]);
    return isClosed && !(ended instanceof Error) ? 0 : 1;
  },
};

function isRemote(store: string): boolean {
  return store.startsWith('esdb');
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}

/** The longest that closing may take. */
function pause(): Promise<false> {
  return new Promise((done) => setTimeout(() => done(false), limits.shutdownMsMax));
}

/** What somebody types next, or how they get what they need for it. */
function howToGetIn(
  { url, operator }: Pick<Service, 'url' | 'operator'>,
  { security }: Pick<Config, 'security'>,
): string[] {
  const next = 'next, in another terminal:';
  if (security === undefined) {
    const header = "-H 'content-type: application/json'";
    const body = `'{"metadata":{"name":"alpha"}}'`;
    return [
      'plain HTTP without authentication, for this machine alone',
      next,
      `  curl -s -X POST ${url}/api/v1/namespaces ${header} -d ${body}`,
    ];
  }
  if (operator === undefined) {
    const how = '"netalloc token create --role operator --subject <name>" makes one';
    return [`tokens: ${security.tokens}, with none of an operator that is known here: ${how}`];
  }
  const [kubeconfig, token] = [operator.kubeconfig, operator.token].map(quoted);
  const { authority } = operator;
  const trusting = authority === undefined ? '' : ` --cacert ${quoted(authority)}`;
  return [
    next,
    `  KUBECONFIG=${kubeconfig} kubectl get namespaces`,
    'or',
    `  curl${trusting} -H "Authorization: Bearer $(cat ${token})" \\`,
    `    ${operator.url}/api/v1/namespaces`,
  ];
}

/** A path as a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
