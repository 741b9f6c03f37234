/** Where a value stands in a JSON text: keys of objects, places in lists. */
export type JsonPath = readonly (string | number)[];

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** How many keys a JSON text has: as many as it has colons outside of strings. */
export function countKeys(json: Uint8Array): number {
  let keys = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) isInString = !isInString;
    else if (byte === BACKSLASH) at += 1;
    else if (byte === COLON && !isInString) keys += 1;
  }
  return keys;
}

/** An object or a list that is being read: the keys that it has so far, and where it is. */
interface Level {
  readonly keys: Set<string>;
  step: string | number;
}

/** The keys that stand more than once in one object of a JSON text, `pathsMax` of them at most. */
export function repeatedKeys(json: string, pathsMax: number): readonly JsonPath[] {
  const paths: JsonPath[] = [];
  const levels: Level[] = [];
  let text = '';
  for (let at = 0; at < json.length && paths.length < pathsMax; at += 1) {
    const level = levels.at(-1);
    const sign = json[at];
    if (sign === '{') levels.push({ keys: new Set(), step: '' });
    else if (sign === '[') levels.push({ keys: new Set(), step: 0 });
    else if (sign === '}' || sign === ']') levels.pop();
    else if (sign === ',' && typeof level?.step === 'number') level.step += 1;
    else if (sign === '"') {
      const end = endOfString(json, at);
      text = json.slice(at, end);
      at = end - 1;
    } else if (sign === ':' && level !== undefined) {
      const key = JSON.parse(text) as string;
      level.step = key;
      if (level.keys.has(key)) paths.push(levels.map(({ step }) => step));
      level.keys.add(key);
    }
  }
  return paths;
}

/** The place after the string that begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}
