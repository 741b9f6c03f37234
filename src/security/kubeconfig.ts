import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SecurityFileRefused } from './file-refused.ts';

export interface KubeconfigParts {
  readonly url: string;
  /** What the server's certificate is checked against, as PEM; else what the machine trusts. */
  readonly authority: string | undefined;
  readonly token: string;
}

/** A kubeconfig for kubectl and Kubernetes clients. JSON is YAML, and has no traps of quoting. */
export function kubeconfig({ url, authority, token }: KubeconfigParts): string {
  const name = 'netalloc';
  const data = authority === undefined ? undefined : Buffer.from(authority).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': data } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

const cluster = z.object({
  server: z.url({ protocol: /^https$/ }),
  'certificate-authority-data': z.base64().optional(),
});
const content = z.object({
  clusters: z.tuple([z.object({ cluster })]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

/** Reads a kubeconfig as it is written here; those of others are YAML, with more to choose from. */
export function readKubeconfig(path: string): KubeconfigParts {
  try {
    const parsed = content.parse(JSON.parse(readFileSync(path, 'utf8')));
    const [{ cluster: of }] = parsed.clusters;
    const [{ user }] = parsed.users;
    const data = of['certificate-authority-data'];
    const authority = data === undefined ? undefined : Buffer.from(data, 'base64').toString();
    return { url: of.server, authority, token: user.token };
  } catch (error) {
    const isRead = error instanceof Error && 'syscall' in error;
    const problem = isRead ? error.message : 'is no kubeconfig as netalloc writes it';
    // Neither what is wrong nor where: an error of parsing may show a part of the text.
    throw new SecurityFileRefused(`kubeconfig ${path}: ${problem}`);
  }
}
