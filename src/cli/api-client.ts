import { request } from 'node:https';
import { limits } from '../limits.ts';
import { type KubeconfigParts, readKubeconfig } from '../security/kubeconfig.ts';

/** A request that was not answered as it was to be; the message says what the server said. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
}

export interface ApiAnswer {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: who asks knows what the answer is.
  readonly body: any;
}

/** A server that is reached by a kubeconfig. */
export class ApiClient {
  readonly #access: KubeconfigParts;

  private constructor(access: KubeconfigParts) {
    this.#access = access;
  }

  /** Throws SecurityFileRefused when the file cannot be used. */
  static of(kubeconfigPath: string): ApiClient {
    return new ApiClient(readKubeconfig(kubeconfigPath));
  }

  /** Sends one request; throws RequestFailed when it is refused. */
  async ask(method: string, path: string, body?: unknown): Promise<ApiAnswer['body']> {
    const answer = await this.send(method, path, body);
    if (answer.code < 300) return answer.body;
    const what = answer.body?.message ?? `HTTP ${answer.code}`;
    throw new RequestFailed(`${method} ${path}: ${what}`);
  }

  /** Sends one request and gives its answer, whatever it is. */
  send(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const { url, authority, token } = this.#access;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(limits.clientRequestMsMax);
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const fail = (error: Error) => reject(new RequestFailed(`${url}: ${error.message}`));
    const sent = request(url + path, { method, headers, ca: authority, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', fail).on('end', () => {
        const isJson = String(response.headers['content-type']).startsWith('application/json');
        resolve({ code: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on('error', fail);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }
}
