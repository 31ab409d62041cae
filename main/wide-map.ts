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

/** For numbers that are given out one after the other. */
export const partByRange = (key: number): number => key >>> 10;
