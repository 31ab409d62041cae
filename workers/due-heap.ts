/** What the heap holds. A removed entry stays inside until its time and is then passed over. */
export interface DueEntry<Key> {
  readonly key: Key;
  /** Monotonic milliseconds. */
  readonly due: number;
  cancelled: boolean;
}

/** A binary heap by due time: push and pop in O(log n), nothing allocated but the entry. */
export class DueHeap<Key> {
  readonly #entries: DueEntry<Key>[] = [];

  push(key: Key, due: number): DueEntry<Key> {
    const entry = { key, due, cancelled: false };
    this.#entries.push(entry);
    this.#rise(this.#entries.length - 1, entry);
    return entry;
  }

  /** The earliest entry that is not cancelled. */
  peek(): DueEntry<Key> | undefined {
    while (this.#entries[0]?.cancelled === true) this.#removeFirst();
    return this.#entries[0];
  }

  pop(): DueEntry<Key> | undefined {
    const first = this.peek();
    if (first !== undefined) this.#removeFirst();
    return first;
  }

  #removeFirst(): void {
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#sink(last);
  }

  #rise(from: number, entry: DueEntry<Key>): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#entries[above];
      if (parent === undefined || parent.due <= entry.due) break;
      this.#entries[at] = parent;
      at = above;
    }
    this.#entries[at] = entry;
  }

  #sink(entry: DueEntry<Key>): void {
    let at = 0;
    for (;;) {
      const left = this.#entries[2 * at + 1];
      const right = this.#entries[2 * at + 2];
      const goRight = left !== undefined && right !== undefined && right.due < left.due;
      const child = goRight ? right : left;
      if (child === undefined || child.due >= entry.due) break;
      this.#entries[at] = child;
      at = 2 * at + (goRight ? 2 : 1);
    }
    this.#entries[at] = entry;
  }
}
