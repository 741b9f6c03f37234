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
