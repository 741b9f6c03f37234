import { limits } from '../limits.ts';

const LINE_BREAK = 0x0a;

/** A file that is no portable log, or not a whole one; the message names the line. */
export class InvalidLogFile extends Error {
  override readonly name = 'InvalidLogFile';

  constructor(line: number, problem: string) {
    super(`line ${line} ${problem}`);
  }
}

/** The lines of a text in UTF-8, each in bounded memory; one that is no text is refused. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  const decoded = (bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes);
    } catch {
      throw new InvalidLogFile(line, 'is no text in UTF-8');
    }
  };
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, from)) {
      yield decoded(Buffer.concat([...begun, chunk.subarray(from, end)]));
      line += 1;
      begun = [];
      begunBytes = 0;
      from = end + 1;
    }
    begun.push(chunk.subarray(from));
    begunBytes += chunk.length - from;
    if (begunBytes > limits.transferLineBytesMax) {
      throw new InvalidLogFile(line, `is longer than ${limits.transferLineBytesMax} bytes`);
    }
  }
  const rest = Buffer.concat(begun);
  if (rest.length > 0) yield decoded(rest);
}
