import {
  type Collection,
  isMap,
  isOrdered,
  isSet,
  OrderedMap,
  OrderedSet,
  Map as PersistentMap,
  Set as PersistentSet,
} from 'immutable';
import { isTrie, trieOf, trieText } from '../addressing/free-trie.ts';
import { limits } from '../limits.ts';

/**
 * A writer's state as text and back: exactly, compactly, and in parts, so that neither way holds up
 * the event loop for long. It knows the kinds of values that a state is made of and none of its
 * fields, so that none can be forgotten; a value of another kind is a fault when it is written.
 *
 * Each part is a JSON array of tokens. A text stands for itself and is said once; a negative number
 * is a text that was said before, -1 the first one; a number from `FIRST_INTEGER` on is an integer;
 * a smaller one says what follows it.
 */
const CODE = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** Then: the number. */
  number: 4,
  /** A list of nothing. */
  nothing: 5,
  /** Then: the digits, base 16. */
  bigint: 6,
  /** Then: the length and the elements. */
  array: 7,
  /** Then: which shape, and the values of its fields. */
  record: 8,
  /** Then: the number of fields, their names and their values; from then on the shape is known. */
  shape: 9,
  /** Then: which shape, and which record of it. */
  known: 10,
  /** Then: the text of a trie. */
  trie: 11,
  /** Then: how many, and the keys with their values. */
  map: 12,
  orderedMap: 13,
  /** Then: how many, and the items. */
  set: 14,
  orderedSet: 15,
  /** Stands first in a part: texts that were said before are not referred to any more. */
  anew: 16,
} as const;

const FIRST_INTEGER = 32;
/** Records of one shape that may be referred to again: the first ones. */
const KNOWN_MAX = 512;
/** A map so small may be in the order of its past; a larger one is in that of its hashes. */
const SORTED_ENTRIES_MAX = 32;
const NOTHING: readonly never[] = Object.freeze([]);

type Token = number | string;
type Fields = Record<string, unknown>;
type Anything = Collection<unknown, unknown>;

/** A large map of a state, whose entries are written piece by piece. */
interface Large {
  readonly name: string;
  readonly entries: Iterator<readonly [unknown, unknown]>;
  readonly size: number;
  written: number;
}

/**
 * Writes a state part by part; a state never changes, so time may pass between two parts. Large
 * maps go along together, each in the order of its keys' hashes: what two of them say of one key (a
 * claim and its interface) stands close together, so that only the texts nearby need to be known.
 */
export function* encodeState(state: object): Generator<string> {
  const encoder = new Encoder();
  const all: Large[] = [];
  const rest: Fields = {};
  for (const [name, value] of Object.entries(state)) {
    const isLarge = isLargeMap(value);
    if (isLarge) {
      all.push({ name, entries: value.entries(), size: value.count(), written: 0 });
    }
    rest[name] = isLarge ? PersistentMap() : value;
  }
  encoder.value(rest);
  yield encoder.take();
  const largest = Math.max(0, ...all.map(({ size }) => size));
  const pieces = Math.ceil(largest / limits.snapshotPartEntriesMax);
  for (let piece = 1; piece <= pieces; piece += 1) {
    encoder.forgetTexts();
    for (const large of all) {
      const upTo = Math.floor((large.size * piece) / pieces);
      if (upTo === large.written) continue;
      encoder.value(large.name);
      for (; large.written < upTo; large.written += 1) {
        const [key, value] = large.entries.next().value;
        encoder.value(key);
        encoder.value(value);
      }
      yield encoder.take();
    }
  }
}

function isLargeMap(value: unknown): value is Anything {
  const size = isMap(value) && !isOrdered(value) ? (value as unknown as Anything).count() : 0;
  return size > SORTED_ENTRIES_MAX;
}

/** Reads a state from its parts, given in order. */
export class StateDecoder {
  readonly #decoder = new Decoder();
  readonly #maps = new Map<string, PersistentMap<unknown, unknown>>();
  #rest: Fields | undefined;

