import { renameSync, writeFileSync } from 'node:fs';

interface KubeconfigParts {
  readonly url: string;
  /** The authority that the server's certificate is checked against, as PEM. */
  readonly authority: string;
  readonly token: string;
}

/** A kubeconfig for kubectl and Kubernetes clients. JSON is YAML, and has no traps of quoting. */
export function kubeconfig({ url, authority, token }: KubeconfigParts): string {
  const name = 'netalloc';
  const data = Buffer.from(authority).toString('base64');
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

/** Writes a kubeconfig that only its owner may read; a reader finds the old one or the new one. */
export function writeKubeconfig(path: string, parts: KubeconfigParts): void {
  const next = `${path}.new`;
  writeFileSync(next, kubeconfig(parts), { mode: 0o600 });
  renameSync(next, path);
}
