import type { CheckId, Milliseconds } from "../main/units.js";
import { type CheckEdge, outcomes } from "./protocol.js";

/**
 * Edges as they cross the threads. Four words each: check id; bit 0 up, bits 8-15 index into `outcomes`, bits 16-31 HTTP
 * status; retries used; latency in µs. The buffer is transferred, so nothing is copied or cloned.
 */
const WORDS = 4;
const UP = 1;
const MAX_WORD = 0xffff_ffff;

export function encodeEdges(edges: readonly CheckEdge[]): Uint32Array<ArrayBuffer> {
  const batch = new Uint32Array(edges.length * WORDS);
  edges.forEach((edge, i) => {
    const packed = (edge.up ? UP : 0) | (outcomes.indexOf(edge.outcome) << 8) | (edge.status << 16);
    const latencyUs = Math.min(Math.round(edge.latency * 1000), MAX_WORD);
    batch.set([edge.id, packed, edge.retries, latencyUs], i * WORDS);
  });
  return batch;
}

/**
 * Decodes the whole batch before anything of it is believed.
 * @throws RangeError on a torn batch, an unknown outcome or flag, or an UP with a failure: the two sides disagree
 */
export function decodeEdges(batch: Uint32Array<ArrayBuffer>): CheckEdge[] {
  if (batch.length % WORDS !== 0) throw new RangeError(`torn batch of ${batch.length} words`);
  const edges: CheckEdge[] = [];
  for (let i = 0; i < batch.length; i += WORDS) {
    const [id = 0, packed = 0, retries = 0, latencyUs = 0] = batch.subarray(i, i + WORDS);
    const outcome = outcomes[(packed >>> 8) & 0xff];
    if (outcome === undefined) throw new RangeError(`unknown outcome ${(packed >>> 8) & 0xff} for check ${id}`);
    if ((packed & 0xfe) !== 0) throw new RangeError(`unknown flags ${packed & 0xff} for check ${id}`);
    const up = (packed & UP) === UP;
    if (up !== (outcome === "up")) throw new RangeError(`check ${id} is ${up ? "up" : "down"} by ${outcome}`);
    edges.push({
      id: id as CheckId,
      up,
      outcome,
      retries,
      latency: (latencyUs / 1000) as Milliseconds,
      status: packed >>> 16,
    });
  }
  return edges;
}