  /** Throws when it is no part of a state. */
  add(part: string): void {
    this.#decoder.give(JSON.parse(part));
    if (this.#rest === undefined) {
      this.#rest = this.#decoder.value() as Fields;
      return;
    }
    const name = this.#decoder.value() as string;
    const map = this.#maps.get(name) ?? (this.#rest[name] as PersistentMap<unknown, unknown>);
    const into = map.asMutable();
    while (this.#decoder.hasMore) into.set(this.#decoder.value(), this.#decoder.value());
    this.#maps.set(name, into);
  }

  end(): object {
    if (this.#rest === undefined) throw new Error('there is no state');
    const state = { ...this.#rest };
    for (const [name, map] of this.#maps) state[name] = map.asImmutable();
    return state;
  }
}

/** What writer and reader know of one shape of records: they learn the same in the same order. */
class Shape<T> {
  readonly id: number;
  readonly names: readonly string[];
  readonly known: T;
  count = 0;
  hits = 0;

  constructor(id: number, names: readonly string[], known: T) {
    this.id = id;
    this.names = names;
    this.known = known;
  }
}

class Encoder {
  #tokens: Token[] = [];
  #texts = new Map<string, number>();
  /** The shapes whose first field has this name. */
  readonly #shapes = new Map<string | undefined, Shape<Map<object, number>>[]>();
  #shapeCount = 0;

  take(): string {
    const part = JSON.stringify(this.#tokens);
    this.#tokens = [];
    return part;
  }

  /** From the part on that begins here, every text is said once more. */
  forgetTexts(): void {
    this.#tokens.push(CODE.anew);
    this.#texts = new Map();
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        this.#tokens.push(CODE.undefined);
        break;
      case 'boolean':
        this.#tokens.push(value ? CODE.true : CODE.false);
        break;
      case 'string':
        this.#text(value);
        break;
      case 'number':
        this.#number(value);
        break;
      case 'bigint':
        this.#tokens.push(CODE.bigint, value.toString(16));
        break;
      case 'object':
        if (value === null) this.#tokens.push(CODE.null);
        else this.#object(value);
        break;
      default:
        throw new TypeError(`a state has no place for a ${typeof value}`);
    }
  }

  #text(text: string): void {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, -1 - this.#texts.size);
    this.#tokens.push(known ?? text);
  }

  #number(number: number): void {
    if (!Number.isFinite(number) || Object.is(number, -0)) {
      throw new TypeError(`a state has no place for ${number}`);
    }
    const isPlain = number >= 0 && Number.isSafeInteger(number + FIRST_INTEGER);
    if (isPlain) this.#tokens.push(number + FIRST_INTEGER);
    else this.#tokens.push(CODE.number, number);
  }

  #object(value: object): void {
    if (Array.isArray(value)) {
      if (value.length === 0) this.#tokens.push(CODE.nothing);
      else this.#tokens.push(CODE.array, value.length);
      for (const element of value) this.value(element);
    } else if (isMap(value) || isSet(value)) {
      this.#collection(value as unknown as Anything);
    } else if (isTrie(value)) {
      this.#tokens.push(CODE.trie, trieText(value));
    } else {
      this.#record(value);
    }
  }

  #collection(collection: Anything): void {
    const isKeyed = isMap(collection);
    const [ordered, unordered] = isKeyed
      ? [CODE.orderedMap, CODE.map]
      : [CODE.orderedSet, CODE.set];
    const keys = [...collection.keys()];
    if (!isOrdered(collection) && keys.length <= SORTED_ENTRIES_MAX) keys.sort();
    this.#tokens.push(isOrdered(collection) ? ordered : unordered, keys.length);
    for (const key of keys) {
      this.value(key);
      if (isKeyed) this.value(collection.get(key));
    }
  }

