import { Sealed } from "./sealed.js";

/**
 * The difference of two configurations as a list of small steps that rebuild the second one out of the first. What did not
 * change keeps its object identity, so that everything behind can skip what is `===`. It knows no section by name: a
 * configuration is plain data, records and lists of records that have a key. Pure; the config worker computes it and the main
 * thread carries it out, a portion at a time.
 */

export type Plain = Readonly<Record<string, unknown>>;

/** Steps work on the innermost record or list that is open. The configuration itself is, at the beginning. */
export type Step =
  /** List: elements of the list before, as they are. */
  | { readonly do: "same"; readonly from: number; readonly count: number }
  /** List: one more element. */
  | { readonly do: "add"; readonly value: unknown }
  /** Record: these fields. */
  | { readonly do: "set"; readonly fields: Plain }
  /** Record: not this field any more. */
  | { readonly do: "drop"; readonly field: string }
  /**
   * Begins an element, or (with `field`) a field, in parts. `from`: the element of the list before that it is made from;
   * a field is made from the same field before, unless `anew`.
   */
  | {
      readonly do: "open";
      readonly as: "list" | "record";
      readonly field?: string;
      readonly from?: number;
      readonly anew?: true;
    }
  | { readonly do: "close" };

/** A step that is nothing without a size: how many octets it takes to send, by and large. */
interface Sized {
  readonly step: Step;
  readonly octets: number;
}

/** What a portion holds at most: reading 32 KiB of structured clone takes some 0.3 ms. One string is never divided. */
export const portionLimits = { steps: 250, octets: 32 * 1024 } as const;
/** What is larger than this is sent in parts. */
const WHOLE_OCTETS = 4 * 1024;
const STEP_OCTETS = 32;

/**
 * The steps from `before` to `after`, in portions. `undefined`: from nothing. Computed as it is read. Elements of the lists of
 * `before` may be sealed.
 */
export const difference = (before: object | undefined, after: object): Generator<readonly Step[]> =>
  inPortions(recordSteps(before as Plain | undefined, after as Plain));

/** The steps that add one element to a list. */
export const additions = (element: unknown): Generator<readonly Step[]> => inPortions(listSteps([], [element]));

function* inPortions(steps: Iterable<Sized>): Generator<readonly Step[]> {
  let portion: Step[] = [];
  let octets = 0;
  for (const sized of steps) {
    if (portion.length > 0 && (portion.length >= portionLimits.steps || octets + sized.octets > portionLimits.octets)) {
      yield portion;
      portion = [];
      octets = 0;
    }
    portion.push(sized.step);
    octets += sized.octets;
  }
  if (portion.length > 0) yield portion;
}

/** Where something stands in a file is for messages only: moving it changes nothing. */
const POSITION = "at";

/** Equal in all that counts: a block that has only moved is the same. */
export function sameButForPositions(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Sealed) return isRecord(b) && (a.holds(b) || sameButForPositions(a.open(), b));
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameButForPositions(x, b[i]));
  if (!isRecord(a) || !isRecord(b)) return Number.isNaN(a) && Number.isNaN(b);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && (key === POSITION || sameButForPositions(a[key], b[key])));
}

export const isRecord = (value: unknown): value is Plain =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function* recordSteps(before: Plain | undefined, after: Plain): Generator<Sized> {
  for (const field of Object.keys(before ?? {})) {
    if (!Object.hasOwn(after, field)) yield { step: { do: "drop", field }, octets: STEP_OCTETS + field.length };
  }
  for (const [field, value] of Object.entries(after)) {
    const known = before !== undefined && Object.hasOwn(before, field);
    const old = known ? before[field] : undefined;
    if (known && sameButForPositions(old, value)) continue;
    const octets = octetsOf(value);
    if (!isDivisible(old, value, octets))
      yield { step: { do: "set", fields: { [field]: value } }, octets: octets + STEP_OCTETS };
    else {
      const open: Step = { do: "open", as: Array.isArray(value) ? "list" : "record", field };
      yield* inParts(isSameKind(old, value) ? open : { ...open, anew: true }, old, value);
    }
  }
}

function* listSteps(before: readonly unknown[], after: readonly unknown[]): Generator<Sized> {
  const places = placesOf(before);
  const keyOf = keys();
  let [from, count] = [0, 0];
  const flush = function* (): Generator<Sized> {
    if (count > 0) yield { step: { do: "same", from, count }, octets: STEP_OCTETS };
    count = 0;
  };
  for (const value of after) {
    const place = places.get(keyOf(value));
    const kept = place === undefined ? undefined : before[place];
    if (place !== undefined && sameButForPositions(kept, value)) {
      if (count > 0 && place === from + count) count += 1;
      else {
        yield* flush();
        [from, count] = [place, 1];
      }
      continue;
    }
    yield* flush();
    const old = kept instanceof Sealed ? kept.open() : kept;
    const octets = octetsOf(value);
    if (!isDivisible(old, value, octets)) yield { step: { do: "add", value }, octets: octets + STEP_OCTETS };
    else {
      const open: Step = { do: "open", as: Array.isArray(value) ? "list" : "record" };
      yield* inParts(place !== undefined && isSameKind(old, value) ? { ...open, from: place } : open, old, value);
    }
  }
  yield* flush();
}

function* inParts(open: Step, old: unknown, value: object): Generator<Sized> {
  yield { step: open, octets: STEP_OCTETS };
  if (Array.isArray(value)) yield* listSteps(Array.isArray(old) ? old : [], value);
  else yield* recordSteps(isRecord(old) ? old : undefined, value as Plain);
  yield { step: { do: "close" }, octets: STEP_OCTETS };
}

/** In parts: what may share something with the value before, and what is too large. */
const isDivisible = (old: unknown, value: unknown, octets: number): value is object =>
  typeof value === "object" && value !== null && (octets > WHOLE_OCTETS || (isSameKind(old, value) && !isFlat(value)));

const isFlat = (value: object): boolean => Object.values(value).every((inner) => typeof inner !== "object");

const isSameKind = (a: unknown, b: unknown): boolean =>
  Array.isArray(b) ? Array.isArray(a) : isRecord(a) && isRecord(b);

function placesOf(list: readonly unknown[]): ReadonlyMap<string, number> {
  const keyOf = keys();
  return new Map(list.map((value, place) => [keyOf(value), place]));
}

/** The keys of one list: a name, a service, an address with its port. Of equal keys, and without one, the place decides. */
function keys(): (value: unknown) => string {
  const seen = new Map<string, number>();
  return (value) => {
    const key = value instanceof Sealed ? value.key : isRecord(value) ? keyOfRecord(value) : "";
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    return ordinal === 0 ? key : `${key} #${ordinal}`;
  };
}

/** What it is called; several may be called the same. */
export function keyOfRecord(record: Plain): string {
  const { name, service, address, port } = record as { [field: string]: unknown };
  if (typeof name === "string") return name;
  if (service !== undefined) return JSON.stringify(service);
  return typeof address === "string" ? `${address} ${String(port)}` : "";
}

/** By and large, of a structured clone. Counting ends at what is too large in any case: a list may hold 37,000 real servers. */
function octetsOf(value: unknown): number {
  if (typeof value === "string") return 4 + value.length;
  if (typeof value !== "object" || value === null) return 8;
  let octets = 8;
  if (Array.isArray(value)) {
    for (const element of value) if ((octets += octetsOf(element)) > WHOLE_OCTETS) break;
  } else for (const key in value) octets += 4 + key.length + octetsOf((value as Plain)[key]);
  return octets;
}
