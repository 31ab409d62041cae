/** What is to run at a time. */
export class DeadlineEntry implements Disposable {
  readonly fn: () => void;
  deadline: number;
  /** Place in the heap; -1 when it has run or was cancelled. */
  at = -1;
  readonly #heap: DeadlineHeap;

  constructor(heap: DeadlineHeap, deadline: number, fn: () => void) {
    this.#heap = heap;
    this.deadline = deadline;
    this.fn = fn;
  }

  [Symbol.dispose](): void {
    if (this.at >= 0) this.#heap.remove(this);
  }
}

/** Entries with the earliest first: a binary heap whose entries know their places, so that any of them can be taken out. */
export class DeadlineHeap {
  readonly #entries: DeadlineEntry[] = [];

  get first(): DeadlineEntry | undefined {
    return this.#entries[0];
  }

  /** @param spent an entry of this heap that is in it no more: it comes back instead of a new one when it is for the same */
  add(deadline: number, fn: () => void, spent: Disposable | undefined): DeadlineEntry {
    const isSame = spent instanceof DeadlineEntry && spent.at < 0 && spent.fn === fn;
    const entry = isSame ? spent : new DeadlineEntry(this, deadline, fn);
    entry.deadline = deadline;
    entry.at = this.#entries.length;
    this.#entries.push(entry);
    this.#up(entry);
    return entry;
  }

  remove(entry: DeadlineEntry): void {
    const { at } = entry;
    entry.at = -1;
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    last.at = at;
    this.#entries[at] = last;
    this.#up(last);
    this.#down(last);
  }

  clear(): void {
    for (const entry of this.#entries) entry.at = -1;
    this.#entries.length = 0;
  }

  #up(entry: DeadlineEntry): void {
    for (let parent = this.#parentOf(entry); parent !== undefined && parent.deadline > entry.deadline; ) {
      this.#swap(entry, parent);
      parent = this.#parentOf(entry);
    }
  }

  #parentOf(entry: DeadlineEntry): DeadlineEntry | undefined {
    return entry.at === 0 ? undefined : this.#entries[(entry.at - 1) >> 1];
  }

  #down(entry: DeadlineEntry): void {
    for (;;) {
      const left = this.#entries[2 * entry.at + 1];
      const right = this.#entries[2 * entry.at + 2];
      const child = right !== undefined && left !== undefined && right.deadline < left.deadline ? right : left;
      if (child === undefined || child.deadline >= entry.deadline) return;
      this.#swap(child, entry);
    }
  }

  #swap(a: DeadlineEntry, b: DeadlineEntry): void {
    const at = a.at;
    a.at = b.at;
    b.at = at;
    this.#entries[a.at] = a;
    this.#entries[b.at] = b;
  }
}