  #record(record: object): void {
    const prototype = Object.getPrototypeOf(record);
    if (prototype !== Object.prototype && prototype !== null) {
      throw new TypeError(`a state has no place for a ${prototype?.constructor?.name}`);
    }
    const shape = this.#shapeOf(record);
    const known = shape.known.get(record);
    if (known !== undefined) {
      shape.hits += 1;
      this.#tokens.push(CODE.known, shape.id, known);
      return;
    }
    if (shape.count === 0) this.#tokens.push(CODE.shape, shape.names.length, ...shape.names);
    else this.#tokens.push(CODE.record, shape.id);
    const id = shape.count;
    shape.count += 1;
    for (const name of shape.names) this.value((record as Fields)[name]);
    if (id < KNOWN_MAX) shape.known.set(record, id);
    // A shape whose records are all different is not looked up any more.
    else if (id === KNOWN_MAX && shape.hits === 0) shape.known.clear();
  }

  #shapeOf(record: object): Shape<Map<object, number>> {
    const names = Object.keys(record);
    let alike = this.#shapes.get(names[0]);
    if (alike === undefined) {
      alike = [];
      this.#shapes.set(names[0], alike);
    }
    for (const shape of alike) if (areSame(shape.names, names)) return shape;
    const shape = this.#newShape(names);
    alike.push(shape);
    return shape;
  }

  #newShape(names: readonly string[]): Shape<Map<object, number>> {
    if (names.includes('__proto__')) throw new TypeError('a state has no place for a __proto__');
    const id = this.#shapeCount;
    this.#shapeCount += 1;
    return new Shape(id, names, new Map<object, number>());
  }
}

function areSame(names: readonly string[], others: readonly string[]): boolean {
  if (names.length !== others.length) return false;
  for (let i = 0; i < names.length; i += 1) if (names[i] !== others[i]) return false;
  return true;
}

class Decoder {
  #tokens: readonly Token[] = [];
  #at = 0;
  #texts: string[] = [];
  readonly #shapes: Shape<object[]>[] = [];

  give(tokens: readonly Token[]): void {
    this.#tokens = tokens;
    const forgets = tokens[0] === CODE.anew;
    this.#at = forgets ? 1 : 0;
    if (forgets) this.#texts = [];
  }

  get hasMore(): boolean {
    return this.#at < this.#tokens.length;
  }

  value(): unknown {
    const token = this.#next();
    if (typeof token === 'string') {
      this.#texts.push(token);
      return token;
    }
    if (token >= FIRST_INTEGER) return token - FIRST_INTEGER;
    if (token < 0) return known(this.#texts[-1 - token]);
    switch (token) {
      case CODE.undefined:
        return undefined;
      case CODE.null:
        return null;
      case CODE.false:
        return false;
      case CODE.true:
        return true;
      case CODE.number:
        return this.#next();
      case CODE.nothing:
        return NOTHING;
      case CODE.bigint:
        return bigintOf(this.#next() as string);
      case CODE.trie:
        return trieOf(this.#next() as string);
      default:
        return this.#composite(token);
    }
  }

  #composite(code: number): unknown {
    const number = this.#next() as number;
    switch (code) {
      case CODE.array:
        return this.#values(number);
      case CODE.record:
        return this.#record(known(this.#shapes[number]));
      case CODE.shape: {
        const names = this.#tokens.slice(this.#at, this.#at + number) as string[];
        this.#at += number;
        const shape = new Shape(this.#shapes.length, names, [] as object[]);
        this.#shapes.push(shape);
        return this.#record(shape);
      }
      case CODE.known:
        return known(known(this.#shapes[number]).known[this.#next() as number]);
      case CODE.map:
        return this.#entries(PersistentMap(), number);
      case CODE.orderedMap:
        return this.#entries(OrderedMap(), number);
      case CODE.set:
        return PersistentSet(this.#values(number));
      case CODE.orderedSet:
        return OrderedSet(this.#values(number));
      default:
        throw new Error(`${code} says nothing`);
    }
  }

  #record(shape: Shape<object[]>): object {
    const record: Fields = {};
    const id = shape.count;
    shape.count += 1;
    for (const name of shape.names) record[name] = this.value();
    if (id < KNOWN_MAX) shape.known[id] = record;
    return record;
  }

  #entries(empty: PersistentMap<unknown, unknown>, size: number): unknown {
    const map = empty.asMutable();
    for (let i = 0; i < size; i += 1) map.set(this.value(), this.value());
    return map.asImmutable();
  }

  #values(length: number): unknown[] {
    const values = new Array<unknown>(length);
    for (let i = 0; i < length; i += 1) values[i] = this.value();
    return values;
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Error('a part ends too early');
    this.#at += 1;
    return token;
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a part refers to what has not been said');
  return value;
}

function bigintOf(digits: string): bigint {
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}
