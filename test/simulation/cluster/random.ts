/** mulberry32: small, fast, the same on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    return unit(this.#state);
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  /** @throws RangeError when there is nothing to choose from */
  pick<T>(list: readonly T[]): T {
    const index = this.below(list.length);
    if (index >= list.length) throw new RangeError("nothing to pick from");
    return list[index] as T;
  }
}

/**
 * A random number that depends on its arguments alone. The fate of a packet is drawn so: taking an event out of a schedule
 * changes the fate of no other packet, and what is left stays the same story.
 */
export function fate(seed: number, a: number, b: number, c: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a + 1, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 15), 0x27d4eb2f) ^ Math.imul(b + 1, 0x165667b1);
  x = Math.imul(x ^ (x >>> 13), 0x9e3779b1) ^ Math.imul(c + 1, 0x2545f491);
  return unit(x >>> 0);
}

function unit(x: number): number {
  let t = Math.imul(x ^ (x >>> 15), x | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
