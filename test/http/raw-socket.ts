import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection on which a test writes what it likes. */
export interface RawSocket {
  readonly socket: Socket;
  /** Everything that has come back. */
  readonly answer: string;
  /** Everything that comes back until the other side ends the connection. */
  readonly ended: Promise<string>;
  write(part: string | Buffer): void;
}

/** Connects; the connection is cut with the test. */
export async function rawSocket(port: number): Promise<RawSocket> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  // A connection that is cut is what tests wait for.
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(answer));
  });
  return {
    socket,
    get answer() {
      return answer;
    },
    ended: closed,
    write: (part) => void socket.write(part),
  };
}

/** Sends parts one after another and gives everything that comes back. */
export async function exchange(port: number, parts: readonly (string | Buffer)[]): Promise<string> {
  const raw = await rawSocket(port);
  for (const part of parts) {
    raw.write(part);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return raw.ended;
}

/** The Status that is the body of an answer. */
export function statusIn(answer: string) {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
}

/** The answers in what has come back, by their codes. */
export function answersIn(text: string): readonly string[] {
  return text.match(/^HTTP\/1\.1 \d{3}/gm) ?? [];
}
