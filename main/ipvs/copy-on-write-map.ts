/** Copying more entries than this at once would be noticed: some 0.2 ms. */
const COPIED_AT_ONCE = 2048;

/**
 * A map that begins as another one and becomes one of its own at the first change. What we want, what the kernel has and what
 * we wrote there is mostly the same: one map does for all three until they differ. A small one is copied then; of a large one only
 * the changes are kept beside it.
 */
export class CopyOnWriteMap<K, V> {
  #content: ReadonlyMap<K, V>;
  #own: Changeable<K, V> | undefined;

  /** `shared` must not be changed by anybody any more. */
  constructor(shared: ReadonlyMap<K, V> = new Map()) {
    this.#content = shared;
  }

  /** The content now; what changes later may or may not show in it. */
  get content(): ReadonlyMap<K, V> {
    return this.#content;
  }

  set(key: K, value: V): void {
    this.#toChange().set(key, value);
  }

  /** @returns true when it was there */
  delete(key: K): boolean {
    return this.#content.has(key) && this.#toChange().delete(key);
  }

  #toChange(): Changeable<K, V> {
    if (this.#own !== undefined) return this.#own;
    const own: Changeable<K, V> =
      this.#content.size > COPIED_AT_ONCE ? new ChangedMap(this.#content) : new Map(this.#content);
    this.#own = own;
    this.#content = own;
    return own;
  }
}

interface Changeable<K, V> extends ReadonlyMap<K, V> {
  set(key: K, value: V): unknown;
  delete(key: K): boolean;
}

/** A map and what is different by now. A key that comes back has its old place in the order. */
class ChangedMap<K, V> implements Changeable<K, V> {
  readonly #before: ReadonlyMap<K, V>;
  /** Changed and added. */
  readonly #newer = new Map<K, V>();
  /** Of `#before`. */
  readonly #gone = new Set<K>();
  #added = 0;

  constructor(before: ReadonlyMap<K, V>) {
    this.#before = before;
  }

  get size(): number {
    return this.#before.size - this.#gone.size + this.#added;
  }

  get(key: K): V | undefined {
    if (this.#newer.has(key)) return this.#newer.get(key);
    return this.#gone.has(key) ? undefined : this.#before.get(key);
  }

  has(key: K): boolean {
    return this.#newer.has(key) || (this.#before.has(key) && !this.#gone.has(key));
  }

  set(key: K, value: V): void {
    if (this.#before.has(key)) this.#gone.delete(key);
    else if (!this.#newer.has(key)) this.#added += 1;
    this.#newer.set(key, value);
  }

  delete(key: K): boolean {
    if (!this.has(key)) return false;
    this.#newer.delete(key);
    if (this.#before.has(key)) this.#gone.add(key);
    else this.#added -= 1;
    return true;
  }

  *entries(): Generator<[K, V], undefined> {
    for (const [key, value] of this.#before) {
      if (this.#gone.has(key)) continue;
      const newer = this.#newer.get(key);
      yield [key, newer === undefined ? value : newer];
    }
    for (const entry of this.#newer) if (!this.#before.has(entry[0])) yield entry;
    return undefined;
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key;
    return undefined;
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries();
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
