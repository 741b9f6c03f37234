import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What Node's parser refuses other than as a bad request. */
const STATUS_LINES: Readonly<Record<string, readonly [code: number, text: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
};
const BAD_REQUEST = [400, 'Bad Request'] as const;

/**
 * What is no HTTP, or comes too slowly, never becomes a request: it is answered on the socket, and
 * the connection ends, so that nobody reads on from where sender and reader may disagree.
 */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket): void {
  const isHttp = error.code?.startsWith('HPE_') || error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  // A handshake that failed leaves nothing to answer through, and an answer that has begun would
  // be spoiled by another one in it.
  if (!isHttp || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const [code, text] = STATUS_LINES[error.code ?? ''] ?? BAD_REQUEST;
  const message = `malformed HTTP: ${error.message}`;
  const reason = code === 400 ? { reason: 'BadRequest' } : {};
  const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  const body = JSON.stringify({ ...failure, message, ...reason, code });
  socket.write(
    `HTTP/1.1 ${code} ${text}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

/** Whether a part of the answer to an earlier request has gone out on a socket. */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse };
  return answer?.headersSent === true;
}
