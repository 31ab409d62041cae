/**
 * A map that grows in small parts. V8 copies a Map as a whole when it grows, or when enough has been deleted: with 60,000 entries
 * that holds the thread up for 5 ms and more. Entries come part by part, in the order of the parts' first use.
 */
export class WideMap<K, V> {
  readonly #partOf: (key: K) => number;
  readonly #parts = new Map<number, Map<K, V>>();

  /** @param partOf a number from the key; some thousand keys, at most, should have the same */
  constructor(partOf: (key: K) => number) {
    this.#partOf = partOf;
  }

  get(key: K): V | undefined {
    return this.#parts.get(this.#partOf(key))?.get(key);
  }

  has(key: K): boolean {
    return this.#parts.get(this.#partOf(key))?.has(key) === true;
  }

  set(key: K, value: V): void {
    const number = this.#partOf(key);
    const part = this.#parts.get(number);
    if (part === undefined) this.#parts.set(number, new Map([[key, value]]));
    else part.set(key, value);
  }

  /** @returns true when it was there */
  delete(key: K): boolean {
    const number = this.#partOf(key);
    const part = this.#parts.get(number);
    if (part?.delete(key) !== true) return false;
    if (part.size === 0) this.#parts.delete(number);
    return true;
  }

  *values(): Generator<V> {
    for (const part of this.#parts.values()) yield* part.values();
  }
}

const PARTS = 64;

/** For keys whose last characters differ, such as digests. */
export function partByEnd(key: string): number {
  const { length } = key;
  return (key.charCodeAt(length - 1) * 31 + key.charCodeAt(length - 2) * 7 + key.charCodeAt(length - 3)) % PARTS;
}

/** More, and a few that stay of many would keep room for all; fewer, and each part costs more than what it holds. */
const IDS_PER_PART = 64;

/** The same for numbers that are given out one after the other and never again: eight octets each instead of forty. */
export class IdMap<K extends number, V> {
  readonly #parts = new Map<number, { readonly values: (V | undefined)[]; count: number }>();

  get(id: K): V | undefined {
    return this.#parts.get(Math.floor(id / IDS_PER_PART))?.values[id % IDS_PER_PART];
  }

  set(id: K, value: V): void {
    const number = Math.floor(id / IDS_PER_PART);
    let part = this.#parts.get(number);
    if (part === undefined) {
      part = { values: new Array<V | undefined>(IDS_PER_PART).fill(undefined), count: 0 };
      this.#parts.set(number, part);
    }
    if (part.values[id % IDS_PER_PART] === undefined) part.count += 1;
    part.values[id % IDS_PER_PART] = value;
  }

  /** @returns true when it was there */
  delete(id: K): boolean {
    const number = Math.floor(id / IDS_PER_PART);
    const part = this.#parts.get(number);
    if (part?.values[id % IDS_PER_PART] === undefined) return false;
    part.values[id % IDS_PER_PART] = undefined;
    part.count -= 1;
    if (part.count === 0) this.#parts.delete(number);
    return true;
  }

  *values(): Generator<V> {
    for (const { values } of this.#parts.values()) for (const value of values) if (value !== undefined) yield value;
  }
}
