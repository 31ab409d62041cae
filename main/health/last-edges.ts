import { decodeEdges, encodeEdges } from "../../workers/edges.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { type CheckId, type Milliseconds, ms } from "../units.js";

/** Checks in one part; a part is there while one of its checks has an edge. */
const PART = 64;
/** Of one edge, as it crosses the threads. */
const WORDS = 4;

interface Part {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly times: Float64Array<ArrayBuffer>;
  count: number;
}

/** The last edge of every check with its time, 24 octets each: as objects they would be a hundred, and each would live until the next one. */
export class LastEdges {
  readonly #parts = new Map<number, Part>();

  get(id: CheckId): CheckEdge | undefined {
    const words = this.#parts.get(partOf(id))?.words.slice(placeOf(id), placeOf(id) + WORDS);
    return words?.[0] === id ? decodeEdges(words)[0] : undefined;
  }

  /** When the edge of `get` was heard, by the clock of `set`. */
  at(id: CheckId): Milliseconds | undefined {
    const part = this.#parts.get(partOf(id));
    return part?.words[placeOf(id)] === id ? ms(part.times[id % PART] ?? 0) : undefined;
  }

  set(edge: CheckEdge, at: Milliseconds): void {
    const { id } = edge;
    let part = this.#parts.get(partOf(id));
    if (part === undefined) {
      part = { words: new Uint32Array(PART * WORDS), times: new Float64Array(PART), count: 0 };
      this.#parts.set(partOf(id), part);
    }
    if (part.words[placeOf(id)] !== id) part.count += 1;
    part.words.set(encodeEdges([edge]), placeOf(id));
    part.times[id % PART] = at;
  }

  delete(id: CheckId): void {
    const part = this.#parts.get(partOf(id));
    if (part?.words[placeOf(id)] !== id) return;
    part.words.fill(0, placeOf(id), placeOf(id) + WORDS);
    part.count -= 1;
    if (part.count === 0) this.#parts.delete(partOf(id));
  }
}

const partOf = (id: CheckId): number => Math.floor(id / PART);
const placeOf = (id: CheckId): number => (id % PART) * WORDS;
