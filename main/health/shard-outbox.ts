import type { ShardSlot } from "./shard-slot.js";

/** Collects what several shards are to be told: messages of a bounded size each, so that cloning one is no work for a whole turn. */
export class Outbox<Item> {
  readonly #waiting: ReadonlyMap<number, { readonly slot: ShardSlot; items: Item[] }>;
  readonly #tell: (slot: ShardSlot, items: readonly Item[]) => void;
  readonly #atMost: number;

  /** @param atMost items in one message */
  constructor(slots: readonly ShardSlot[], tell: (slot: ShardSlot, items: readonly Item[]) => void, atMost: number) {
    this.#waiting = new Map(slots.map((slot) => [slot.index, { slot, items: [] }]));
    this.#tell = tell;
    this.#atMost = atMost;
  }

  /** At most one message goes out. */
  add(shard: number, item: Item): void {
    const box = this.#waiting.get(shard);
    if (box === undefined) return;
    box.items.push(item);
    if (box.items.length >= this.#atMost) this.#send(box);
  }

  /** The rest, a message per step. */
  *flush(): Generator<void> {
    for (const box of this.#waiting.values()) {
      if (box.items.length === 0) continue;
      this.#send(box);
      yield;
    }
  }

  #send(box: { readonly slot: ShardSlot; items: Item[] }): void {
    const { slot, items } = box;
    box.items = [];
    this.#tell(slot, items);
  }
}
