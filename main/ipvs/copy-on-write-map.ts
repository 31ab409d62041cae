/**
 * A map that begins as another one and becomes a copy of its own at the first change. What we want, what the kernel has and
 * what we wrote there is mostly the same: one map does for all three until they differ.
 */
export class CopyOnWriteMap<K, V> {
  #shared: ReadonlyMap<K, V>;
  #own: Map<K, V> | undefined;

  /** `shared` must not be changed by anybody any more. */
  constructor(shared: ReadonlyMap<K, V> = new Map()) {
    this.#shared = shared;
  }

  /** The content now; what changes later may or may not show in it. */
  get content(): ReadonlyMap<K, V> {
    return this.#own ?? this.#shared;
  }

  set(key: K, value: V): void {
    this.#toChange().set(key, value);
  }

  /** @returns true when it was there */
  delete(key: K): boolean {
    return this.content.has(key) && this.#toChange().delete(key);
  }

  #toChange(): Map<K, V> {
    if (this.#own === undefined) {
      this.#own = new Map(this.#shared);
      this.#shared = this.#own;
    }
    return this.#own;
  }
}
