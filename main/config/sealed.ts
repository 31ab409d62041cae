import { deserialize, serialize } from "node:v8";

/** What of a position is not in the octets: an element that has only moved has the same ones. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** Seals that were computed for a comparison: whoever writes the next copy needs them again. */
const computed = new WeakMap<object, Buffer>();

/**
 * An element of a list in the copy of what is in force (accepted.ts), as octets that are opened only where it has changed: to compare
 * octets takes a hundredth of reading them. Equal octets are equal elements; others may be equal all the same.
 */
export class Sealed {
  /** difference.ts keyOfRecord */
  readonly key: string;
  readonly #octets: Buffer;
  readonly #spot: Spot | undefined;
  #opened: object | undefined;

  constructor(key: string, octets: Buffer, spot: Spot | undefined) {
    this.key = key;
    this.#octets = octets;
    this.#spot = spot;
  }

  /** True: `value` is this one, wherever it stands. False tells nothing. */
  holds(value: object): boolean {
    const octets = sealOf(value);
    const same = octets.equals(this.#octets);
    computed.set(value, same ? this.#octets : octets); // those that were read are one piece of memory for all
    return same;
  }

  open(): object {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  #open(): object {
    const value = deserialize(this.#octets) as { readonly at?: Spot };
    if (this.#spot !== undefined && value.at !== undefined) Object.assign(value.at, this.#spot);
    return value;
  }
}

/** The octets of a record, the same ones wherever it stands. */
export function sealOf(value: object): Buffer {
  const known = computed.get(value);
  if (known !== undefined) return known;
  const spot = spotOf(value);
  if (spot === undefined) return serialize(value);
  // What is inside has the very same position object: writing all of it anew would take longer than the rest.
  const { at } = value as { at: Spot };
  Object.assign(at, { line: 0, column: 0 });
  try {
    return serialize(value);
  } finally {
    Object.assign(at, spot);
  }
}

/** Where it stands; undefined: it does not say. */
export function spotOf(value: { readonly at?: unknown }): Spot | undefined {
  const { at } = value;
  if (typeof at !== "object" || at === null || !("line" in at) || !("column" in at)) return undefined;
  const { line, column } = at;
  return typeof line === "number" && typeof column === "number" ? { line, column } : undefined;
}
