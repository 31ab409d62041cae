interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** The time that everybody shares and nobody sees, in ms. What is due at the same time runs in the order in which it was asked for. */
export class WorldClock {
  #now = 0;
  #made = 0;
  readonly #heap: Entry[] = [];

  get now(): number {
    return this.#now;
  }

  at(at: number, run: () => void): void {
    const entry = { at: Math.max(at, this.#now), order: this.#made++, run };
    const heap = this.#heap;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !before(entry, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = entry;
  }

  runUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#dropFirst();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      let least = heap[child];
      const right = heap[child + 1];
      if (least !== undefined && right !== undefined && before(right, least)) {
        least = right;
        child++;
      }
      if (least === undefined || !before(least, last)) break;
      heap[place] = least;
      place = child;
    }
    heap[place] = last;
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
