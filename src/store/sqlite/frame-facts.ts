import { type Fact, factOf } from '../facts.ts';
import { type Frame, LINE_BREAK, parseEvents } from './frames.ts';

// Nearly half of an event's text is metadata, which no fold looks at. It is cut off before the text
// is parsed. What begins like it may stand within data, too: a cut there leaves brackets open or
// the data away, so that the rest is no list of five, and then all of the text is parsed.

const METADATA_START = ',{"commandId":';
const HASH_CHARS = 64;
/** `,"<hash>"]`, with which each line ends, and `"<hash>"}]` before it. */
const LINE_END_CHARS = HASH_CHARS + 4;
const BODY_END_CHARS = HASH_CHARS + 3;
const PREVIOUS_HASH = ',"previousHash":"';

type Head = readonly [stream: string, revision: number, id: string, type: string, data: object];

/** The facts of a frame as they are written, not proved; throws CorruptEvent for what is none. */
export function parseFacts(frame: Frame): Fact[] {
  return factsByHead(frame) ?? parseEvents(frame).map(factOf);
}

function factsByHead(frame: Frame): Fact[] | undefined {
  const { stream, revision, position } = frame;
  const cut = withoutMetadata(frame);
  const heads = cut && headsOf(cut.text);
  if (cut === undefined || heads?.length !== frame.count) return undefined;
  const facts: Fact[] = [];
  for (const [index, head] of heads.entries()) {
    const [ofStream, ofRevision, , type, data] = head;
    if (head.length !== 5 || ofStream !== stream || ofRevision !== revision + index) {
      return undefined;
    }
    const previousHash = cut.previousHashes[index] as string;
    const hash = cut.hashes[index] as string;
    facts.push({
      ...{ revision: ofRevision, position: BigInt(position + index) },
      ...{ type, data, previousHash, hash },
    });
  }
  return facts;
}

function headsOf(text: string): readonly Head[] | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of a frame's bodies up to their metadata; undefined where it is not made as usual. */
function withoutMetadata({ events }: Frame) {
  const hashes: string[] = [];
  const previousHashes: string[] = [];
  let text = '[';
  let metadataChars = 0;
  for (let from = 1; ; ) {
    const found = events.indexOf(LINE_BREAK, from);
    const end = found === -1 ? events.length - 1 : found;
    const bodyEnd = end - LINE_END_CHARS;
    const previousFrom = bodyEnd - BODY_END_CHARS;
    // Those of one append mostly have metadata of one length.
    let at = bodyEnd - metadataChars;
    if (!events.startsWith(METADATA_START, at)) at = events.lastIndexOf(METADATA_START, bodyEnd);
    metadataChars = bodyEnd - at;
    const isUsual =
      at > from && events.startsWith(PREVIOUS_HASH, previousFrom - PREVIOUS_HASH.length);
    if (!isUsual) return undefined;
    previousHashes.push(events.slice(previousFrom, previousFrom + HASH_CHARS));
    hashes.push(events.slice(end - HASH_CHARS - 2, end - 2));
    text += `${events.slice(from + 1, at)}]`;
    if (found === -1) return { text: `${text}]`, hashes, previousHashes };
    text += ',';
    from = end + LINE_BREAK.length;
  }
}
