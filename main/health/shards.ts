import { identityHash } from "../../workers/identity-hash.js";
import type { CheckConfig } from "../config/model.js";
import { unreachable } from "../unreachable.js";

/** How far a shard may be above the average before new checks go elsewhere. */
const slack = 1.1;

/**
 * Relative processor time per second that a check costs: attempts per second, weighted by what one attempt of its kind takes
 * (a TLS handshake is some twenty connects).
 */
export function checkCost(check: CheckConfig): number {
  return attemptCost(check.type) / Math.max(1, check.timing.delayLoop / 1000);
}

function attemptCost(type: CheckConfig["type"]): number {
  switch (type) {
    case "TCP_CHECK":
      return 1;
    case "HTTP_GET":
      return 2;
    case "SSL_GET":
      return 20;
    default:
      return unreachable(type);
  }
}

/**
 * Which shard runs which check. The identity's hash decides, unless that shard already carries more than its part: then the
 * lightest one. A check that has a shard keeps it, so a reload moves nothing that was there before.
 */
export class ShardPlan {
  readonly #loads: number[];

  constructor(shards: number) {
    this.#loads = new Array<number>(shards).fill(0);
  }

  get loads(): readonly number[] {
    return this.#loads;
  }

  /** @returns index of the shard */
  add(identity: string, cost: number): number {
    const preferred = identityHash(identity) % this.#loads.length;
    const total = this.#loads.reduce((sum, load) => sum + load, 0);
    const bound = (slack * (total + cost)) / this.#loads.length;
    const shard = (this.#loads[preferred] ?? 0) <= bound ? preferred : this.#loads.indexOf(Math.min(...this.#loads));
    this.#change(shard, cost);
    return shard;
  }

  remove(shard: number, cost: number): void {
    this.#change(shard, -cost);
  }

  #change(shard: number, by: number): void {
    this.#loads[shard] = (this.#loads[shard] ?? 0) + by;
  }
}
